"""A share with its interval, from counts: Wilson's score interval, which holds for few outcomes and near 0 and 1."""

import math
from dataclasses import dataclass

Z = 1.959963984540054
"""Of a two-sided interval of 95%."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`good` of `n`, the share, and its 95% interval; without any outcome the interval is all of [0, 1]."""

    good: int
    n: int
    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.good} of {self.n} ({self.low:.0%} to {self.high:.0%})" if self.n else "none"


def share(good: int, n: int) -> Share:
    """The share of `good` in `n`, 0 <= good <= n."""
    if not 0 <= good <= n:
        raise ValueError(f"{good} of {n} is no share")
    if n == 0:
        return Share(good=0, n=0, mean=0.5, low=0.0, high=1.0)
    mean, square = good / n, Z * Z
    middle = (mean + square / (2 * n)) / (1 + square / n)
    half = Z / (1 + square / n) * math.sqrt(mean * (1 - mean) / n + square / (4 * n * n))
    return Share(good=good, n=n, mean=mean, low=max(0.0, middle - half), high=min(1.0, middle + half))
