"""Anomaly: a series that left its expected range, as one detector saw it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cases.moments import utc
from cases.telemetry import Direction, Signal


class AnomalyKind(StrEnum):
    """What shape the departure has."""

    THRESHOLD = "threshold"
    LEVEL = "level"  # left its forecast band and stayed out
    BURN_RATE = "burn rate"  # spends an objective's error budget too fast
    ABSENCE = "absence"  # was there, and is not
    SATURATION = "saturation"  # will reach a limit
    DRIFT = "drift"  # worse by little each day: an opportunity
    LAGGARD = "laggard"  # far worse than its siblings for weeks: an opportunity
    WASTE = "waste"  # set aside for weeks, and never used: an opportunity
    GOAL = "goal"  # not where somebody wants it: nothing is wrong with it, and an experiment is to move it


OPPORTUNITIES = frozenset({AnomalyKind.DRIFT, AnomalyKind.LAGGARD, AnomalyKind.WASTE, AnomalyKind.GOAL})
"""The kinds that are no incident: nobody is woken for one, and its case is a case of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One series out of its expected range.

    onset     when it began, as dated on the samples; it may have been `onset_bound_s` earlier, as nobody looked
              between two samples, or `onset_late_s` later, as its first samples may be noise
    detected  when the detector could first have said so (causal)
    expected, low, high   the forecast and its band at `detected`, in the signal's unit
    value     the reading at `detected`; score in [0, 1]
    ahead     of a saturation: in how many hours the limit is reached, at the soonest and at the latest; else None

    Some kinds have figures of their own. Of an absence `value`, `expected` and the band are shares of points that were
    there. `expected` is of a saturation the limit, of a drift where it began, of a laggard what its siblings come to,
    and of waste the most that was ever used; `value` is then what is set aside, in the unit of what is used. Of a goal
    it is the target, and `value` where it was when the case was opened.
    """

    signal: Signal
    labels: Mapping[str, str]
    detector: str
    kind: AnomalyKind
    direction: Direction
    onset: datetime
    onset_bound_s: float
    detected: datetime
    value: float
    expected: float
    low: float
    high: float
    score: float
    ahead: tuple[float, float] | None = None
    onset_late_s: float = 0.0

    def __post_init__(self) -> None:
        utc(self.onset, "an anomaly's onset")
        utc(self.detected, "an anomaly's detection")

    @property
    def begun(self) -> datetime:
        """By when it had begun for sure."""
        return self.onset + timedelta(seconds=self.onset_late_s)

    @property
    def give_or_take_s(self) -> float:
        """How far off the onset may be, on either side, in seconds."""
        return max(self.onset_bound_s, self.onset_late_s)

    @property
    def fingerprint(self) -> str:
        """What makes two sightings the same trouble: service, signal and direction, never the time.

        What is only forecast is another trouble than what is there: a disk that is full is news after one that fills.
        So is an opportunity: what goes wrong tonight is never taken for what was slow for weeks.
        """
        apart = self.kind is AnomalyKind.SATURATION or self.kind in OPPORTUNITIES
        return fingerprint(
            self.signal.service, self.signal.name, f"{self.direction} {self.kind}" if apart else self.direction
        )


def fingerprint(service: str, signal: str, direction: str) -> str:
    """Twelve hexadecimal digits over the parts."""
    return hashlib.sha256(f"{service}\x1f{signal}\x1f{direction}".encode()).hexdigest()[:12]
