"""Paired measurements: how one compares with the other, with an interval that outliers do not move.

The median of all pairwise means of the differences (Hodges & Lehmann 1963), and the interval of Wilcoxon's signed-rank
test turned round: exact for any noise that is as often above as below, whatever its tails.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as much the second is: the estimate, and the interval that holds it with the chance asked for."""

    low: float
    estimate: float
    high: float
    pairs: int


def paired_ratio(first: Sequence[float], second: Sequence[float], *, alpha: float) -> Ratio:
    """The ratio second / first of positive measurements that were taken in pairs.

    `alpha` is the chance that the interval misses it. With too few pairs for that chance it is without bounds.
    Raises ValueError for lengths that differ, none at all, and what is not positive and finite.
    """
    if len(first) != len(second) or not first:
        raise ValueError("pairs need as many of the one as of the other, and one at least")
    if not all(0 < value < math.inf for value in (*first, *second)):
        raise ValueError("measurements are positive and finite")
    differences = [math.log(b / a) for a, b in zip(first, second, strict=True)]
    means = sorted((one + other) / 2 for place, one in enumerate(differences) for other in differences[place:])
    middle = (means[(len(means) - 1) // 2] + means[len(means) // 2]) / 2
    left_out = _left_out(len(differences), alpha)
    bounded = left_out > 0
    return Ratio(
        low=math.exp(means[left_out - 1]) if bounded else 0.0,
        estimate=math.exp(middle),
        high=math.exp(means[-left_out]) if bounded else math.inf,
        pairs=len(differences),
    )


def _left_out(pairs: int, alpha: float) -> int:
    """Which mean from either end is the bound: the greatest k with P(rank sum < k) at most alpha / 2; 0 for none."""
    ways = [1] + [0] * (pairs * (pairs + 1) // 2)  # by sum of the ranks with a sign
    for rank in range(1, pairs + 1):
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    below, k = 0.0, 0
    while k < len(ways) and (below := below + ways[k] / 2**pairs) <= alpha / 2:
        k += 1
    return k
