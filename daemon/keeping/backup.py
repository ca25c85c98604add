"""Backup: a copy of the live store as of one moment, in one SQLite file that is a ledger itself.

It is written beside its name and gets that name when it is whole and on the disk: a file with the name of a backup is
one. Daemons go on writing meanwhile.
"""

import errno
import fcntl
import json
import os
import sqlite3
import uuid
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from cases.errors import PermanentError, TemporaryError, TrackwalkerError
from cases.moments import utc
from daemon.keeping.copies import SEAL, Contents, looked_into
from daemon.keeping.rows import Stopped, copied, never, stop_here
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.sqlite import Sqlite

_PART = ".part"
_STEPS = 100_000  # of SQLite's machine, between two looks at whether to stop: some milliseconds
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
_BESIDE = ("", "-wal", "-shm", "-journal")


def backed_up(
    ledger: Ledger, file: Path, taken: datetime, *, force: bool = False, stopped: Stopped = never
) -> Contents:
    """Copy the ledger into `file`; what is in it. It is its owner's alone: it holds what the store holds.

    Raises PermanentError when there is such a file (unless `force`) or none can be written there, and when the copy
    does not prove healthy; TemporaryError on a full disk, or when it is stopped. Then no file is left.
    """
    if file.exists() and not force:
        raise PermanentError(f"{file} is there already, and a backup is never written over; name another, or --force")
    with _speaking(file), _beside(file) as part:
        if isinstance(ledger.database, Sqlite):
            _by_pages(ledger.database.path, part, stopped)
        else:
            _by_rows(ledger, part, stopped)
        _seal(part, utc(taken, "a backup"))
        found = looked_into(part, stopped=stopped)
        stop_here(stopped)
        _on_disk(part)
        part.replace(file)
        _on_disk(file.parent)
    return replace(found, file=file)


def _by_pages(store: Path, part: Path, stopped: Stopped) -> None:
    """SQLite's own copy: one reading transaction, and nothing in it of what was removed."""
    with closing(sqlite3.connect(store, timeout=10, isolation_level=None)) as connection:
        connection.set_progress_handler(lambda: int(stopped()), _STEPS)
        connection.execute("VACUUM INTO ?", (str(part),))


def _by_rows(ledger: Ledger, part: Path, stopped: Stopped) -> None:
    try:
        with (
            open_ledger(f"sqlite:///{part}", clock=ledger.clock) as copy,
            ledger.database.reading() as source,
            copy.database.writing() as target,
        ):
            copied(source, target, stopped)
    except TrackwalkerError as error:
        if str(part) not in str(error):
            raise
        kind = TemporaryError if isinstance(error, TemporaryError) else PermanentError
        said = str(error).replace(f"the ledger {part}", f"the copy in {part.parent}")
        raise kind(f"no backup: {said}") from error
    with closing(sqlite3.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # one file, whole without others beside it


def _seal(part: Path, taken: datetime) -> None:
    """Say in the copy itself when it was taken: a file's own time does not survive being carried elsewhere."""
    told = {"taken": taken.isoformat(), "version": version("trackwalker")}
    row = (SEAL, json.dumps(told).encode(), f"{taken:%Y-%m-%d %H:%M:%S.%f}")
    with closing(sqlite3.connect(part)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO checkpoints (key, blob, at) VALUES (?, ?, ?)", row)


@contextmanager
def _beside(file: Path) -> Generator[Path]:
    """An empty file of this user's alone beside the name, gone at the end if it was not given that name.

    A lock on it says that somebody writes it: those that nobody holds are what a killed process left, and go too.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _swept(file.parent)
    part = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}{_PART}")
    part.touch(mode=0o600, exist_ok=False)
    with part.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield part
        finally:
            _removed(part)


def _swept(folder: Path) -> None:
    for part in folder.glob(f".*{_PART}"):
        try:
            with part.open("rb") as left:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _removed(part)
        except OSError:  # somebody writes it now, or swept it before us
            continue


def _removed(part: Path) -> None:
    for ending in _BESIDE:
        Path(f"{part}{ending}").unlink(missing_ok=True)


def _on_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _speaking(file: Path) -> Generator[None]:
    """Turn the disk's and SQLite's errors into ours, with what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise TemporaryError(f"no backup at {file}: {error.strerror}; free some space there") from error
        raise PermanentError(
            f"no backup at {file}: {error.strerror}; see that this user may write in {file.parent}"
        ) from error
    except sqlite3.Error as error:
        code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            stop_here(lambda: True)
        if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            raise TemporaryError(f"no backup at {file}: the disk is full or fails ({error})") from error
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise TemporaryError(f"no backup at {file}: another process keeps the store locked ({error})") from error
        raise PermanentError(f"no backup at {file}: {error}") from error
