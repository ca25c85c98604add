"""Judged: what a tick says of its readings."""

from dataclasses import dataclass

import numpy as np

from detectors.engine.pace import Floats, Singles
from detectors.engine.rows import NOTHING, Places


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """What a tick says of its readings. The last three are empty unless they were asked for.

    score     float64 [N] in [0, 1]: 0.5 where a series just reaches the most that it has shown, and its typical day's
              most; 0 where nothing is said, or nothing that was not said in the last third to two thirds of a day
    rarity    float64 [N] in (0, 1]: the share of such spans of its own past that were as bad; 1 where the score is low
    raw       float64 [N] in [0, 1]: the score before what was said already is taken out; 0 while a series is too young
    expected  float64 [N] in the series' unit, of a counter a second: the forecast that a reading was held against; NaN
              where there is none: of a series' first reading, and of a reading that was passed over
    spread    float64 [N] in the same unit: the mean absolute distance of readings from their forecasts; NaN likewise
    """

    score: Floats
    rarity: Floats
    raw: Floats
    expected: Floats
    spread: Floats

    @classmethod
    def nothing(cls, size: int, *, explain: bool) -> "Judged":
        """Nothing said of so many readings."""
        asked = size if explain else 0
        unknown = np.full((2, asked), np.nan)
        return cls(
            score=np.zeros(size), rarity=np.ones(size), raw=np.zeros(asked), expected=unknown[0], spread=unknown[1]
        )

    @property
    def explained(self) -> bool:
        """Whether the last three were asked for."""
        return len(self.raw) == len(self.score)

    def put(self, places: Places | slice, some: "Judged") -> None:
        """Put what is said of some readings to their places."""
        self.score[places] = some.score
        self.rarity[places] = some.rarity
        if len(self.raw):
            self.raw[places] = some.raw
            self.expected[places] = some.expected
            self.spread[places] = some.spread


def chance(score: Singles) -> Floats:
    """Scores [N] in [0, 1] from their natural logs of odds; 0 for what is `NOTHING`."""
    found = np.zeros(len(score))
    said = np.flatnonzero(score > NOTHING)
    found[said] = 1 / (1 + np.exp(-score[said].astype(np.float64)))
    return found
