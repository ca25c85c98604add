"""One read for all the signals that share a query: forty services of one query are one request a poll, not forty."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np

from cases.errors import PermanentError, SourceDown, TrackwalkerError
from cases.moments import milliseconds
from cases.ports import Clock, SignalSource
from cases.telemetry import SeriesBlock, Signal
from signals.grid import grid
from signals.pressure import Pressure, Relief, laid, wider
from signals.rules import MetricApi

LONGEST = timedelta(seconds=15)
MOST_BYTES = 16 * 2**20
LONG = timedelta(hours=6)
"""From here on a read may well take its time, and that says nothing of its source."""

_Asked: TypeAlias = tuple[str, int, int, timedelta]


@dataclass(slots=True, kw_only=True)
class _Read:
    """One read of a shared query: under way, or answered until `until` (monotonic seconds)."""

    until: float
    answer: Future[SeriesBlock] = field(default_factory=Future[SeriesBlock])

    @property
    def size(self) -> int:
        """Bytes that it keeps; a failure keeps none."""
        if not self.answer.done() or self.answer.exception() is not None:
            return 0
        block = self.answer.result()
        return block.values.nbytes + block.missing.nbytes + block.times.nbytes


class SharedSource:
    """A `SignalSource` before another one: signals with `pick` share one answer, and each gets its own series.

    An answer stands for `lifetime` (half a cycle, so that every poll reads anew) and serves whoever asks the same query
    for the same grid meanwhile; so does a failure, so that a source that is down is tried once a poll. At most
    `most_bytes` are kept between reads. A signal without `pick` goes straight through.
    """

    def __init__(
        self, inner: SignalSource, clock: Clock, lifetime: timedelta = LONGEST, most_bytes: int = MOST_BYTES
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._lifetime = min(lifetime, LONGEST).total_seconds()
        self._most_bytes = most_bytes
        self.pressure = Pressure(source=inner.name, clock=clock)
        self._lock = threading.Lock()
        self._reads: OrderedDict[_Asked, _Read] = OrderedDict()

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._inner.name

    def __repr__(self) -> str:
        return f"SharedSource({self._inner!r})"

    def probe(self) -> str:
        """Reach it: see `SignalSource`."""
        return self._inner.probe()

    def close(self) -> None:
        """Forget every answer, and close the source where it has anything to close."""
        with self._lock:
            self._reads.clear()
        close: Callable[[], None] | None = getattr(self._inner, "close", None)
        if close is not None:
            close()

    def api(self, path: str, what: str, params: Mapping[str, str] | None = None) -> object:
        """See `MetricApi`. Raises PermanentError when the source is no Prometheus."""
        if not isinstance(self._inner, MetricApi):
            raise PermanentError(f"{self.name} is no Prometheus and cannot be asked for {what}")
        return self._inner.api(path, what, params)

    @property
    def kept(self) -> int:
        """Bytes of the answers that are kept."""
        with self._lock:
            return sum(read.size for read in self._reads.values())

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read the signal on the grid from `start` to `end`, both included. See `SignalSource`."""
        if not signal.pick:
            return self._measured(signal, start, end, step)
        asked = (signal.query, milliseconds(start), milliseconds(end), step)
        read, ours = self._taken(asked)
        if ours:
            self._ask(read, signal, start, end, step)
        return picked(_told(read.answer), signal)

    def history(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """See `Relieving`. One query of many signals is put off, or let through, once for all of them."""
        asked = (signal.query, milliseconds(start), milliseconds(end), step)
        with self._lock:
            known = bool(signal.pick) and asked in self._reads
        if not known and not self.pressure.may_backfill():
            raise SourceDown(self.name, "is under pressure: history is put off, recent readings come first")
        return self.read(signal, start, end, step)

    def recent(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """See `Relieving`."""
        wide = wider(start, end, step) if self.pressure.relief is Relief.DETAIL else None
        if wide is None:
            return self.read(signal, start, end, step)
        return laid(self.read(signal, wide[0], end, wide[1]), grid(start, end, step))

    def relieved(self) -> float:
        """What is not asked of the source now, as a number for a metric."""
        return float(self.pressure.relief)

    def _measured(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read it, and note how the source bore it."""
        began, busy = self._clock.monotonic(), False
        try:
            return self._inner.read(signal, start, end, step)
        except SourceDown as error:
            busy = error.busy
            raise
        finally:
            took = self._clock.monotonic() - began
            felt = self.pressure.backfilled if end - start > LONG else self.pressure.felt
            felt(took, busy=busy)

    def _taken(self, asked: _Asked) -> tuple[_Read, bool]:
        """The read of what is asked, and whether it is the caller's to do."""
        now = self._clock.monotonic()
        with self._lock:
            self._forget(now)
            found = self._reads.get(asked)
            if found is not None:
                return found, False
            made = self._reads[asked] = _Read(until=now + self._lifetime)
            return made, True

    def _ask(self, read: _Read, signal: Signal, start: datetime, end: datetime, step: timedelta) -> None:
        try:
            read.answer.set_result(self._measured(replace(signal, pick={}), start, end, step))
        except BaseException as error:
            read.answer.set_exception(error)
            if not isinstance(error, TrackwalkerError):  # a bug is shared by nobody
                with self._lock:
                    self._reads = OrderedDict((key, kept) for key, kept in self._reads.items() if kept is not read)
                raise
        finally:
            read.until = self._clock.monotonic() + self._lifetime  # however long the answer took

    def _forget(self, now: float) -> None:
        """Drop what is too old, and then the oldest answers until the rest is small enough."""
        for key in [key for key, read in self._reads.items() if read.answer.done() and read.until <= now]:
            del self._reads[key]
        kept = sum(read.size for read in self._reads.values())
        for key in list(self._reads):
            if kept <= self._most_bytes:
                break
            kept -= self._reads.pop(key).size


def shared(sources: Mapping[str, SignalSource], clock: Clock, cycle: timedelta) -> Mapping[str, SignalSource]:
    """Every source behind a `SharedSource`, for a daemon that polls once a `cycle`."""
    return {name: SharedSource(source, clock, cycle / 2) for name, source in sources.items()}


def picked(block: SeriesBlock, signal: Signal) -> SeriesBlock:
    """The block's series that have the signal's labels, as the signal's own."""
    wanted = signal.pick.items()
    rows = [row for row, labels in enumerate(block.labels) if all(labels.get(name) == value for name, value in wanted)]
    places = np.array(rows, dtype=np.int64)
    return SeriesBlock(
        signal=signal,
        labels=tuple(block.labels[row] for row in rows),
        times=block.times,
        values=block.values[places],
        missing=block.missing[places],
        partial=block.partial,
    )


def _told(answer: Future[SeriesBlock]) -> SeriesBlock:
    """The answer, or an error of the caller's own: one that is raised by several threads would grow with each."""
    error = answer.exception()
    if isinstance(error, SourceDown):
        raise SourceDown(error.source, error.because, error.retry_after, busy=error.busy) from None
    if isinstance(error, PermanentError):
        raise PermanentError(str(error)) from None
    return answer.result()
