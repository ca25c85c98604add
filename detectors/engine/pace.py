"""Pace: how fast each part of a series' memory forgets, and what that comes to for a step of its readings.

All of it is time, not samples: a series read every minute and one read every hour remember equally long. What is below
the grain of a slow series is stretched to a quarter of its five-minute worth, and never to less than one sample.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Millis = npt.NDArray[np.int64]

MINUTE_MS = 60_000
DAY_MS = 86_400_000
_SLOWEST = 4.0  # a half-life is kept as if the step were at most this many times five minutes
_GRAIN_MS = 5 * MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pace:
    """The one configuration of the engine. Times in minutes or days as named; all else without unit.

    fast, middle, slow      half-lives of the levels and spreads, minutes
    long, day               half-lives of the further levels, minutes
    record                  half-life of what a series has shown at most, days
    record_least            the least of it, readings
    record_climb            how much a record may grow by one reading, natural log: one incident does not hide the next
    typical_share           how much of a score is the distance from a typical half day's maximum, not from the record
    typical_least           the least spread of half a day's maximum, natural log: two alike ones prove nothing
    typical_most            the most that this distance counts, in spreads
    typical_rate            the part of half a day's maximum that the typical one takes over
    together                how much channels that agree add up: the exponent of a power mean
    winsor                  how far beyond its level, in deviations, a reading may pull at it
    season_rate             the part of a reading that a time of day takes over, for each day
    season_pays             the season is used where its running error is below this part of the error without
    season_judge            the part by which what is known of that follows each time of day
    keep                    a score counts only when it is the greatest of the last one to two of these, days
    keep_least              the least length of such a span, readings
    warm                    the least samples before anything is said, and before records are held down
    """

    fast: float = 65.0
    middle: float = 77.0
    slow: float = 2_880.0
    long: float = 360.0
    day: float = 1_440.0
    record: float = 24.0
    record_least: float = 25_000.0
    record_climb: float = 0.21
    typical_share: float = 0.45
    typical_least: float = 0.37
    typical_most: float = 1.9
    typical_rate: float = 0.08
    together: float = 2.0
    winsor: float = 3.0
    season_rate: float = 0.15
    season_pays: float = 0.7
    season_judge: float = 0.02
    keep: float = 0.4
    keep_least: float = 61.0
    warm: int = 50

    def __post_init__(self) -> None:
        if not 0 < max(self.fast, self.middle) < self.slow:
            raise ValueError(f"fast {self.fast} and middle {self.middle} must be shorter than slow {self.slow}")
        if min(self.record, self.keep, self.winsor, self.typical_least) <= 0 or self.warm < 1:
            raise ValueError("record, keep, winsor, typical_least and warm must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """A pace for given steps: each float64 [1] where all rows share a step, else [N]; samples or parts a sample."""

    fast: Floats
    middle: Floats
    slow: Floats
    long: Floats
    daily: Floats
    record: Floats  # what a record loses in half a day, natural log
    day: Floats  # samples in a day, at least one
    warm: Floats  # samples before records are held down
    keep_ms: Millis


def rates(pace: Pace, steps: Singles) -> Rates:
    """What the pace comes to for steps [N] in milliseconds; [1] when they are all the same."""
    if float(np.min(steps)) == float(np.max(steps)):
        return _same(pace, float(steps[0]))
    return _each(pace, steps.astype(np.float64))


@lru_cache(maxsize=256)
def _same(pace: Pace, step: float) -> Rates:
    return _each(pace, np.array([step]))


def _each(pace: Pace, steps: Floats) -> Rates:
    step = np.clip(np.where(steps > 0, steps, MINUTE_MS), 1.0, DAY_MS)  # a first reading has no step
    grain = np.minimum(step, _SLOWEST * _GRAIN_MS)
    day = DAY_MS / step

    def part(half_life: float) -> Floats:
        samples = np.maximum(half_life * MINUTE_MS / grain, 1.0)
        return np.asarray(1 - np.exp2(-1 / samples))

    return Rates(
        fast=part(pace.fast),
        middle=part(pace.middle),
        slow=part(pace.slow),
        long=part(pace.long),
        daily=part(pace.day),
        record=np.log(2) * DAY_MS / 2 / np.maximum(pace.record * DAY_MS, pace.record_least * step),
        day=day,
        warm=np.clip(day, 3 * pace.warm, 12 * pace.warm),
        keep_ms=np.maximum(pace.keep * DAY_MS, pace.keep_least * step).astype(np.int64),
    )
