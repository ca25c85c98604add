"""What takes a history to see, beside each look: what went away, and what fills up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cases.anomaly import Anomaly, AnomalyKind
from cases.ports import Clock
from cases.telemetry import SeriesBlock
from config.settings import DetectionSettings
from daemon.absences import Absences
from daemon.budgets import Read
from daemon.fillings import Fillings
from daemon.listing import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """What the slow looks know now.

    anomalies  of absence and saturation; they stand between two looks
    told       signals whose absence a case tells, or may soon: their sight is no news besides
    waiting    signals that could not be judged yet: what is known of them from before stays
    """

    anomalies: tuple[Anomaly, ...]
    told: frozenset[str]
    waiting: frozenset[str]


@dataclass(slots=True, kw_only=True)
class SlowLooks:
    """Used by one thread at a time. Nothing is kept that cannot be read again."""

    settings: DetectionSettings
    clock: Clock
    _absences: Absences = field(init=False)
    _fillings: Fillings = field(init=False)

    def __post_init__(self) -> None:
        self._absences = Absences(settings=self.settings)
        self._fillings = Fillings(clock=self.clock, step=self.settings.step)

    def look(self, watches: Sequence[Watch], blocks: Mapping[str, SeriesBlock], now: datetime, read: Read) -> Slow:
        """Look at the watches whose recent readings are there, in `blocks` by `Signal.key`. A read may fail."""
        gone = self._absences.look(watches, blocks, now, read)
        filling = self._fillings.look(watches, blocks, now, read)
        return Slow(anomalies=(*gone, *filling), told=self._absences.told(now), waiting=self._fillings.waiting())

    def still(self, anomaly: Anomaly, block: SeriesBlock | None) -> str | None:
        """Why an anomaly of these kinds is not over, or "" when it is; None for one of another kind."""
        if anomaly.kind is AnomalyKind.ABSENCE:
            return self._absences.still(anomaly, block)
        if anomaly.kind is AnomalyKind.SATURATION:
            return self._fillings.still(anomaly)
        return None
