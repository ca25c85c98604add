"""Streams: readings of named series in any order of series, scored by the engine, and the shipped decision."""

from collections.abc import Sequence

import numpy as np

from cases.errors import PermanentError
from cases.telemetry import Floats, Mask, Millis
from detectors.engine.engine import Engine
from detectors.engine.pace import Pace

ALERT_FROM = 0.5
"""The shipped decision. Scores are made so that it is a half."""

_FEW = 12  # series that are quicker scored one by one

MOST_SERIES = 2_000_000
"""How many series one process keeps: about 870 MB, and their names."""


class Streams:
    """Many series, interleaved in any way. What is kept grows with the number of series, never with the readings.

    All have the engine's further channels, however many they are: a series has the same scores beside any others.
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self._engine = Engine(pace, further=True)
        self._rows: dict[str, int] = {}

    def feed(self, names: Sequence[str], times: Millis, values: Floats) -> tuple[Floats, Mask]:
        """(scores in [0, 1], whether an alert is raised there), each [N], for readings with the names of their series.

        `times` are epoch milliseconds; what is not finite is missing, and what is not newer than its series' newest is
        passed over: both have a score of 0. How the readings are cut into calls makes no difference.
        Raises PermanentError for more series than are kept.
        """
        rows = self._known(names)
        scores = np.zeros(len(rows))
        order = np.argsort(rows, kind="stable")  # by series, in order of arrival
        owner = rows[order]
        starts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1])) if len(owner) else owner
        sizes = np.diff(np.append(starts, len(owner)))
        longest = np.argsort(-sizes, kind="stable")
        starts, sizes = starts[longest], sizes[longest]
        if len(starts) <= _FEW:
            for first, size in zip(starts.tolist(), sizes.tolist(), strict=True):
                now = order[first : first + size]
                scores[now] = self._engine.stretch(rows[now[:1]], times[now], values[now][None]).score
            return scores, scores >= ALERT_FROM
        for turn in range(int(sizes[0]) if len(sizes) else 0):
            there = int(np.searchsorted(-sizes, -turn, side="left"))
            now = order[starts[:there] + turn]
            scores[now] = self._engine.tick(times[now], values[now], rows[now]).score
        return scores, scores >= ALERT_FROM

    def _known(self, names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        new = [name for name in dict.fromkeys(names) if name not in self._rows]
        if len(self._rows) + len(new) > MOST_SERIES:
            raise PermanentError(f"more than {MOST_SERIES} series: share them out among several processes")
        self._rows.update(zip(new, self._engine.claim(len(new)).tolist(), strict=True))
        return np.array([self._rows[name] for name in names], dtype=np.intp)
