"""Calibration: what is stated comes nearer to what comes, and nothing is made of nothing."""

from collections.abc import Callable

import numpy as np
import pytest

from inference.calibration import MANY, STRENGTH, Figures, brier, expected_error, outcomes, pulled

# (what claims of a kind say, how often they are right when they say it): overbold, too shy, without a clue, honest
TRUTHS: dict[str, Callable[[Figures], Figures]] = {
    "overbold": lambda raw: 0.2 + 0.4 * raw,
    "too shy": lambda raw: 0.5 + 0.5 * raw,
    "without a clue": lambda raw: 0.5 + 0.0 * raw,
    "honest": lambda raw: raw,
}


def simulated(kind: str, known: int, dice: np.random.Generator) -> tuple[Figures, Figures, Figures]:
    """(raw, stated, came) of 300 claims, after so many outcomes of others like them."""
    past = dice.uniform(0.05, 0.9, known)
    came = dice.random(known) < TRUTHS[kind](past)
    seen = outcomes([(float(raw), bool(right), 1.0) for raw, right in zip(past, came, strict=True)])
    raw = dice.uniform(0.05, 0.9, 300)
    stated = np.array([pulled(float(one), float(one), seen) for one in raw])
    return raw, stated, (dice.random(300) < TRUTHS[kind](raw)).astype(np.float64)


def test_without_outcomes_the_figure_stands() -> None:
    assert pulled(0.7, 0.7, outcomes([])) == 0.7


def test_few_outcomes_pull_by_their_number() -> None:
    seen = outcomes([(0.9, False, 1.0)] * 4)
    assert pulled(0.9, 0.9, seen) == pytest.approx(STRENGTH * 0.9 / (STRENGTH + 4))
    weak = outcomes([(0.9, False, 0.5)] * 4)
    assert pulled(0.9, 0.9, seen) < pulled(0.9, 0.9, weak) < 0.9


def test_many_outcomes_count_where_the_figure_is_about_the_same() -> None:
    low, high = [(0.2, False, 1.0)] * 40, [(0.8, True, 1.0)] * 40
    seen = outcomes([*low, *high])
    assert seen.n > MANY
    assert pulled(0.8, 0.8, seen) > 0.95
    assert pulled(0.2, 0.2, seen) < 0.05
    assert pulled(0.99, 0.99, seen) > 0.95  # above all that was seen: as the highest


@pytest.mark.parametrize("kind", TRUTHS)
@pytest.mark.parametrize("known", [10, 200])
def test_what_is_stated_comes_nearer_to_what_comes(kind: str, known: int) -> None:
    drawn = [simulated(kind, known, np.random.default_rng(seed)) for seed in range(3)]
    before = float(np.mean([expected_error(raw, came) for raw, _, came in drawn]))
    after = float(np.mean([expected_error(stated, came) for _, stated, came in drawn]))
    worse = float(np.mean([brier(stated, came) - brier(raw, came) for raw, stated, came in drawn]))
    if kind == "honest" or known < MANY:  # there is little to gain: what may be lost is bounded
        assert after <= before + 0.03
        assert worse <= 0.01
    else:
        assert after < before
        assert worse < 0
    if known == 200:
        assert after <= 0.11


def test_a_figure_never_leaves_its_range() -> None:
    dice = np.random.default_rng(5)
    for _ in range(200):
        seen = outcomes([(float(dice.random()), bool(dice.random() < 0.5), 1.0) for _ in range(int(dice.integers(80)))])
        raw = float(dice.random())
        assert 0 <= pulled(raw, raw, seen) <= 1


def test_the_measures() -> None:
    right = np.array([1.0, 0.0, 1.0, 0.0])
    assert brier(right, right) == 0
    assert brier(np.full(4, 0.5), right) == 0.25
    assert expected_error(np.full(4, 0.5), right) == 0
    assert expected_error(np.full(4, 0.9), right) == pytest.approx(0.4)
