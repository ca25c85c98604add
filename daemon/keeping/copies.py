"""The files that backups are: how they are named, listed, looked into and thinned out."""

import json
import re
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cases.errors import PermanentError, TemporaryError
from daemon.keeping.rows import Stopped, never

SEAL = "backup"
"""The checkpoint that a copy has and a live store has not: when it was taken, and by which version."""

_NAME = re.compile(r"trackwalker-[0-9]{8}T[0-9]{6}Z\.db")
_NEWEST_CHAINED = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"
_NEWEST_BEFORE_THE_CHAIN = "SELECT seq, '' FROM audit ORDER BY seq DESC LIMIT 1"
_STEPS = 100_000  # of SQLite's machine, between two looks at whether to stop: some milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a copy holds.

    taken      None for a ledger that is no backup, as a store that was put aside
    schema     the migration that it has seen last
    audit_seq  the newest line of the audit; 0 when it has none
    """

    file: Path
    size: int
    taken: datetime | None
    schema: str
    open_cases: int
    closed_cases: int
    audit_seq: int
    audit_hash: str

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "file": str(self.file),
            "bytes": self.size,
            "taken": stamp(self.taken) if self.taken else None,
            "schema": self.schema,
            "cases": {"open": self.open_cases, "closed": self.closed_cases},
            "audit": {"seq": self.audit_seq, "hash": self.audit_hash},
        }


def stamp(at: datetime) -> str:
    """A time to the second, in UTC."""
    from cases.moments import iso

    return iso(at)


def name_of(taken: datetime) -> str:
    """How a backup of that moment is called."""
    return f"trackwalker-{taken.astimezone(UTC):%Y%m%dT%H%M%SZ}.db"


def copies(folder: Path) -> tuple[Path, ...]:
    """The backups in a folder, newest first: files of that form of name, and no others."""
    try:
        found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file()]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise PermanentError(f"the backups in {folder} cannot be listed: {error.strerror}") from None
    return tuple(sorted(found, key=lambda path: path.name, reverse=True))


def thinned(folder: Path, keep: int) -> tuple[Path, ...]:
    """Remove the oldest backups beyond `keep`; those that went."""
    gone = copies(folder)[keep:]
    for path in gone:
        path.unlink(missing_ok=True)  # another daemon may thin out the same folder
    return gone


@contextmanager
def looking(file: Path, stopped: Stopped = never) -> Generator[sqlite3.Connection]:
    """A connection that writes nothing, not even beside the file: it may lie on a disk that cannot be written.

    Raises PermanentError for what is no healthy database.
    """
    beside = Path(f"{file}-wal")
    how = "mode=ro" if beside.exists() and beside.stat().st_size else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file.resolve()))}?{how}", uri=True)) as connection:
            connection.set_progress_handler(lambda: int(stopped()), _STEPS)
            yield connection
    except sqlite3.Error as error:
        code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            raise TemporaryError("it was stopped half-way, as the daemon ends; it will be done again") from None
        if code == sqlite3.SQLITE_CANTOPEN:
            raise PermanentError(f"{file} cannot be opened: {error}") from None
        raise PermanentError(f"{file} is not a healthy database: {' '.join(str(error).split())}") from None


def looked_into(file: Path, *, whole: bool = True, stopped: Stopped = never) -> Contents:
    """What the copy holds, once its health is proved: `whole` reads every index too, and takes about twice as long.

    Raises PermanentError for a file that is not there, is damaged, or is no ledger.
    """
    if not file.is_file():
        raise PermanentError(f"there is no file {file}")
    with looking(file, stopped) as connection:
        found = connection.execute("PRAGMA integrity_check(1)" if whole else "PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise PermanentError(f"{file} is not a healthy database: {' '.join(str(found).split())}")
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"alembic_version", "cases", "history", "audit", "checkpoints"} <= names:
            raise PermanentError(f"{file} is a database, but no ledger")
        return _contents(file, connection)


def newest_healthy(folder: Path) -> Path | None:
    """The newest backup in the folder that can be restored, as far as a quick look tells; None when there is none."""
    for path in copies(folder):
        try:
            looked_into(path, whole=False)
        except PermanentError:
            continue
        return path
    return None


def advice(folder: Path, config: Path | None) -> str:
    """What to do about a store that is damaged, as the end of a sentence: it names the newest healthy backup."""
    try:
        newest = newest_healthy(folder)
    except PermanentError as error:
        return str(error)
    if newest is None:
        return f"there is no healthy backup in {folder}"
    return (
        f"the newest healthy backup is {newest}: stop every daemon of this store, then run "
        f"`trackwalker restore --aside {newest}{f' --config {config}' if config else ''}`"
    )


def _contents(file: Path, connection: sqlite3.Connection) -> Contents:
    def one(query: str) -> Any:  # noqa: ANN401 - whatever the column holds
        row = connection.execute(query).fetchone()
        return row[0] if row else None

    chained = any(row[1] == "hash" for row in connection.execute("PRAGMA table_info(audit)"))
    newest = connection.execute(_NEWEST_CHAINED if chained else _NEWEST_BEFORE_THE_CHAIN).fetchone()
    sealed = one(f"SELECT blob FROM checkpoints WHERE key = '{SEAL}'")  # noqa: S608 - a constant
    closed = int(one("SELECT count(*) FROM cases WHERE phase = 'closed'"))
    return Contents(
        file=file,
        size=file.stat().st_size,
        taken=datetime.fromisoformat(json.loads(sealed)["taken"]) if sealed else None,
        schema=str(one("SELECT version_num FROM alembic_version")),
        open_cases=int(one("SELECT count(*) FROM cases")) - closed,
        closed_cases=closed,
        audit_seq=newest[0] if newest else 0,
        audit_hash=newest[1] if newest else "",
    )
