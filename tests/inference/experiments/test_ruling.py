"""What a look comes to, by a table; and the forecast that may end an experiment, against experiments that went on."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from inference.experiments.futility import chance
from inference.experiments.lift import Lift
from inference.experiments.ruling import Guardrail, Look, Safety, Word, rule
from inference.experiments.sequence import Sequence

PLAN = Sequence(planned=10_000, alpha=0.05)


def found(difference: float, se: float = 0.01, users: int = 10_000) -> Lift:
    return Lift(
        control=1.0, treated=1 + difference, difference=difference, se=se, relative=None, relative_se=None,
        users=users, explained=0.0,
    )  # fmt: skip


LOOK = Look(
    users=(5_000, 5_000), found=found(0.015), guardrails={}, bar=0.0, planned=PLAN, most=20_000, expected=0.02,
    ran=timedelta(days=8), mismatched=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "word", "because"),
    [
        ({}, Word.CONTINUE, "inside the interval"),
        ({"found": found(0.05)}, Word.SCALE, "above the bar"),
        ({"found": found(0.05), "ran": timedelta(days=6)}, Word.CONTINUE, "7 days are not over yet"),
        ({"found": found(0.05), "bar": 0.02}, Word.CONTINUE, "inside"),
        ({"found": found(-0.05)}, Word.KILL, "below the bar"),
        ({"found": found(0.05), "mismatched": True}, Word.KILL, "shared out"),
        ({"crossed": 100}, Word.CONTINUE, "inside"),
        ({"crossed": 110}, Word.CONTINUE, "inside"),
        ({"crossed": 200}, Word.KILL, "200 of 10,200 users saw more than one variant (2.0%, and 1.0% may)"),
        ({"crossed": 200, "most_crossed": 0.02}, Word.CONTINUE, "inside"),
        ({"crossed": 200, "found": found(0.05)}, Word.KILL, "saw more than one variant"),
        ({"crossed": 200, "ran": timedelta(hours=23)}, Word.CONTINUE, "inside"),
        ({"crossed": 60, "users": (40, 40), "ran": timedelta(hours=25)}, Word.KILL, "saw more than one variant"),
        (
            {"crossed": 200, "ran": timedelta(hours=4), "shortest": timedelta(days=1)},
            Word.KILL,
            "more than one variant",
        ),
        ({"crossed": 200, "guardrails": {"p95": Guardrail(found=found(0.06), margin=0.01)}}, Word.KILL, "harm: p95"),
        ({"found": found(0.01, users=20_000)}, Word.KILL, "undecided after 20,000"),
        ({"found": found(-0.005), "ran": timedelta(days=3)}, Word.KILL, "is too little"),
        ({"found": found(-0.005), "ran": timedelta(days=1)}, Word.CONTINUE, "inside"),
        ({"users": (99, 9_000)}, Word.CONTINUE, "too early: 99"),
        ({"users": (99, 9_000), "over": "the budget is used up"}, Word.KILL, "the budget is used up"),
        ({"found": None}, Word.CONTINUE, "nothing can be said"),
        ({"over": "the budget is used up"}, Word.KILL, "the budget is used up"),
        ({"over": "the budget is used up", "found": found(0.05)}, Word.SCALE, "above the bar"),
        ({"guardrails": {"p95": Guardrail(found=found(0.06), margin=0.01)}}, Word.KILL, "harm: p95"),
        (
            {"guardrails": {"p95": Guardrail(found=found(0.06), margin=0.01)}, "found": found(0.05)},
            Word.KILL,
            "harm: p95",
        ),
        ({"guardrails": {"p95": Guardrail(found=found(0.06), margin=0.01)}, "users": (99, 99)}, Word.CONTINUE, "early"),
        ({"guardrails": {"orders": Guardrail(found=found(0.06), margin=0.01, up=False)}}, Word.CONTINUE, "inside"),
        ({"guardrails": {"orders": Guardrail(found=found(-0.06), margin=0.01, up=False)}}, Word.KILL, "harm: orders"),
    ],
)
def test_each_look_has_its_ruling(changes: dict[str, object], word: Word, because: str) -> None:
    ruling = rule(replace(LOOK, **changes))  # pyright: ignore[reportArgumentType] - fields by name
    assert (ruling.word, because in ruling.because) == (word, True), ruling.because


def test_a_guardrail_is_open_until_something_is_known_of_it() -> None:
    rails = {
        "safe": Guardrail(found=found(-0.05), margin=0.01),
        "open": Guardrail(found=found(0.01), margin=0.01),
        "unseen": Guardrail(found=None, margin=0.01),
    }
    assert rule(replace(LOOK, guardrails=rails)).safety == {
        "safe": Safety.SAFE,
        "open": Safety.OPEN,
        "unseen": Safety.OPEN,
    }


def test_the_chance_is_that_of_experiments_that_go_on() -> None:
    """Effects as the prior has them, estimates as they come: of those that look so now, as many clear the bar later."""
    rng = np.random.default_rng(6)
    users, most, expected, sd = 4_000, 10_000, 0.05, 1.0
    sequence = Sequence(planned=most, alpha=0.05)
    effects = rng.normal(0, expected, 400_000)
    se, later = sd / math.sqrt(users), sd / math.sqrt(most)
    now = effects + rng.normal(0, se, effects.size)
    rest = effects + rng.normal(0, sd / math.sqrt(most - users), effects.size)
    end = (users * now + (most - users) * rest) / most
    clears = end + sequence.around(0.0, later, most)[0] > 0
    for at in (-0.01, 0.02, 0.04):
        near = np.abs(now - at) < 0.002
        wanted = clears[near].mean()
        told = chance(at, se, users, bar=0.0, most=most, expected=expected, sequence=sequence)
        assert told == pytest.approx(wanted, abs=0.02)


def test_at_the_last_user_it_is_decided() -> None:
    for difference, told in ((0.05, 1.0), (0.01, 0.0)):
        assert chance(difference, 0.01, 500, bar=0.0, most=500, expected=1.0, sequence=PLAN) == told
    with pytest.raises(ValueError, match="above zero"):
        chance(0.0, 0.0, 5, bar=0.0, most=5, expected=1.0, sequence=PLAN)
