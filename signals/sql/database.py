"""One reading query of a database, bounded in time and rows, with errors as sentences.

This module imports SQLAlchemy at its top: import it where a source is built. The drivers are imported by their kinds.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy.typing as npt
from sqlalchemy import CursorResult, TextClause, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, StatementError

from cases.errors import PermanentError, SourceDown, TemporaryError
from signals.quoting import quoted
from signals.sql.kind import Columnar, Fault, Kind, TwoStatements
from signals.sql.limit import Limit

_BOUND = frozenset({"start", "end"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The rows of one query, in the order they came."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    version: str  # of the database, for people


class TooMuch(SourceDown):
    """The query did not end in time, or not within the memory it may use: a shorter stretch may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of the rows of one query, in the order they came."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]


class Question:
    r"""One query of the operator's. It may name `:start` and `:end`, as UTC; write a colon before a word as `\:`.

    `given` are values that it may name besides.
    """

    def __init__(self, source: str, query: str, given: Mapping[str, object] = MappingProxyType({})) -> None:
        self.text = query.strip().rstrip(";")
        self.given = given
        self.clause: TextClause = text(self.text)
        self.names = frozenset(str(name) for name in self.clause.compile().params)
        known = [":start", ":end", *(f":{name}" for name in given)]
        if unknown := self.names - _BOUND - given.keys():
            raise PermanentError(
                f"{source}: the query names {', '.join(f':{name}' for name in sorted(unknown))}; only "
                f"{', '.join(known[:-1])} and {known[-1]} are given. Correct the query, and write \\: for a colon that "
                "names nothing"
            )


