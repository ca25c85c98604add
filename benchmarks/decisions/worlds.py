"""Seeded series around a deploy: four weeks of history and one of watch, a reading each five minutes.

Every one has waves of the day and of the week, each with a phase of its own, and noise whose deviation is about 1
(counts apart: about 25 events a reading).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator

STEP_MS = 300_000.0
DAY, WEEK = 288, 2016
BEFORE, AFTER = 4 * WEEK, WEEK
SIZE = BEFORE + AFTER
_WARM = 1000


def noise(phi: float, innovations: Floats) -> Floats:
    """An AR(1) process of unit variance, where the innovations have it."""
    return lfilter([np.sqrt(1 - phi**2)], [1, -phi], innovations)[_WARM:]


def season(rng: Rng) -> Floats:
    at, (a, b, c) = np.arange(SIZE), 2 * np.pi * rng.random(3)
    day, week = 2 * np.pi * at / DAY, 2 * np.pi * at / WEEK
    return 1.5 * np.sin(day + a) + 0.7 * np.sin(2 * day + b) + 0.8 * np.sin(week + c)


def ar9(rng: Rng) -> Floats:
    return noise(0.9, rng.standard_normal(SIZE + _WARM)) + season(rng)


def t4(rng: Rng) -> Floats:
    return noise(0.9, rng.standard_t(4, SIZE + _WARM) / np.sqrt(2)) + season(rng)


def uneven(rng: Rng) -> Floats:
    """Its scatter has a day of its own, from .3 to 1.7 times."""
    loud = 1 + 0.7 * np.sin(2 * np.pi * (np.arange(SIZE + _WARM) / DAY + rng.random()))
    return noise(0.9, rng.standard_normal(SIZE + _WARM) * loud) + season(rng)


def misfit(rng: Rng) -> Floats:
    """What the description cannot hold: a job of 2½ hours a day, weekends of a level of their own, two noises."""
    at = np.arange(SIZE) + rng.integers(WEEK)
    job, weekend = 2.0 * ((at % DAY > 100) & (at % DAY < 130)), -1.0 * (at // DAY % 7 >= 5)
    quick, slow = (rng.standard_normal(SIZE + _WARM) for _ in range(2))
    return 0.8 * noise(0.8, quick) + 0.6 * noise(0.98, slow) + season(rng) + job + weekend


def counts(rng: Rng) -> Floats:
    rate = 20 * np.exp(0.3 * season(rng) + 0.2 * noise(0.9, rng.standard_normal(SIZE + _WARM)))
    return rng.poisson(rate).astype(np.float64)


def blip(rng: Rng) -> Floats:
    """Eight deviations for half an hour, now and then, and once in the watch."""
    values = ar9(rng)
    for at in (*rng.integers(BEFORE, size=6), BEFORE + rng.integers(5, AFTER - 10)):
        values[at : at + 6] += 8.0
    return values


def drift(rng: Rng) -> Floats:
    """Half a deviation a week, upwards, all the time."""
    return ar9(rng) + 0.5 * np.arange(SIZE) / WEEK


def wandering(rng: Rng) -> Floats:
    """A level that takes a walk of half a deviation a week."""
    return ar9(rng) + np.cumsum(rng.standard_normal(SIZE)) * 0.5 / np.sqrt(WEEK)


def slow(rng: Rng) -> Floats:
    """AR(1) of .995: it remembers for most of a day."""
    return noise(0.995, rng.standard_normal(SIZE + _WARM)) + season(rng)


World = Callable[[Rng], Floats]
QUIET: dict[str, World] = {
    "AR(1) .9": ar9, "t with 4 degrees": t4, "uneven scatter": uneven, "misfit": misfit, "counts": counts, "blip": blip,
}  # fmt: skip
HARD: dict[str, World] = {"drift .5 a week": drift, "wandering level": wandering, "AR(1) .995": slow}
