"""What one look of the watch saw of one signal."""

from dataclasses import dataclass
from datetime import datetime

from cases.anomaly import Anomaly
from cases.telemetry import Floats, Millis, Signal
from inference.interruption import Interruption, ItsReading, ItsSettings
from inference.its import judge


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """What one look rests on."""

    event: Interruption
    times: Millis
    values: Floats
    controls: tuple[Floats, ...] = ()

    def look(self, its: ItsSettings) -> ItsReading:
        """Judge it."""
        return judge(self.times, self.values, self.event, its, self.controls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One signal at one look.

    newest   the time of its newest reading, None where there is none
    judged   what the look rests on: the event, readings [T] at epoch ms, and controls; None where nothing was read
    """

    anomaly: Anomaly
    its: ItsSettings
    reading: ItsReading
    newest: datetime | None = None
    judged: Judged | None = None

    @property
    def signal(self) -> Signal:
        """What was looked at."""
        return self.anomaly.signal
