"""A source that is dear to ask: asked once in a stretch of time, and answered from memory in between."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cases.errors import PermanentError, SourceDown
from cases.moments import EPOCH
from cases.ports import Clock
from cases.telemetry import Floats, Millis, SeriesBlock, Signal
from signals.grid import MILLISECOND, grid
from signals.table import Labels, Samples

LONGEST_GRUDGE = timedelta(minutes=1)
_QUERIES_KEPT = 4  # the source's own, and what cases from before a change of configuration still ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the source said: series, good for reads that reach back to `first`; `partial` as in `SeriesBlock`."""

    series: Mapping[Labels, Samples]
    first: datetime
    partial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """An answer, or an error, that stands from `asked` until `until`."""

    asked: datetime
    until: datetime
    answer: Answer
    error: SourceDown | PermanentError | None = None


class Seldom(ABC):
    """The part of a `SignalSource` that asks seldom. A kind of source says only how it is asked: `ask`, and `probe`.

    - The clock is cut into stretches of `every`, from midnight UTC for those that divide a day. In each stretch the
      source is asked once; other reads are answered from memory. Only a read that begins earlier than the last answer
      asks again. A failure stands as long, but for `grudge` at the most; where the source said that it is asked too
      much, it stands as long as the source wishes.
    - On the grid a point shows the newest sample that is not older than `reach`. One that is NaN ends a series at once:
      missing is never zero.
    """

    def __init__(
        self,
        name: str,
        query: str,
        *,
        clock: Clock,
        every: timedelta,
        reach: timedelta,
        grudge: timedelta = LONGEST_GRUDGE,
    ) -> None:
        self._name = name
        self._query = query
        self._clock = clock
        self._every = every
        self._reach = reach
        self._grudge = grudge
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    @abstractmethod
    def probe(self) -> str:
        """See `SignalSource`."""

    @abstractmethod
    def ask(self, query: str, first: datetime, last: datetime, read_at: datetime) -> Answer:
        """Ask the source for what lies between `first` and `last`, both on the limits of stretches.

        `read_at` is the moment that values without a time count for. Called by one thread at a time. Raises SourceDown,
        or PermanentError when only a human can help.
        """

    def forget(self, query: str) -> None:  # noqa: B027 - most kinds remember nothing
        """Drop what is remembered of a query that nobody asks any more."""

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read the signal on the grid from `start` to `end`, both included. See `SignalSource`."""
        times = grid(start, end, step)
        with self._lock:
            answer = self._answer(signal.query or self._query, self._floor(start - self._reach), end, step)
        rows = {labels: _on_grid(samples, times, self._reach) for labels, samples in answer.series.items()}
        keys = sorted(labels for labels, values in rows.items() if not np.all(np.isnan(values)))
        values = np.array([rows[key] for key in keys], dtype=np.float64).reshape(len(keys), len(times))
        return SeriesBlock(
            signal=signal,
            labels=tuple(dict(key) for key in keys),
            times=times,
            values=values,
            missing=np.isnan(values),
            partial=answer.partial,
        )

    def _answer(self, query: str, first: datetime, end: datetime, step: timedelta) -> Answer:
        now = self._clock.now()
        held = self._held.pop(query, None)
        if held is None or not held.asked <= now < held.until or first < held.answer.first:
            held = self._asked(query, first, now, end if timedelta(0) <= now - end < step else now)
        self._held[query] = held
        if len(self._held) > _QUERIES_KEPT:
            oldest = next(iter(self._held))
            del self._held[oldest]
            self.forget(oldest)
        if isinstance(held.error, SourceDown):
            raise SourceDown(self._name, held.error.because, held.until - now, busy=held.error.busy)
        if held.error is not None:
            raise PermanentError(str(held.error))
        return held.answer

    def _asked(self, query: str, first: datetime, now: datetime, read_at: datetime) -> _Held:
        last = self._floor(now)
        until = last + self._every
        try:
            return _Held(asked=now, until=until, answer=self.ask(query, first, last, read_at))
        except (SourceDown, PermanentError) as error:
            nothing = Answer(series={}, first=EPOCH)
            failed = self._clock.now()  # it may have hung for longer than the grudge lasts
            until = min(until, failed + self._grudge)
            if isinstance(error, SourceDown) and error.busy:
                until = failed + error.retry_after
            return _Held(asked=now, until=until, answer=nothing, error=error)

    def _floor(self, at: datetime) -> datetime:
        """The beginning of the stretch of `every` that a moment lies in."""
        return EPOCH + (at - EPOCH) // self._every * self._every


def _on_grid(samples: Samples, times: Millis, reach: timedelta) -> Floats:
    """At each point of the grid [T] the newest sample that is not older than `reach`; NaN where there is none."""
    values = np.full(len(times), np.nan)
    newest = np.searchsorted(samples.times, times, side="right") - 1
    seen = newest >= 0
    seen[seen] = times[seen] - samples.times[newest[seen]] <= reach // MILLISECOND
    values[seen] = samples.values[newest[seen]]
    return values
