"""What was read of a query without times: each answer at the moment it came, for as long as the daemon lives."""

import math
from collections.abc import Sequence

import numpy as np

from cases.telemetry import Floats
from signals.table import Labels, Samples

MOST_SAMPLES = 50_000
"""Over all series. Two weeks of one series, five minutes apart, are 4,032."""


class Memory:
    """Answers by time, the oldest forgotten first. Used under the source's lock."""

    def __init__(self, most: int = MOST_SAMPLES) -> None:
        self._most = most
        self._answers: dict[int, dict[Labels, float]] = {}
        self._count = 0

    def add(self, at: int, series: dict[Labels, Samples]) -> None:
        """Remember what was read at a moment, in epoch milliseconds; one reading a series."""
        self._count -= len(self._answers.pop(at, {}))
        self._answers[at] = {labels: float(samples.values[-1]) for labels, samples in series.items()}
        self._count += len(series)
        while self._count > self._most and len(self._answers) > 1:
            oldest = next(iter(self._answers))
            self._count -= len(self._answers.pop(oldest))

    def series(self) -> dict[Labels, Samples]:
        """All of it as series. A series that an answer left out is missing from that moment on."""
        times = sorted(self._answers)
        known = {labels for answer in self._answers.values() for labels in answer}
        at = np.array(times, dtype=np.int64)
        return {labels: Samples(times=at, values=self._values(labels, times)) for labels in known}

    def _values(self, labels: Labels, times: Sequence[int]) -> Floats:
        return np.array([self._answers[time].get(labels, math.nan) for time in times], dtype=np.float64)
