"""A database as a source: one query, asked seldom and answered from memory in between.

This module imports SQLAlchemy (see `signals.sql.database`): import it where a source is built.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cases.errors import PermanentError, SourceDown
from cases.moments import EPOCH, milliseconds
from cases.ports import Clock
from cases.telemetry import Floats, Millis, SeriesBlock, Signal
from signals.grid import MILLISECOND, grid
from signals.sql.database import Answer, Database, Question, open_database
from signals.sql.memory import Memory
from signals.sql.table import Labels, Samples, Table, Unusable

LEAST_LOOK_BACK = timedelta(minutes=5)
LONGEST_GRUDGE = timedelta(minutes=1)
_QUERIES_KEPT = 4  # the source's own, and what cases from before a change of configuration still ask


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What the database said last: series, or an error. It stands until `until`, for stretches from `first` on."""

    asked: datetime
    first: datetime
    until: datetime
    series: Mapping[Labels, Samples]
    error: SourceDown | PermanentError | None = None


class SqlSource:
    """A `SignalSource` on one database: PostgreSQL, SQLite or DuckDB. Nothing is ever written there.

    - **When it is asked.** The clock is cut into stretches of `every`, from midnight UTC for those that divide a day.
      In each stretch the query runs once; other reads are answered from memory. Only a read that begins earlier than
      the last answer asks again, for all of it. A failure stands as long, but a minute at the most.
    - **What it is asked for.** `:start` and `:end` lie on the limits of such stretches, and `:end` is not after now:
      with `time >= :start AND time < :end` every bucket of length `every` is whole, never one that is still filling.
    - **On the grid** a point shows the newest row that is not older than `every` plus `look_back` (as long as `every`,
      five minutes at the least), so a bucket that is named by its beginning is shown until the next is known.
      A NULL ends a series at once. Missing is never zero.
    - **Without a `time` column** a value counts for the moment at which it was read. Such values are remembered for the
      life of this object (see `Memory`): after a restart there is no history, and the signal warms up anew.

    Times without a zone are UTC. Raises SourceDown when the database cannot be read, and PermanentError when only a
    human can help: a query that it refuses or that would write, credentials that it refuses.
    """

    def __init__(  # noqa: PLR0913 - each is one setting of the source, given by name
        self,
        name: str,
        *,
        url: str,
        query: str,
        clock: Clock,
        password: Callable[[], str] | None = None,
        every: timedelta = timedelta(minutes=5),
        timeout: timedelta = timedelta(seconds=10),
        max_rows: int = 10_000,
        look_back: timedelta | None = None,
    ) -> None:
        self._name = name
        self._query = query
        self._clock = clock
        self._every = every
        self._reach = every + (look_back if look_back is not None else max(every, LEAST_LOOK_BACK))
        self._database: Database = open_database(name, url, password=password, timeout=timeout, max_rows=max_rows)
        self._held: dict[str, _Held] = {}
        self._memories: dict[str, Memory] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def __repr__(self) -> str:
        return f"SqlSource({self._name!r}, {self._database.place!r})"

    def close(self) -> None:
        """Let the engine go; no connection is held between questions."""
        self._database.close()

    def probe(self) -> str:
        """Run the query over the last stretch; what answered, and how much. Raises SourceDown or PermanentError."""
        now = self._clock.now()
        end = self._floor(now)
        question = Question(self._name, self._query)
        with self._lock:
            answer = self._database.ask(question, end - self._reach, end)
        table, series = self._tabled(question, answer, now)
        said = f"{answer.version} at {self._database.place}: {len(answer.rows)} rows, {len(series)} series"
        if table.time is None:
            said += "; no `time` column, so its history begins anew with each start"
        return said

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read the signal on the grid from `start` to `end`, both included. See `SignalSource`."""
        times = grid(start, end, step)
        with self._lock:
            series = self._series(signal.query or self._query, self._floor(start - self._reach), end, step)
        rows = {labels: _on_grid(samples, times, self._reach) for labels, samples in series.items()}
        keys = sorted(labels for labels, values in rows.items() if not np.all(np.isnan(values)))
        values = np.array([rows[key] for key in keys], dtype=np.float64).reshape(len(keys), len(times))
        return SeriesBlock(
            signal=signal, labels=tuple(dict(key) for key in keys), times=times, values=values, missing=np.isnan(values)
        )

    def _series(self, query: str, first: datetime, end: datetime, step: timedelta) -> Mapping[Labels, Samples]:
        now = self._clock.now()
        held = self._held.pop(query, None)
        if held is None or not held.asked <= now < held.until or first < held.first:
            held = self._asked(query, first, now, end if timedelta(0) <= now - end < step else now)
        self._held[query] = held
        if len(self._held) > _QUERIES_KEPT:
            oldest = next(iter(self._held))
            del self._held[oldest]
            self._memories.pop(oldest, None)
        if isinstance(held.error, SourceDown):
            raise SourceDown(self._name, held.error.because, held.until - now)
        if held.error is not None:
            raise PermanentError(str(held.error))
        return held.series

    def _asked(self, query: str, first: datetime, now: datetime, read_at: datetime) -> _Held:
        """Ask the database. `read_at` is the moment that values without a time count for."""
        last = self._floor(now)
        until = last + self._every
        try:
            question = Question(self._name, query)
            answer = self._database.ask(question, first, last)
            table, series = self._tabled(question, answer, read_at)
        except (SourceDown, PermanentError) as error:
            until = min(until, now + LONGEST_GRUDGE)
            return _Held(asked=now, first=EPOCH, until=until, series={}, error=error)
        if table.time is None:
            memory = self._memories.setdefault(query, Memory())
            memory.add(milliseconds(read_at), series)
            return _Held(asked=now, first=EPOCH, until=until, series=memory.series())
        # A query that names no :start gives all that it has, whatever stretch is asked for.
        return _Held(asked=now, first=first if "start" in question.names else EPOCH, until=until, series=series)

    def _tabled(self, question: Question, answer: Answer, now: datetime) -> tuple[Table, dict[Labels, Samples]]:
        try:
            table = Table.of(answer.columns)
            series = table.series(answer.rows, now)
        except Unusable as error:
            raise PermanentError(f"{self._name}: the query cannot be watched: {error}") from None
        if table.time is None and question.names:
            raise PermanentError(
                f"{self._name}: the query names :start or :end and has no column `time`, so its value would depend on "
                "who asks; give each value its time, or leave the two out"
            )
        return table, series

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
