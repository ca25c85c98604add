"""SQLite: one file in WAL mode, where a commit is on the disk before it returns."""

import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from cases.errors import PermanentError, TemporaryError, TrackwalkerError
from daemon.ledger.database import Database, writes

# SQLite's primary result codes (sqlite.org/rescode.html), and what each asks for.
_LATER = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_LOCKED: "another connection keeps it locked",
    sqlite3.SQLITE_IOERR: "the disk fails or is full",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
}
_NEVER = {
    sqlite3.SQLITE_READONLY: "it is read-only; let this user write the file and its folder",
    sqlite3.SQLITE_PERM: "this user may not; let this user write the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; see that its folder exists and that this user may write there",
}
_SICK = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Sqlite(Database):
    """One SQLite file. A writing transaction is the only one from its first line on; a reader never waits."""

    driver_error = sqlite3.Error

    def __init__(self, url: URL, busy: timedelta) -> None:
        if not url.database or url.database == ":memory:" or url.query:
            raise PermanentError("store: the ledger outlives the process and needs a plain file: sqlite:///FILE")
        self.path = Path(url.database)
        engine = create_engine(
            url,
            hide_parameters=True,  # an error would print what a case holds
            connect_args={"timeout": busy.total_seconds(), "isolation_level": None},  # transactions begin as said below
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        super().__init__(str(self.path), busy, engine, engine, engine)

    def open(self) -> None:
        """Make the file if there is none, and check its health. PermanentError for a sick or unreachable one."""
        with self._speaking("opened"):
            _create(self.path)
            found = self._plainly("PRAGMA quick_check(1)")
            if found != "ok":
                raise PermanentError(self._sick(found))
            # Once at creation: the file remembers it. In WAL a reader never waits for a writer.
            if self._plainly("PRAGMA journal_mode") != "wal" and self._plainly("PRAGMA journal_mode = WAL") != "wal":
                raise PermanentError(f"the ledger {self.name} cannot be kept in WAL mode there: use a local disk")

    def exists(self) -> bool:
        """Whether there is the file."""
        return self.path.exists()

    def moment(self, connection: Connection, given: datetime) -> datetime:
        """As given: the file has no clock of its own, and its daemons run on one machine."""
        del connection
        return given

    def trim(self) -> None:
        """Move the write-ahead log into the file, and cut it to nothing. Does little while others are reading."""
        with self._speaking("written"):
            self._plainly("PRAGMA wal_checkpoint(TRUNCATE)")

    def _plainly(self, pragma: str) -> str:
        """Run a pragma outside any transaction; the first value of its answer."""
        with self._reader.connect() as connection:
            raw = connection.connection.driver_connection
            if not isinstance(raw, sqlite3.Connection):
                raise TypeError(f"expected a SQLite connection, got {type(raw).__name__}")
            return str(raw.execute(pragma).fetchone()[0])

    def _meaning(self, cause: object, verb: str) -> TrackwalkerError | None:
        code: int = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the module's own errors have none
        if code in _SICK:
            return PermanentError(self._sick(str(cause)))
        if code in _LATER:
            return TemporaryError(f"the ledger {self.name} cannot be {verb}: {_LATER[code]} ({cause})")
        if code in _NEVER:
            return PermanentError(f"the ledger {self.name} cannot be {verb}: {_NEVER[code]} ({cause})")
        return None

    def _sick(self, found: str) -> str:
        words = " ".join(found.split())
        known = f": {self.advice()}" if self.advice is not None else ""
        return (
            f"the ledger {self.name} is not a healthy database: {words}; stop the daemon and restore a backup of it"
            f"{known}; or move {self.path.name}, {self.path.name}-wal and {self.path.name}-shm away to begin anew"
        )


def _create(path: Path) -> None:
    """Make the file readable by this user alone: it holds code, logs and addresses. SQLite's side files follow it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise PermanentError(
            f"the ledger {path} cannot be opened: {error.strerror}; see that its folder exists and that this user "
            "may write there"
        ) from None


def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    """Set what SQLite forgets with each connection."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Of pages, for each thread's connection: SQLite's own 2 MB are kept by every one of them, and the system has the
    # file in its cache anyway.
    connection.execute("PRAGMA cache_size = -256")


def _begin(connection: Connection) -> None:
    """Take the write lock at once: a lock taken half-way can be refused after the reading was done."""
    raw = cast("sqlite3.Connection", connection.connection.driver_connection)
    raw.execute("BEGIN IMMEDIATE" if writes(connection) else "BEGIN")
