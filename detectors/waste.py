"""Waste: what is set aside for weeks and never used. An opportunity: nobody is ever woken for it.

Written rules. It takes three weeks, half of whose points are there. What counts is the highest reading of all of them,
as whoever sets less aside has to have room for it; it is waste when that is less than `MOST_USED` of what is set aside.
A reading that is infinite or negative, or nothing set aside, says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from cases.telemetry import SeriesBlock
from detectors.baseline import Key, key_of

LEAST_SPAN = timedelta(days=21)
MOST_USED = 1 / 3
_LEAST_THERE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wasted:
    """A series that used little of what is set aside for it: `peak` of `reserved`, in the signal's own unit."""

    labels: Mapping[str, str]
    peak: float
    reserved: float

    @property
    def score(self) -> float:
        """The share that was never used, in (2/3, 1]."""
        return 1.0 - self.peak / self.reserved


def detect_waste(history: SeriesBlock, reserved: Mapping[Key, float]) -> tuple[Wasted, ...]:
    """The series of a history that use little of what is `reserved` for them, by their labels; none from a part."""
    times = history.times
    if history.partial or not len(times) or int(times[-1] - times[0]) < LEAST_SPAN // timedelta(milliseconds=1):
        return ()
    found: list[Wasted] = []
    for row, labels in enumerate(history.labels):
        set_aside = reserved.get(key_of(labels), 0.0)
        values = history.values[row, ~history.missing[row]]
        with np.errstate(invalid="ignore"):
            odd = not bool(np.all(np.isfinite(values) & (values >= 0.0)))
        if odd or not np.isfinite(set_aside) or len(values) < _LEAST_THERE * len(times):
            continue
        first = int(times[~history.missing[row]][0])
        peak = float(np.max(values))
        lasted = int(times[-1]) - first >= LEAST_SPAN // timedelta(milliseconds=1)
        if lasted and peak < MOST_USED * set_aside:
            found.append(Wasted(labels=labels, peak=peak, reserved=set_aside))
    return tuple(found)
