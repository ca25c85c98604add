"""The columns that say what a moment of the week usually looks like: harmonics of the day and of the week."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DAY = 86_400_000.0
WEEK = 7 * DAY
DAILY, WEEKLY = 4, 3
FOR_DAILY, FOR_WEEKLY = 7 * DAY, 14 * DAY  # of history, without which the harmonics are not asked for
_NEARLY = 0.96  # a history that lacks its first hours counts as whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """How many harmonics of the day and of the week."""

    daily: int
    weekly: int

    def columns(self, times: Floats, origin: float) -> Floats:
        """The design [N, 1 + 2·daily + 2·weekly] at epoch ms [N]; the first column is ones."""
        turns = [(DAY, k) for k in range(1, self.daily + 1)] + [(WEEK, k) for k in range(1, self.weekly + 1)]
        columns = [np.ones(len(times))]
        for period, k in turns:
            angle = (2.0 * np.pi * k / period) * (times - origin)
            columns += [np.sin(angle), np.cos(angle)]
        return np.column_stack(columns)

    def __str__(self) -> str:
        """As a reader of the settings has it."""
        return f"{self.daily} daily and {self.weekly} weekly harmonics"


def season_of(history: float, step: float) -> Season | None:
    """What a history of that length (ms) at that step supports; None where it is too short to know a day."""
    if history < _NEARLY * FOR_DAILY:
        return None
    weekly = WEEKLY if history >= _NEARLY * FOR_WEEKLY else 0
    return Season(daily=_seen(DAY, step, DAILY), weekly=_seen(WEEK, step, weekly))


def _seen(period: float, step: float, most: int) -> int:
    """How many harmonics readings at that step can tell apart: more than two readings a turn."""
    return int(np.clip(np.ceil(period / (2.0 * step)) - 1, 0, most))
