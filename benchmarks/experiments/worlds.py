"""Experiments to measure with: users arrive in two arms, look after look, and each metric is what its users sum up to.

A world gives, for many experiments at once, the lift and its standard error at every look, [runs, looks]: the same
numbers that `inference.experiments.lift` gives for one, which the tests hold it to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
POOL = 1_000_000
"""Users to draw from, where a user is more than one number: the truth of both arms is the pool's, exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What every look of many experiments sees.

    difference, se   treated minus control, [runs, looks]
    users            of both arms, [looks]
    """

    difference: Floats
    se: Floats
    users: Floats


def _means(control: tuple[Floats, Floats], treated: tuple[Floats, Floats], users: Floats) -> Seen:
    """From sums and sums of squares, [runs, looks] each, of `users` users an arm."""
    levels, squares = [], []
    for total, square in (control, treated):
        mean = total / users
        levels.append(mean)
        squares.append((square - users * mean**2) / (users - 1) / users)
    se = np.sqrt(squares[0] + squares[1])
    # Where all users did the same nothing can be said: no difference is large beside that.
    return Seen(difference=levels[1] - levels[0], se=np.where(se > 0, se, np.inf), users=2 * users)


def normal(rng: np.random.Generator, runs: int, looks: int, each: int, lift: float = 0.0) -> Seen:
    """A normal value a user, of deviation 1."""
    users = each * np.arange(1, looks + 1, dtype=np.float64)

    def arm(mean: float) -> tuple[Floats, Floats]:
        off = rng.normal(0, np.sqrt(each), (runs, looks))
        within = rng.chisquare(each - 1, (runs, looks)) if each > 1 else np.zeros((runs, looks))
        total = off + each * mean
        return total.cumsum(axis=1), (within + total**2 / each).cumsum(axis=1)

    return _means(arm(10.0), arm(10.0 + lift), users)


def conversion(rng: np.random.Generator, runs: int, looks: int, each: int, lift: float = 0.0) -> Seen:
    """One user in twenty converts."""
    users = each * np.arange(1, looks + 1, dtype=np.float64)

    def arm(share: float) -> tuple[Floats, Floats]:
        total = rng.binomial(each, share, (runs, looks)).cumsum(axis=1).astype(np.float64)
        return total, total

    return _means(arm(0.05), arm(0.05 + lift), users)


def buyers() -> Floats:
    """Revenue a user: one in twenty buys, and a few of them much; put to the 99.9th percentile of buyers."""
    rng = np.random.default_rng(5)
    bought = rng.random(POOL) < 0.05
    spent = np.where(bought, rng.lognormal(3.5, 1.2, POOL), 0.0)
    return np.minimum(spent, np.quantile(spent[bought], 0.999))


def revenue(rng: np.random.Generator, runs: int, looks: int, each: int, lift: float = 0.0) -> Seen:
    """What `buyers` spend; a lift is put on top of everybody."""
    pool = buyers()
    users = each * np.arange(1, looks + 1, dtype=np.float64)

    def arm(more: float) -> tuple[Floats, Floats]:
        drawn = pool[rng.integers(POOL, size=(runs, looks, each))] + more
        return drawn.sum(axis=2).cumsum(axis=1), (drawn**2).sum(axis=2).cumsum(axis=1)

    return _means(arm(0.0), arm(lift), users)


def ratio(rng: np.random.Generator, runs: int, looks: int, each: int, lift: float = 0.0) -> Seen:
    """Clicks by page views, where each user has views and a taste of their own; a lift is on top of the ratio."""
    pool = np.random.default_rng(7)
    views = 1.0 + pool.poisson(2.0, POOL)
    clicks = pool.binomial(views.astype(np.int64), pool.beta(1, 9, POOL)).astype(np.float64)
    users = each * np.arange(1, looks + 1, dtype=np.float64)

    def arm(more: float) -> tuple[Floats, Floats]:
        drawn = rng.integers(POOL, size=(runs, looks, each))
        value, base = clicks[drawn] + more * views[drawn], views[drawn]
        sums = [part.sum(axis=2).cumsum(axis=1) for part in (value, base, value**2, base**2, value * base)]
        level = sums[0] / sums[1]
        off = sums[2] - 2 * level * sums[4] + level**2 * sums[3]
        return level, off / (users - 1) / users / (sums[1] / users) ** 2

    (control, first), (treated, second) = arm(0.0), arm(lift)
    return Seen(difference=treated - control, se=np.sqrt(first + second), users=2 * users)


World = Callable[..., Seen]
WORLDS: Mapping[str, World] = {"normal": normal, "conversion": conversion, "revenue": revenue, "ratio": ratio}
DEVIATION: Mapping[str, float] = {"normal": 1.0, "conversion": float(np.sqrt(0.05 * 0.95))}
"""Of one user, where a lift is planned for."""
