"""What a change is credited with that did nothing, and that mended: anomalies of many kinds of duration.

An anomaly of four deviations has lasted for `age` hours at the deploy. How long such anomalies last by themselves is
drawn from one law: eight of them are on record, and the one at hand is one of those that outlast its age.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from worlds import AFTER, BEFORE, SIZE, Floats, Rng, noise, season

HOUR = 12  # readings
GAP, ON_RECORD = 4.0, 8
_DRAWN = 1000

Law = Callable[[Rng, int], Floats]


def _exponential(mean: float) -> Law:
    return lambda rng, count: rng.exponential(mean, count)


def _lognormal(mean: float, sigma: float) -> Law:
    return lambda rng, count: rng.lognormal(np.log(mean) - sigma**2 / 2, sigma, count)


def _gamma(mean: float, shape: float) -> Law:
    return lambda rng, count: rng.gamma(shape, mean / shape, count)


def _weibull(scale: float, shape: float) -> Law:
    return lambda rng, count: scale * rng.weibull(shape, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`law` draws durations in hours, None where the anomaly never ends; `age` is in hours."""

    law: Law | None
    age: float = 12.0

    def told(self, rng: Rng, *, mends: bool) -> tuple[Floats, tuple[float, ...]]:
        """A series, and the durations on record in hours. A change that mends does it at once."""
        values = noise(0.9, rng.standard_normal(SIZE + 1000)) + season(rng)
        left, record = float(AFTER), (72.0,) * ON_RECORD
        if self.law is not None:
            record = tuple(self.law(rng, ON_RECORD).tolist())
            left = HOUR * self._left(rng, self.law)
        lasts = 0 if mends else int(min(left, AFTER))
        values[BEFORE - self.readings : BEFORE + lasts] += GAP
        return values, record

    @property
    def readings(self) -> int:
        """Since the anomaly's onset, at the deploy."""
        return int(self.age * HOUR)

    def _left(self, rng: Rng, law: Law) -> float:
        while True:
            durations = law(rng, _DRAWN)
            longer = durations[durations > self.age]
            if len(longer):
                return float(longer[0]) - self.age


MEMORYLESS: dict[str, Story] = {
    "persists": Story(law=None),
    "exponential, 2 h": Story(law=_exponential(2.0)),
    "exponential, 8 h": Story(law=_exponential(8.0)),
    "exponential, 24 h": Story(law=_exponential(24.0)),
    "exponential, 72 h": Story(law=_exponential(72.0)),
}
STORIES: dict[str, Story] = {
    **MEMORYLESS,
    "exponential, 24 h, an hour old": Story(law=_exponential(24.0), age=1.0),
    "lognormal of 1.5, 24 h, an hour old": Story(law=_lognormal(24.0, 1.5), age=1.0),
    "Weibull of .5, 24 h, an hour old": Story(law=_weibull(12.0, 0.5), age=1.0),
    "gamma of 50, 12.5 h (it is due)": Story(law=_gamma(12.5, 50.0)),
}


def back_within_a_day(values: Floats, story: Story) -> bool:
    """The naive credit: half of the gap is gone a day after the deploy."""
    before = values[BEFORE - story.readings - 720 : BEFORE - story.readings].mean()
    return bool(values[BEFORE + 276 : BEFORE + 288].mean() - before < GAP / 2)
