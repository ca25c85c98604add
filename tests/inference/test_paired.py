"""Paired ratios: exact whatever the noise's tails, and never bounded by too few pairs."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats

from inference.paired import paired_ratio

ALPHA = 0.01
STATS: Any = scipy.stats  # the library has no types


def noisy(chance: np.random.Generator, pairs: int, ratio: float) -> tuple[list[float], list[float]]:
    """Times that share a slow drift, with a heavy tail of hiccups."""
    drift = np.exp(np.cumsum(chance.normal(0, 0.05, pairs)))
    noise = np.exp(0.03 * chance.standard_t(2, (2, pairs)))
    return list(drift * noise[0]), list(ratio * drift * noise[1])


def test_a_speed_up_is_seen_and_its_size_is_right() -> None:
    ratio = paired_ratio(*noisy(np.random.default_rng(1), 10, 0.7), alpha=ALPHA)
    assert ratio.low < 0.7 < ratio.high < 1
    assert ratio.pairs == 10


def test_noise_is_called_faster_no_more_often_than_it_may_be() -> None:
    chance = np.random.default_rng(2)
    ratios = [paired_ratio(*noisy(chance, 10, 1.0), alpha=ALPHA) for _ in range(2000)]
    faster = sum(ratio.high < 1 for ratio in ratios) / len(ratios)
    covered = sum(ratio.low <= 1 <= ratio.high for ratio in ratios) / len(ratios)
    assert faster <= 0.005 + 3 * math.sqrt(0.005 / 2000)
    assert covered >= 0.99 - 3 * math.sqrt(0.01 / 2000)


def test_the_interval_is_wilcoxons_own_test_turned_round() -> None:
    chance = np.random.default_rng(3)
    for size in (0.95, 0.98, 1.0, 1.05):
        first, second = noisy(chance, 12, size)
        ratio = paired_ratio(first, second, alpha=0.05)
        differences = np.log(np.array(second) / np.array(first))
        for at, inside in ((ratio.low * 0.9999, False), (ratio.low * 1.0001, True), (ratio.high * 1.0001, False)):
            found = float(STATS.wilcoxon(differences - math.log(at), method="exact").pvalue)
            assert (found > 0.05) is inside


def test_too_few_pairs_bound_nothing() -> None:
    ratio = paired_ratio([2.0] * 7, [1.0] * 7, alpha=ALPHA)
    assert (ratio.low, ratio.estimate, ratio.high) == (0.0, 0.5, math.inf)
    assert paired_ratio([2.0] * 8, [1.0] * 8, alpha=ALPHA).high == 0.5


@pytest.mark.parametrize(("first", "second"), [([], []), ([1.0], []), ([1.0], [0.0]), ([math.nan], [1.0])])
def test_what_cannot_be_compared(first: list[float], second: list[float]) -> None:
    with pytest.raises(ValueError, match=r"pairs need|positive"):
        paired_ratio(first, second, alpha=ALPHA)
