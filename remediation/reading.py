"""The readings that show a case: its leading series, from well before the onset until now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cases.anomaly import Anomaly
from cases.case import Case
from cases.moments import from_milliseconds
from cases.telemetry import Floats, Millis, SeriesBlock
from remediation.ports import Ports

POINTS = 400  # what a picture 900 pixels wide can show


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One series: int64 ms [T], float64 [T] with NaN where there was no sample. `anomaly` is the one it shows."""

    anomaly: Anomaly
    times: Millis
    values: Floats

    @property
    def latest(self) -> tuple[datetime, float] | None:
        """The newest sample, or None where there is none at all."""
        present = np.flatnonzero(~np.isnan(self.values))
        if not len(present):
            return None
        last = int(present[-1])
        return from_milliseconds(int(self.times[last])), float(self.values[last])

    @property
    def firing(self) -> bool | None:
        """Whether the newest sample is still out of the expected band on the anomaly's side; None with no sample."""
        latest = self.latest
        if latest is None:
            return None
        anomaly = self.anomaly
        return latest[1] > anomaly.high if anomaly.direction == "up" else latest[1] < anomaly.low


def window(case: Case, now: datetime) -> tuple[datetime, timedelta]:
    """Start and step: as long before the onset as since, ten minutes at the least."""
    onset = min(anomaly.onset for anomaly in case.anomalies)
    start = onset - max(now - onset, timedelta(minutes=10))
    return start, max(timedelta(seconds=1), timedelta(seconds=round((now - start).total_seconds() / POINTS)))


def read(case: Case, ports: Ports) -> Reading:
    """Read the leading anomaly's series. Raises SourceDown."""
    start, step = window(case, ports.now)
    anomaly = case.anomaly
    return of_anomaly(ports.read(anomaly.signal, start, ports.now, step), anomaly)


def of_anomaly(block: SeriesBlock, anomaly: Anomaly) -> Reading:
    """The row of a block that carries the anomaly's labels; a row of no samples where it is gone."""
    row = next((row for row, labels in enumerate(block.labels) if dict(labels) == dict(anomaly.labels)), None)
    values = block.values[row] if row is not None else np.full(len(block.times), np.nan)
    return Reading(anomaly=anomaly, times=block.times, values=values)
