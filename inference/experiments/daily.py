"""Looks that are planned: once a day, with more power than a sequence that is always valid, and no look between.

The chance of an error is spent over the looks as O'Brien and Fleming's boundary would, by the share of the planned
users that are in (Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"); each boundary is found by
integrating over what the looks before left (Armitage, McPherson and Rowe 1969, "Repeated significance tests on
accumulating data").
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

_GRID = 401  # points a look: boundaries change by less than 1e-4 with twice as many
_LEAST = 1e-10  # what is left to spend at a look, below which no boundary is reached


def spent(share: float, alpha: float) -> float:
    """How much of alpha may be spent once that share of the planned users is in: half of it on either side."""
    if share <= 0:
        return 0.0
    return float(4 * ndtr(ndtri(alpha / 4) / math.sqrt(min(share, 1.0))))


def boundaries(shares: Sequence[float], alpha: float) -> list[float]:
    """How many standard errors off a look has to be, for each look so far; inf where nothing can be said yet.

    shares  of the planned users that were in at each look, growing; beyond 1 nothing more is spent
    Raises ValueError for shares that do not grow, and an alpha outside (0, 1).
    """
    if not 0 < alpha < 1 or any(a >= b for a, b in zip((0.0, *shares), shares, strict=False)):
        raise ValueError(f"shares grow from above zero and alpha lies between 0 and 1, got {list(shares)}, {alpha}")
    found: list[float] = []
    points, weights, before, gone = np.zeros(1), np.ones(1), 0.0, 0.0
    for share in shares:
        if before >= 1:
            found.append(math.inf)  # all is spent: what was not found at the plan's end is not found
            continue
        step, allowed = math.sqrt(share - before), spent(share, alpha) - gone
        if allowed < _LEAST:
            found.append(math.inf)
            reach = 8 * math.sqrt(share)
        else:
            reach = _bound(points, weights, step, allowed, 10 * math.sqrt(share))
            found.append(reach / math.sqrt(share))
            gone += allowed
        grid = np.linspace(-reach, reach, _GRID)
        density = (
            np.exp(-0.5 * ((grid[:, None] - points[None, :]) / step) ** 2) @ weights / (step * math.sqrt(2 * math.pi))
        )
        points, weights, before = grid, density * _simpson(grid), share
    return found


def _bound(points: np.ndarray, weights: np.ndarray, step: float, allowed: float, most: float) -> float:
    """The bound that what is left of the walk leaves, one step on, with the chance `allowed`."""
    low, high = 0.0, most
    for _ in range(60):
        middle = (low + high) / 2
        outside = weights @ (ndtr((-middle - points) / step) + ndtr((points - middle) / step))
        low, high = (middle, high) if outside > allowed else (low, middle)
    return high


def _simpson(grid: np.ndarray) -> np.ndarray:
    """Weights of Simpson's rule over an odd number of points."""
    weights = np.full(len(grid), 2.0)
    weights[1::2] = 4.0
    weights[0] = weights[-1] = 1.0
    scaled: np.ndarray = weights * (grid[1] - grid[0]) / 3
    return scaled
