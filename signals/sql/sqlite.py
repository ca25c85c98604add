"""SQLite for reading: the file is opened read-only, and an authorizer lets nothing but reading through."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from signals.sql.kind import Fault, Kind, Said, first_line

# SQLITE_SELECT, SQLITE_READ, SQLITE_FUNCTION and SQLITE_RECURSIVE of sqlite3.h: the only things that reading needs.
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_NEVER = frozenset({"load_extension", "fts3_tokenizer"})  # functions that run or hand out code
_LARGEST = 2**20  # bytes of one text or blob: a query cannot fill the memory with one cell


class Sqlite(Kind):
    """One SQLite file. `:start` and `:end` are text as CURRENT_TIMESTAMP writes it, `2026-01-02 03:04:05`, in UTC."""

    def __init__(self, file: Path, timeout: timedelta) -> None:
        self._file = file
        self._timeout = timeout

    @property
    def place(self) -> str:
        """The file."""
        return str(self._file)

    @property
    def grace(self) -> timedelta:
        """None: SQLite has no limit of its own."""
        return timedelta(0)

    @property
    def several(self) -> type[Exception]:
        """What sqlite3 raises for two statements until Python 3.12, which makes it an error of the query."""
        return sqlite3.Warning

    def engine(self) -> Engine:
        """See `Kind`. A connection is used by one thread at a time, but not always by the one that opened it."""
        return create_engine("sqlite://", creator=self._open, poolclass=NullPool, hide_parameters=True)

    def begin(self, connection: Connection, query: str) -> Connection:
        """From now on nothing but reading. sqlite3 itself refuses two statements at once."""
        del query
        opened = connection.connection.dbapi_connection
        if not isinstance(opened, sqlite3.Connection):
            raise TypeError(f"a connection to SQLite was opened, and is a {type(opened).__name__}")
        opened.set_authorizer(_allow)
        return connection

    def moment(self, at: datetime) -> object:
        """As text: with a fraction only where there is one."""
        return at.replace(tzinfo=None).isoformat(sep=" ")

    def version(self, connection: Connection) -> str:
        """The library's version: there is no server."""
        del connection
        return f"SQLite {sqlite3.sqlite_version}"

    def stop(self, opened: sqlite3.Connection) -> None:
        """Interrupt it: the one call that sqlite3 allows from another thread."""
        opened.interrupt()

    def said(self, error: DBAPIError) -> Said:
        """SQLite has few codes and short sentences: the sentences tell more."""
        text = first_line(error.orig)
        if text.startswith(("not authorized", "authorization denied", "attempt to write")) or "prohibited" in text:
            return Said(fault=Fault.WRITES, text=text)
        if text.startswith("unable to open"):
            found = "cannot be opened by this user" if self._file.exists() else "is not there: is the path right?"
            return Said(fault=Fault.DOWN, text=f"the file {found}")
        if text.startswith("database is locked"):
            return Said(fault=Fault.DOWN, text="the file is locked by whoever writes it")
        if text.startswith(("file is not", "disk I/O", "database disk image")):
            return Said(fault=Fault.DOWN, text=text)
        return Said(fault=Fault.REFUSED, text=text)

    def _open(self) -> sqlite3.Connection:
        """Read-only three times over: the file, the connection, and (see `begin`) what a statement may do at all."""
        address = f"file:{quote(str(self._file.expanduser().absolute()))}?mode=ro"
        # `mode=ro` does not cover other files: ATTACH would create them. The authorizer does.
        opened = sqlite3.connect(
            address, uri=True, timeout=self._timeout.total_seconds(), isolation_level=None, check_same_thread=False
        )
        opened.execute("PRAGMA query_only = ON")
        opened.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        return opened


def _allow(action: int, _first: str | None, second: str | None, _base: str | None, _within: str | None) -> int:
    """What `sqlite3_set_authorizer` asks of each part of a statement: https://www.sqlite.org/c3ref/set_authorizer.html."""
    forbidden = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _NEVER
    return sqlite3.SQLITE_OK if action in _READING and not forbidden else sqlite3.SQLITE_DENY
