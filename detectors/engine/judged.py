"""Judged: what a tick says of its readings."""

from dataclasses import dataclass

import numpy as np

from detectors.engine.calibration import Counts, rarity
from detectors.engine.pace import Floats, Singles
from detectors.engine.rows import LEVELS, SILENT, Places


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explained:
    """What was expected of readings, each float64 [N]; see `Judged`."""

    raw: Floats
    expected: Floats
    spread: Floats

    @classmethod
    def nothing(cls, size: int) -> "Explained":
        """Nothing said of so many readings."""
        return cls(raw=np.zeros(size), expected=np.full(size, np.nan), spread=np.full(size, np.nan))

    def at(self, places: slice) -> "Explained":
        """Views of a stretch."""
        return Explained(raw=self.raw[places], expected=self.expected[places], spread=self.spread[places])

    def put(self, places: Places, some: "Explained") -> None:
        """Put what was expected of some readings to their places."""
        self.raw[places] = some.raw
        self.expected[places] = some.expected
        self.spread[places] = some.spread


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Said:
    """What is said of some readings: places [M], natural logs of the odds [M] of scores, and histograms [M, 16]."""

    places: Places
    score: Singles
    seen: Counts

    def among(self, places: Places | int) -> "Said":
        """The same of readings that stand at these places, or from this one on, of more."""
        there = self.places + places if isinstance(places, int) else places[self.places]
        return Said(places=there, score=self.score, seen=self.seen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """What a tick says of its readings. Of most it says nothing, so only the others are kept.

    size      how many readings there are
    said      what is said, and where
    raw       float64 [N] in [0, 1]: the score, however low, before what was said already is taken out; 0 while a series
              is too young
    expected  float64 [N] in the series' unit, of a counter a second: the forecast that a reading was held against; NaN
              where there is none: of a series' first reading, and of a reading that was passed over
    spread    float64 [N] in the same unit: mean absolute distance of readings from their forecasts; NaN likewise

    The last three are empty unless they were asked for.
    """

    size: int
    said: Said
    raw: Floats
    expected: Floats
    spread: Floats

    @property
    def score(self) -> Floats:
        """float64 [N] in [0, 1]: 0.5 where an alert is right: a series is so far beyond all that it has shown.

        0 where nothing is said: below 0.4, and nothing that was not said in the last 0.4 to 0.8 days, hardly less bad.
        """
        whole = np.zeros(self.size)
        whole[self.said.places] = chance(self.said.score)
        return whole

    @property
    def rarity(self) -> Floats:
        """float64 [N] in (0, 1]: the share of such spans of its own past that were as bad; 1 where nothing is said."""
        whole = np.ones(self.size)
        whole[self.said.places] = rarity(self.said.seen, self.said.score)
        return whole

    @property
    def explained(self) -> bool:
        """Whether the last three were asked for."""
        return len(self.raw) == self.size


def judged(size: int, parts: list[Said], explained: Explained | None) -> Judged:
    """All that is said of so many readings."""
    none = Explained.nothing(0) if explained is None else explained
    said = Said(
        places=np.concatenate([NOTHING.places, *(part.places for part in parts)]),
        score=np.concatenate([NOTHING.score, *(part.score for part in parts)]),
        seen=np.concatenate([NOTHING.seen, *(part.seen for part in parts)]),
    )
    return Judged(size=size, said=said, raw=none.raw, expected=none.expected, spread=none.spread)


def chance(score: Singles) -> Floats:
    """Scores [N] in [0, 1] from the natural logs of their odds; 0 for what is `SILENT`."""
    found = 1 / (1 + np.exp(-score.astype(np.float64)))
    found[score <= SILENT] = 0.0
    return found


NOTHING = Said(
    places=np.empty(0, dtype=np.intp),
    score=np.empty(0, dtype=np.float32),
    seen=np.empty((0, LEVELS), dtype=np.uint16),
)
"""Said of nothing."""
