"""PostgreSQL for reading: a read-only transaction with a time limit, and the query inside a cursor's declaration.

Nothing is set on the session, only on the transaction: behind a pooler that lends one session to many clients, a
session that was made read-only would be everybody's.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DataError, DBAPIError, NotSupportedError, ProgrammingError
from sqlalchemy.pool import NullPool

from signals.sql.kind import Fault, Kind, Said, TwoStatements, first_line

_SETTINGS = text(
    "SELECT set_config('statement_timeout', :ms, true), set_config('lock_timeout', :ms, true), "
    "set_config('idle_in_transaction_session_timeout', :idle, true), set_config('TimeZone', 'UTC', true)"
)
_READ_ONLY = "25006"
_CURSORS_ONLY_READ = "0A000"  # DECLARE CURSOR for a statement that changes something
_CANCELLED = frozenset({"57014", "25P03"})
# The classes of SQLSTATE in which only another query helps: https://www.postgresql.org/docs/current/errcodes-appendix.html
_THE_QUERY = ("0A", "21", "22", "25", "2F", "3F", "42", "44")
_BATCH = 500  # rows that are fetched at a time


class Postgres(Kind):
    """One database of a PostgreSQL server. `:start` and `:end` are `timestamptz`; the time zone is UTC.

    `password` is asked for at each connection, so that a new one is seen. What the URL has behind its `?` goes to
    libpq: sslmode, sslrootcert, target_session_attrs.
    """

    def __init__(self, url: URL, timeout: timedelta, password: Callable[[], str] | None) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        self._timeout = timeout
        self._password = password

    @property
    def grace(self) -> timedelta:
        """The server ends a statement by itself; only when it does not is the connection cut."""
        return timedelta(seconds=1)

    @property
    def place(self) -> str:
        """Host, port and database."""
        return f"{self._url.host or 'the local socket'}:{self._url.port or 5432}/{self._url.database or ''}"

    @property
    def several(self) -> type[Exception]:
        """The server itself refuses them, as an error of the query."""
        return TwoStatements

    def engine(self) -> Engine:
        """See `Kind`."""
        made = create_engine(
            self._url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={
                "connect_timeout": max(2, round(self._timeout.total_seconds())),  # whole seconds, two at the least
                "application_name": "trackwalker",
            },
        )
        password = self._password
        if password is not None:

            def reveal(_dialect: object, _record: object, _given: object, named: dict[str, object]) -> None:
                named["password"] = password()

            event.listen(made, "do_connect", reveal)
        return made

    def begin(self, connection: Connection, query: str) -> Connection:
        """Begin a read-only transaction with its limits. The query runs as `DECLARE … CURSOR FOR query`, streamed.

        A cursor is declared for one statement, and for one that changes nothing: the server's own grammar says so.
        """
        del query
        opened = connection.connection.dbapi_connection
        if not isinstance(opened, psycopg.Connection):
            raise TypeError(f"a connection to PostgreSQL was opened, and is a {type(opened).__name__}")
        opened.server_cursor_factory = _Cursor
        connection.execution_options(postgresql_readonly=True)
        limit = max(1, round(1000 * self._timeout.total_seconds()))
        connection.execute(_SETTINGS, {"ms": str(limit), "idle": str(2 * limit)}).close()
        return connection.execution_options(stream_results=True, max_row_buffer=_BATCH)

    def moment(self, at: datetime) -> object:
        """As it is: psycopg sends a `timestamptz`."""
        return at

    def version(self, connection: Connection) -> str:
        """As the server said when the connection was made."""
        known = connection.dialect.server_version_info or ()
        return f"PostgreSQL {'.'.join(str(part) for part in known[:2])}"

    def stop(self, opened: psycopg.Connection[Any]) -> None:
        """Cut the connection: the server's own limit came first, and it did not say so in time."""
        with suppress(OSError, psycopg.OperationalError), socket.socket(fileno=os.dup(opened.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)

    def said(self, error: DBAPIError) -> Said:
        """By SQLSTATE, which does not depend on the server's language; libpq gives none when it cannot connect."""
        state: str = getattr(error.orig, "sqlstate", None) or ""
        if not state and isinstance(error, DataError | ProgrammingError | NotSupportedError):
            # psycopg's own: a value that Python cannot hold
            return Said(fault=Fault.REFUSED, text=first_line(error.orig))
        return Said(fault=_fault(state, str(error.orig)), text=first_line(error.orig))


class _Cursor(psycopg.ServerCursor[Any]):
    """A cursor whose connection may have been cut: it cannot be closed then, and that is no leak to warn of."""

    def __del__(self, _warn: object = None, /) -> None:
        """Say nothing; the connection is closed in any case."""


def _fault(state: str, text: str) -> Fault:
    if state == _READ_ONLY or (state == _CURSORS_ONLY_READ and "DECLARE" in text):
        return Fault.WRITES
    if state in _CANCELLED:
        return Fault.LATE
    if state.startswith("28") or (not state and ("authentication failed" in text or "no password supplied" in text)):
        return Fault.LOGIN
    return Fault.REFUSED if state.startswith(_THE_QUERY) else Fault.DOWN