class Database:
    """Reads one database. Used by one thread at a time. `source` is what messages call it.

    Every call opens a connection of its own, reads in a way that cannot write (see the kind), ends within `timeout`
    from connecting on, and reads `max_rows` rows at the most.
    """

    def __init__(self, source: str, kind: Kind, *, timeout: timedelta, max_rows: int) -> None:
        self._source = source
        self._kind = kind
        self._timeout = timeout
        self._max_rows = max_rows
        self._engine = kind.engine()
        self._limit = Limit(self._engine)

    @property
    def place(self) -> str:
        """Where it is."""
        return self._kind.place

    def close(self) -> None:
        """Forget the engine; no connection is ever held."""
        self._engine.dispose()

    def ask(self, question: Question, start: datetime, end: datetime) -> Answer:
        """Run the query over the stretch. Raises SourceDown, or PermanentError when only a human can help."""
        with self._guarded(), self._reading(question, start, end) as result:
            columns = tuple(result.keys())
            rows = tuple(tuple(row) for row in islice(result, self._max_rows + 1))
            version = self._kind.version(result.connection)
        if len(rows) > self._max_rows:
            raise PermanentError(
                f"{self._source}: the query gives more than {self._max_rows} rows; aggregate in the query, use :start "
                "and :end, or raise `max_rows`"
            )
        return Answer(columns=columns, rows=rows, version=version)

    def parts(self, question: Question, start: datetime, end: datetime, size: int) -> Generator[Part]:
        """Run the query over the stretch and give its rows in parts of `size`, however many there are.

        The first part may have no rows. What is done between two parts counts for the time limit. Raises as `ask` does.
        """
        with self._guarded(), self._reading(question, start, end) as result:
            columns = tuple(result.keys())
            yield Part(columns=columns, rows=())
            for rows in result.partitions(size):
                yield Part(columns=columns, rows=rows)

    @property
    def gives_arrays(self) -> bool:
        """Whether `arrays` can be asked of this kind of database."""
        return isinstance(self._kind, Columnar)

    def arrays(self, question: Question, start: datetime, end: datetime) -> Mapping[str, npt.NDArray[Any]]:
        """Run the query and give all its rows as columns: ten times as fast as rows. Raises as `ask` does."""
        if not isinstance(self._kind, Columnar):
            raise TypeError(f"{self.place} gives rows, not columns: ask `gives_arrays` first")
        with self._guarded(), self._reading(question, start, end) as result:
            return self._kind.arrays(result)

    @contextmanager
    def _guarded(self) -> Generator[None]:
        """Within the time limit, with errors as sentences."""
        try:
            with self._limit.lasting(self._timeout + self._kind.grace, self._kind.stop):
                yield
        except TemporaryError as error:  # the password cannot be had now
            raise SourceDown(self._source, str(error), error.retry_after) from None
        except (TwoStatements, self._kind.several):
            raise PermanentError(
                f"{self._source}: the query is more or other than one SELECT; write one, it is only ever read"
            ) from None
        except DBAPIError as error:
            # `from None`: the driver's error carries the connection, and that the password
            raise self._sentence(error) from None
        except StatementError as error:
            raise PermanentError(f"{self._source}: the query cannot be sent: {quoted(str(error.orig))}") from None

    @contextmanager
    def _reading(self, question: Question, start: datetime, end: datetime) -> Generator[CursorResult[Any]]:
        moments = {"start": self._kind.moment(start), "end": self._kind.moment(end), **question.given}
        given = {name: moments[name] for name in question.names}
        with self._engine.connect() as connection:
            reading = self._kind.begin(connection, str(question.clause.compile(self._engine)))
            with reading.execute(question.clause, given) as result:
                if not result.returns_rows:
                    raise TwoStatements
                yield result

    def _sentence(self, error: DBAPIError) -> SourceDown | PermanentError:
        said = self._kind.said(error)
        if self._limit.expired or said.fault is Fault.LATE:
            return TooMuch(
                self._source,
                f"the query did not end within {self._timeout.total_seconds():g} s and was ended; narrow it, let it "
                "find an index, or raise `timeout`",
            )
        match said.fault:
            case Fault.LARGE:
                return TooMuch(self._source, f"the query needs more memory than it may have: {said.text}")
            case Fault.WRITES:
                return PermanentError(
                    f"{self._source}: the query would do more than read, and the database refused: {said.text}. "
                    "Write one SELECT"
                )
            case Fault.LOGIN:
                return PermanentError(
                    f"{self._source}: {self.place} does not let us in; check the user in `url` and the secret in "
                    "`password`"
                )
            case Fault.REFUSED:
                return PermanentError(
                    f"{self._source}: the database refuses the query: {said.text}. Correct `query`, one SELECT"
                )
            case _:
                return SourceDown(self._source, f"{self.place} cannot be read: {said.text}")


def open_database(
    source: str, url: str, *, password: Callable[[], str] | None, timeout: timedelta, max_rows: int
) -> Database:
    """The database at a `postgresql+psycopg://`, `sqlite:///` or `duckdb:///` address. Nothing is reached yet.

    Raises PermanentError for an address of another kind, and when the driver is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise PermanentError(f"{source}: the url is not the address of a database") from None
    if parsed.password is not None or {"password", "sslpassword"} & parsed.query.keys():
        raise PermanentError(f"{source}: the url holds a password; take it out, and write password: env:NAME beside it")
    kind: Kind
    match parsed.drivername:
        case "postgresql" | "postgresql+psycopg":
            from signals.sql.postgres import Postgres

            kind = Postgres(parsed, timeout, password)
        case "sqlite":
            from signals.sql.sqlite import Sqlite

            kind = Sqlite(Path(parsed.database or ""), timeout)
        case "duckdb":
            kind = _duckdb(source, Path(parsed.database or ""))
        case _:
            raise PermanentError(
                f"{source}: the url begins with none of postgresql+psycopg://, sqlite:/// and duckdb:///"
            )
    return Database(source, kind, timeout=timeout, max_rows=max_rows)


def _duckdb(source: str, file: Path) -> Kind:
    try:
        from signals.sql.duckdb import Duckdb
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        raise PermanentError(
            f"{source}: reading DuckDB needs the package duckdb, and it is not installed; install trackwalker[duckdb]"
        ) from None
    return Duckdb(file)
