"""A database as a source: one query, asked seldom and answered from memory in between.

This module imports SQLAlchemy (see `signals.sql.database`): import it where a source is built.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from cases.errors import PermanentError
from cases.moments import EPOCH, milliseconds
from cases.ports import Clock
from signals.seldom import Answer, Seldom
from signals.sql.database import Answer as Rows
from signals.sql.database import Database, Question, open_database
from signals.sql.memory import Memory
from signals.table import Labels, Samples, Table, Unusable

LEAST_LOOK_BACK = timedelta(minutes=5)


class SqlSource(Seldom):
    """A `SignalSource` on one database: PostgreSQL, SQLite or DuckDB. Nothing is ever written there.

    - **When it is asked** is told by `Seldom`: once in each stretch of `every`, or for all of it by a longer read.
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
        reach = every + (look_back if look_back is not None else max(every, LEAST_LOOK_BACK))
        super().__init__(name, query, clock=clock, every=every, reach=reach)
        self._database: Database = open_database(name, url, password=password, timeout=timeout, max_rows=max_rows)
        self._memories: dict[str, Memory] = {}

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

    def ask(self, query: str, first: datetime, last: datetime, read_at: datetime) -> Answer:
        """Run the query over the stretch. See `Seldom.ask`."""
        question = Question(self._name, query)
        answer = self._database.ask(question, first, last)
        table, series = self._tabled(question, answer, read_at)
        if table.time is None:
            memory = self._memories.setdefault(query, Memory())
            memory.add(milliseconds(read_at), series)
            return Answer(series=memory.series(), first=EPOCH)
        # A query that names no :start gives all that it has, whatever stretch is asked for.
        return Answer(series=series, first=first if "start" in question.names else EPOCH)

    def forget(self, query: str) -> None:
        """Drop the readings of a query without times."""
        self._memories.pop(query, None)

    def _tabled(self, question: Question, answer: Rows, now: datetime) -> tuple[Table, dict[Labels, Samples]]:
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
