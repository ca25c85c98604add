"""Stand-ins that ship with the product: readings, deploys and errors held in memory, for replay and for tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from cases.errors import SourceDown
from cases.logs import ErrorSeen
from cases.telemetry import Deploy, Floats, Millis, SeriesBlock, Signal
from signals.grid import MILLISECOND, grid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """The readings of one query as they were sampled: times int64 [T] ascending, values float64 [S, T], labels [S].

    NaN and infinities are no reading. `partial` is what the source said to be missing, or "".
    """

    times: Millis
    values: Floats
    labels: tuple[Mapping[str, str], ...]
    partial: str = ""

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.labels), len(self.times)):
            raise ValueError(f"{len(self.labels)} series over {len(self.times)} times got {self.values.shape} values")
        if bool(np.any(np.diff(self.times) <= 0)):
            raise ValueError("the times of a recording ascend")


@dataclass(slots=True, kw_only=True)
class RecordedSource:
    """A `SignalSource` over recordings by query. A query that was never recorded has no series.

    Like Prometheus, a point of the grid shows the newest sample of the last `look_back`; a NaN ends a series at once.
    """

    name: str
    recordings: Mapping[str, Recording]
    look_back: timedelta = timedelta(minutes=5)
    _down: str = field(default="", init=False)

    def down(self, because: str) -> None:
        """From now on it cannot be read."""
        self._down = because

    def up(self) -> None:
        """It can be read again."""
        self._down = ""

    def probe(self) -> str:
        """Say what it is. Raises SourceDown while it is down."""
        if self._down:
            raise SourceDown(self.name, self._down)
        return f"{len(self.recordings)} recorded queries"

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read the signal on the grid from `start` to `end`, both included. See `SignalSource`."""
        if self._down:
            raise SourceDown(self.name, self._down)
        times = grid(start, end, step)
        recording = self.recordings.get(signal.query)
        if recording is None:
            nothing = np.empty((0, len(times)))
            return SeriesBlock(signal=signal, labels=(), times=times, values=nothing, missing=np.isnan(nothing))
        values = self._sampled(recording, times)
        # A series without one sample in the window is not in the answer, as with Prometheus.
        order = sorted(
            (row for row in range(len(recording.labels)) if not np.all(np.isnan(values[row]))),
            key=lambda row: sorted(recording.labels[row].items()),
        )
        values = values[order]
        return SeriesBlock(
            signal=signal,
            labels=tuple(recording.labels[row] for row in order),
            times=times,
            values=values,
            missing=np.isnan(values),
            partial=recording.partial,
        )

    def _sampled(self, recording: Recording, times: Millis) -> Floats:
        """The recording [S, T] on the grid; NaN where there is no reading."""
        values = np.full((len(recording.labels), len(times)), np.nan)
        if not len(recording.times):
            return values
        newest = np.searchsorted(recording.times, times, side="right") - 1
        seen = newest >= 0
        seen[seen] = times[seen] - recording.times[newest[seen]] <= self.look_back // MILLISECOND
        values[:, seen] = recording.values[:, newest[seen]]
        values[~np.isfinite(values)] = np.nan
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMarkers:
    """`Changes` over deploys that are known beforehand."""

    recorded: Sequence[Deploy]

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys of a service that began in the window, oldest first."""
        mine = (deploy for deploy in self.recorded if deploy.service == service and since <= deploy.started <= until)
        return tuple(sorted(mine, key=lambda deploy: (deploy.started, deploy.commit)))

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """The commit of the newest deploy up to that moment; none before the first."""
        before = [deploy for deploy in self.recorded if deploy.service == service and deploy.started <= at]
        newest = max(before, key=lambda deploy: deploy.started, default=None)
        return (newest.commit,) if newest else ()


class NoLogs:
    """`Logs` where no log source is configured: it has seen nothing, and says so."""

    def errors(self, service: str, since: datetime, until: datetime) -> tuple[ErrorSeen, ...]:
        """Nothing was read."""
        del service, since, until
        return ()

    def blind(self) -> str:
        """There is nothing to look with."""
        return "no log source"


@dataclass(slots=True, kw_only=True)
class RecordedLogs:
    """`Logs` over kinds of error that are known beforehand; those that were last seen in the stretch are in it."""

    recorded: Sequence[ErrorSeen]
    because: str = ""  # why nothing can be said now, or ""

    def errors(self, service: str, since: datetime, until: datetime) -> tuple[ErrorSeen, ...]:
        """The kinds of error of a service in the stretch: those that are new in it first, then the most frequent."""
        mine = (seen for seen in self.recorded if seen.service == service and since <= seen.last and seen.first < until)
        return tuple(sorted(mine, key=lambda seen: (seen.before > 0, -seen.count, seen.signature)))

    def blind(self) -> str:
        """What the test or the replay says."""
        return self.because
