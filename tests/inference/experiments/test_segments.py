"""Segments by hand, and how often anything is found in any of them where there is nothing."""

import numpy as np
import pytest

from inference.experiments.arm import Arm
from inference.experiments.segments import Segment, effects, holm
from inference.experiments.sequence import Sequence

PLAN = Sequence(planned=40_000, alpha=0.05)


def arms(lift: float, users: int, seed: int = 1) -> tuple[Arm, Arm]:
    """Two arms of normal users with a deviation of one, whose means differ by exactly `lift`."""
    values = np.random.default_rng(seed).normal(0, 1, (2, users))
    values -= values.mean(axis=1, keepdims=True)
    return Arm.of(values[0]), Arm.of(values[1] + lift)


def test_the_steps_of_holm() -> None:
    assert holm([100, 70, 39, 1], 0.05, 4) == [True, True, False, False]  # 80, 60, 40, 20 are needed
    assert holm([100, 39, 1000, 25], 0.05, 4) == [True, False, True, False]  # 39 falls short, so 25 is not asked
    assert holm([41, 61, 100, 21], 0.05, 4) == [True, True, True, True]
    assert holm([81], 0.05, 4) == [True]
    assert holm([79], 0.05, 4) == [False]
    assert holm([], 0.05, 4) == []


@pytest.mark.parametrize(("evidences", "alpha"), [([1.0, 1.0], 0.05), ([1.0], 0.0), ([1.0], 1.0)])
def test_more_than_was_planned_is_refused(evidences: list[float], alpha: float) -> None:
    with pytest.raises(ValueError, match="at most 1 hypotheses"):
        holm(evidences, alpha, 1)


def test_each_segment_says_what_is_known_of_it() -> None:
    found = effects(
        {"moved": arms(0.12, 10_000), "still": arms(0.0, 10_000, 2), "small": arms(0.5, 500, 3), "few": arms(9, 99, 4)},
        planned=PLAN, effect=0.08, most=4,
    )  # fmt: skip
    moved, still, small, few = (found[name] for name in ("moved", "still", "small", "few"))
    assert moved.moved
    assert moved.low is not None
    assert moved.high is not None
    assert 0 < moved.low < 0.12 < moved.high
    assert not still.moved
    assert still.low is not None
    assert still.low < 0 < (still.high or 0)
    assert still.needed is not None
    assert still.needed < 20_000
    assert small == Segment(found=None, needed=small.needed, because=small.because)
    assert small.needed == pytest.approx(4 * ((2.4977 + 0.8416) / 0.08) ** 2, rel=0.05)
    assert small.because.startswith("1,000 users, and about 7,")
    assert few.because == "99 users in the smaller arm, and 100 are the least"


def test_intervals_are_wider_than_that_of_everybody() -> None:
    one = arms(0.1, 10_000)
    alone = effects({"a": one}, planned=PLAN, effect=0.08, most=1)["a"]
    among = effects({"a": one}, planned=PLAN, effect=0.08, most=20)["a"]
    assert alone.low is not None
    assert among.low is not None
    assert among.low < alone.low
    assert among.evidence < 1e3 * alone.evidence


def test_what_an_interval_finds_the_steps_find() -> None:
    for lift in np.linspace(0.02, 0.12, 11):
        found = effects({"a": arms(float(lift), 12_000), "b": arms(0.0, 12_000, 2)}, planned=PLAN, effect=0.1, most=5)
        low = found["a"].low
        assert low is not None
        assert found["a"].moved == (low > 0)  # the only one that moved is asked first, at the same level


def test_nothing_can_be_said_of_users_who_all_do_the_same() -> None:
    same = Arm.of(np.zeros(200))
    assert "differ among" in effects({"a": (same, same)}, planned=PLAN, effect=0.1, most=1)["a"].because


@pytest.mark.parametrize(("most", "effect", "said"), [(0, 0.1, "1 segments are more"), (1, 0.0, "above zero")])
def test_plans_that_do_not_fit_are_refused(most: int, effect: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        effects({"a": arms(0, 200)}, planned=PLAN, effect=effect, most=most)


def ever_found(runs: int, looks: int, segments: int, seed: int, *, real: int = 0) -> tuple[int, int]:
    """In how many experiments a segment without an effect was ever said to have moved, or left its interval."""
    rng = np.random.default_rng(seed)
    each, wrong, missed = 150, 0, 0
    plan = Sequence(planned=2 * each * looks * segments, alpha=0.05)
    for _ in range(runs):
        truth = np.where(np.arange(segments) < real, 0.2, 0.0)
        values = rng.normal(0, 1, (segments, 2, looks, each))
        values[:, 1] += truth[:, None, None]
        total = [(Arm.empty(), Arm.empty())] * segments
        bad = out = False
        for look in range(looks):
            total = [
                (c + Arm.of(own[0, look]), t + Arm.of(own[1, look]))
                for (c, t), own in zip(total, values, strict=True)
            ]  # fmt: skip
            found = effects({str(n): pair for n, pair in enumerate(total)}, planned=plan, effect=10.0, most=segments)
            bad |= any(found[str(n)].moved for n in range(real, segments))
            out |= any(not (f.low or 0) <= truth[int(n)] <= (f.high or 0) for n, f in found.items())
        wrong, missed = wrong + bad, missed + out
    return wrong, missed


def test_hardly_ever_is_anything_found_where_there_is_nothing() -> None:
    wrong, missed = ever_found(30, 8, 5, seed=11)
    assert wrong <= missed <= 4  # 30 times 5% is 1.5


@pytest.mark.long
@pytest.mark.parametrize("real", [0, 2])
def test_any_wrong_segment_in_many_experiments(real: int) -> None:
    """2,000 experiments with 20 looks at 6 segments each: at most 5%, and three standard errors of chance."""
    wrong, missed = ever_found(2_000, 20, 6, seed=12, real=real)
    assert wrong <= 0.05 * 2_000 + 3 * np.sqrt(0.05 * 0.95 * 2_000)
    assert missed <= 0.05 * 2_000 + 3 * np.sqrt(0.05 * 0.95 * 2_000)
