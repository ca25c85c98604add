"""Allowance: what a departure must be worth in one service, so that false alerts come as often as was allowed.

Every departure that ends counts as false, told or not, unless it is `SURE` or known to be none: of what a service's
series do anyway, at most the allowed number a week may be told. Pure: no clock, no input or output.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cases.telemetry import Floats
from detectors.departures import WORTH
from detectors.engine.budget import CELLS, Spent, thresholds

LEAST = 0.30
"""The lowest threshold, however generous the budget."""

SURE = 0.80
"""What is worth this much is told whatever the budget, and is no false alarm unless a human says so: a day with four
outages must not silence the fifth."""


def _doubtful(peaks: Sequence[float]) -> Floats:
    return np.array([peak for peak in peaks if peak < SURE], dtype=np.float64)


def _nothing() -> Spent:
    return Spent.nothing(1)


@dataclass(slots=True, kw_only=True)
class Allowance:
    """The threshold of one service. `allowed` false alerts a week; `lived` is for how many weeks it was looked at."""

    allowed: float
    lived: float = 0.0
    _spent: Spent = field(default_factory=_nothing)

    def worth(self, together: Sequence[float] = ()) -> float:
        """What a departure must be worth now, given what those that go on in the service `together` are worth.

        The step-up rule of Benjamini and Hochberg (1995) in rates: where so many of a service's series depart at once,
        each of them may be as common as that many times the budget allows. They are one story, so one alert is told.
        In its first week of looks nothing below `WORTH` is told, however quiet its history.
        """
        if self.lived < 1:
            return max(self._threshold(1), WORTH)
        loudest = sorted(together, reverse=True)
        for count in range(len(loudest), 1, -1):
            asked = self._threshold(count)
            if loudest[count - 1] >= asked:
                return asked
        return self._threshold(1)

    def learn(self, peaks: Sequence[float], weeks: float) -> None:
        """Take in the departures of one more signal's history: so many weeks before anybody looked."""
        self._spent = self._spent.before(_doubtful(peaks), weeks=weeks)

    def note(self, ended: Sequence[float], weeks: float) -> None:
        """Take in the most that departures were worth that ended in so many weeks of looks."""
        counted = _doubtful(ended)
        self._spent = self._spent.after(np.zeros(len(counted), dtype=np.intp), counted, weeks=weeks)
        self.lived += weeks

    def document(self) -> dict[str, Any]:
        """What was learnt, as JSON. `taken_up` reads it."""
        counts = {str(cell): float(count) for cell, count in enumerate(self._spent.counts[0]) if count}
        return {"weeks": float(self._spent.weeks[0]), "lived": self.lived, "counts": counts}

    @classmethod
    def taken_up(cls, document: Any, allowed: float) -> "Allowance":  # noqa: ANN401 - what is stored is anything
        """Go on from a document. Raises LookupError, TypeError or ValueError when it is none."""
        one = cls(allowed=allowed, lived=float(document["lived"]))
        one._spent.weeks[0] = float(document["weeks"])
        for cell, count in dict(document["counts"]).items():
            one._spent.counts[0, min(max(int(cell), 0), CELLS - 1)] = float(count)
        return one

    def _threshold(self, count: int) -> float:
        return float(np.clip(thresholds(self._spent, self.allowed * count)[0], LEAST, SURE))
