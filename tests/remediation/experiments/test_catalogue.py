"""Hypotheses from levers, without a model: whole, in bounds, and the same every time."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.goal import Criteria, Goal
from cases.hypothesis import Hypothesis, Peril, stated
from config.experiments import ExperimentsSettings, LeverSettings
from config.settings import Settings
from inference.experiments.sequence import least_effect, planned_users
from remediation.experiments.built import lacking
from remediation.experiments.catalogue import catalogue
from remediation.experiments.levers import Levers, levers_of
from remediation.experiments.planning import spread
from tests.parts.ideas import GOAL, LEVERS, SLOW, a_shop

SHOP = a_shop()
EXPERIMENTS = ExperimentsSettings.model_validate(SHOP.services[0].experiments)
NOBODY = "`measures` has no entry for shop/abandonment: nobody could tell what single users do"


def ideas(goal: Goal = GOAL, shop: Settings = SHOP) -> tuple[Hypothesis, ...]:
    return catalogue(goal, shop, levers_of(goal, shop))[0]


def test_each_value_of_each_lever_that_moves_the_signal_is_one() -> None:
    found = [(one.turn.lever, json.loads(one.turn.treated), one.origin) for one in ideas()]
    assert found == [
        ("button", "Pay now", "catalogue:copy"),
        ("button", "Buy", "catalogue:copy"),
        ("provider", 750, "catalogue:timeout"),
        ("provider", 3000, "catalogue:timeout"),
        ("methods", ["wallet", "card", "invoice"], "catalogue:ordering"),
    ]


def test_a_cache_is_tried_at_double_and_four_times() -> None:
    found = [json.loads(one.turn.treated) for one in ideas(SLOW) if one.turn.lever == "prices"]
    assert found == [61, 122]


def test_it_says_what_for_whom_and_how_far() -> None:
    first = ideas()[0]
    assert first.statement == (
        "Show “Pay now” in place of “Pay” as button for country de or at, "
        "and shop/abandonment moves down by at least 0.02"
    )
    assert first.mechanism == LEVERS[0]["because"]
    assert (first.prediction.up, first.prediction.size) == (False, 0.02)
    assert ideas()[-1].prediction.size == 0.03  # the lever's own
    assert (first.plan.guardrails, first.plan.days, first.plan.least) == (("shop/p95",), 28, 0.01)
    assert first.shares == (0.5, 1.0)
    assert (first.risk, ideas()[2].risk) == (Peril.LOW, Peril.MEDIUM)
    assert "50% of country de or at in shop" in first.blast_radius


def test_a_share_varies_as_its_level_says_and_the_users_follow() -> None:
    plan = ideas()[0].plan
    assert plan.users == planned_users(0.01, math.sqrt(0.34 * 0.66), alpha=0.05)
    assert least_effect(plan.users, math.sqrt(0.34 * 0.66)) == pytest.approx(0.01, rel=0.01)
    assert plan.assumes == "of a share of 0.34"


def test_what_nobody_said_of_users_is_assumed_and_told() -> None:
    assert spread(SLOW, SHOP).because == "assumed: users differ as much as the level of 1.4"
    assert spread(SLOW, SHOP, 0.8).deviation == 0.8
    orders = replace(SLOW, signal="shop/orders", baseline=120, target=140)
    assert spread(orders, SHOP).deviation == 420
    percent = replace(GOAL, baseline=34, target=28)  # a share in another unit is a level like any other
    assert spread(percent, SHOP).deviation == 34


def test_a_share_of_nobody_still_needs_users() -> None:
    never = replace(GOAL, baseline=0.0, target=0.1)
    assert 0.09 < spread(never, SHOP).deviation ** 2 <= 0.25
    assert all(one.plan.users > 1 for one in ideas(never))


def test_the_same_goal_and_levers_give_the_same_ids() -> None:
    assert [one.id for one in ideas()] == [one.id for one in ideas(GOAL, a_shop())]
    assert len({one.id for one in ideas()}) == 5


def test_a_size_beyond_the_goal_is_refused() -> None:
    lever = {**LEVERS[0], "size": 0.5}
    shop = a_shop([lever])
    found, refused = catalogue(GOAL, shop, levers_of(GOAL, shop))
    assert found == ()
    assert refused[0] == ("button at “Pay now”", "0.5 is more than twice the way from baseline to target")


@pytest.mark.parametrize(
    ("shop", "goal", "why"),
    [
        (a_shop(services=[]), GOAL, "services[].experiments of shop does not say how it is experimented with"),
        (a_shop(measures=[]), GOAL, NOBODY),
        (SHOP, replace(GOAL, forbidden=("Config/**",)),
         "outcome checkout-abandonment forbids config/flags.json, which holds the flags"),
        (a_shop(scope={"deny": ["config/"]}), GOAL, "config/flags.json: denied by scope.deny (config/)"),
        (a_shop([LEVERS[2]]), GOAL, "none of them moves abandonment"),
    ],
)  # fmt: skip
def test_where_nothing_can_be_turned_the_reason_is_said(shop: Settings, goal: Goal, why: str) -> None:
    levers = levers_of(goal, shop)
    assert [refused.why for refused in levers.refused] == [why]
    assert catalogue(goal, shop, levers)[0] == ()


NUMBERS = st.one_of(st.integers(1, 10**6), st.floats(1e-3, 1e6, allow_nan=False))
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)


@st.composite
def levers(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["timeout", "copy", "cache", "ordering", "value"]))
    values: list[Any] = draw(
        {
            "timeout": st.lists(NUMBERS, min_size=1, max_size=4, unique_by=float),
            "cache": st.lists(NUMBERS, min_size=1, max_size=4, unique_by=float),
            "copy": st.lists(TEXTS, min_size=2, max_size=4, unique=True),
            "ordering": st.permutations(["a", "b", "c"]).map(lambda order: [["a", "b", "c"], ["x", *order]]),
            "value": st.lists(st.booleans(), min_size=2, max_size=2, unique=True),
        }[kind]
    )
    size = draw(st.none() | st.floats(1e-6, 1e3, allow_nan=False))
    return {
        "name": draw(st.sampled_from(["button", "provider"])), "kind": kind, "flag": "a-flag", "control": values[0],
        "values": tuple(values[1:]), "moves": ("abandonment",), "because": "It may.", "size": size,
        "risk": draw(st.sampled_from(["low", "medium", "high"])),
    }  # fmt: skip


@st.composite
def goals(draw: st.DrawFn) -> Goal:
    baseline, target = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    target = target if abs(target - baseline) > 1e-3 else (baseline + 0.5) % 1
    lift = abs(target - baseline) * draw(st.floats(0.01, 1))
    segment = draw(st.dictionaries(st.sampled_from(["country", "device"]), st.tuples(TEXTS), max_size=2))
    days = draw(st.integers(7, 90))
    return replace(GOAL, baseline=baseline, target=target, criteria=Criteria(lift=lift), segment=segment, days=days)


@settings(max_examples=60, deadline=None)
@given(lever=levers(), goal=goals(), share=st.sampled_from([0.1, 0.25, 0.5, 1]))
def test_whatever_the_levers_every_hypothesis_is_whole_and_in_bounds(
    lever: dict[str, Any], goal: Goal, share: float
) -> None:
    experiments = EXPERIMENTS.model_copy(update={"share": share})
    found, refused = catalogue(goal, SHOP, Levers(found=(LeverSettings(**lever),), experiments=experiments))
    assert len(found) + len(refused) >= 1
    for one in found:
        assert lacking(one, goal) == ()
        assert stated(one.statement) is not None
        assert 0 < one.plan.least <= one.prediction.size <= 2 * abs(goal.target - goal.baseline)
        assert one.prediction.up is (goal.target > goal.baseline)
        assert one.plan.users > 1
        assert one.plan.days == goal.days
        assert one.shares[0] == share
        assert one.shares[-1] == 1
        assert json.loads(one.turn.control) == lever["control"] != json.loads(one.turn.treated)
        assert all((one.mechanism, one.blast_radius, one.plan.assumes, one.plan.guardrails, one.origin))


def test_a_letter_that_a_file_escapes_in_halves_is_shown_whole() -> None:
    shop = a_shop([{**LEVERS[0], "values": ["Pay \N{SPARKLES}\N{SHOPPING TROLLEY}"]}])  # written as JSON
    assert ideas(GOAL, shop)[0].turn.treated == '"Pay \N{SPARKLES}\N{SHOPPING TROLLEY}"'
