"""Restore: a backup's rows into a store that has none, of either kind. No lease comes with them."""

import shutil
import sqlite3
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from cases.errors import PermanentError
from daemon.keeping.copies import SEAL, Contents, looked_into, looking, stamp
from daemon.keeping.rows import copied
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.database import alone
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.tables import cases, checkpoints, daemons, effects, lessons, levers, metadata, spend

RESTORED = "daemon.restored"
"""The line of the audit that says so: from which file, of when, and which line of the audit it goes on from."""

SILENT = timedelta(minutes=1)  # after which a daemon that was seen no more is taken to be down
_PRECIOUS = (cases, lessons, effects, levers, spend)
_WORK = ".restoring-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore came to: the backup's contents, and the number of its own line in the audit."""

    backup: Contents
    store: str
    seq: int

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"store": self.store, "seq": self.seq, "backup": self.backup.document()}


def restored(file: Path, ledger: Ledger, actor: str, workplace: Path) -> Restored:
    """Put every row of the backup into the ledger, in one transaction. The backup itself is only read.

    `workplace` is a folder for a copy of it, which is migrated when it has an older schema. Raises PermanentError for a
    backup that is damaged, no ledger or of a newer version, and for a ledger that has cases or a daemon of its own.
    """
    contents = looked_into(file)
    now = ledger.clock.now()
    with (
        _copy_of(file, contents, workplace) as source,
        source.database.reading() as rows,
        ledger.database.writing() as target,
    ):
        alone(target)
        _empty(target, ledger.database.name, ledger.database.moment(target, now))
        copied(rows, target)
        _freed(target, now)
        line = AuditEntry(at=now, actor=actor, action=RESTORED, detail=_told(contents))
        seq = audit.append(target, line)
    return Restored(backup=contents, store=ledger.database.name, seq=seq)


def put_aside(store: Path, now: datetime) -> Path | None:
    """Move a SQLite store and what belongs to it to another name beside it; that name, or None where there was none.

    No daemon may have it open.
    """
    if not store.exists():
        return None
    aside = store.with_name(f"{store.name}.aside-{now:%Y%m%dT%H%M%SZ}")
    if aside.exists():
        raise PermanentError(f"{aside} is there already; try again in a second")
    try:
        for ending in ("-wal", "-shm", ""):  # the file itself last: whoever is killed here finds it where it was
            there = Path(f"{store}{ending}")
            if there.exists():
                there.rename(f"{aside}{ending}")
    except OSError as error:
        raise PermanentError(f"{store} cannot be moved to {aside}: {error.strerror}") from error
    return aside


@contextmanager
def _copy_of(file: Path, contents: Contents, workplace: Path) -> Generator[Ledger]:
    """The backup as an open ledger of the newest schema: a copy of it, gone afterwards."""
    workplace.mkdir(parents=True, exist_ok=True)
    for left in workplace.glob(f"{_WORK}*"):
        shutil.rmtree(left, ignore_errors=True)  # of a restore that was killed
    with tempfile.TemporaryDirectory(prefix=_WORK, dir=workplace) as folder:
        copy = Path(folder) / "copy.db"
        with looking(file) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        try:
            with open_ledger(f"sqlite:///{copy}") as ledger:
                yield ledger
        except PermanentError as error:
            if str(copy) not in str(error):
                raise
            raise PermanentError(
                f"{file} cannot be restored by this version: {str(error).replace(str(copy), str(file))} "
                f"(its schema is {contents.schema})"
            ) from error


def _empty(connection: Connection, name: str, now: datetime) -> None:
    """Make sure that nothing of worth is there, and that nobody works on it; remove what a daemon keeps for itself."""
    alive = select(daemons.c.name).where(daemons.c.seen > now - SILENT)
    running = connection.execute(alive).scalars().all()
    if running:
        raise PermanentError(f"the store {name} is in use by {', '.join(running)}: stop every daemon on it first")
    for table in _PRECIOUS:
        found: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if found:
            raise PermanentError(
                f"the store {name} has {found} rows of {table.name}, and a restore never writes over them: "
                "move it away first (--aside does that for a SQLite file), or name another store"
            )
    for table in reversed(metadata.sorted_tables):
        connection.execute(delete(table))


def _freed(connection: Connection, now: datetime) -> None:
    """Let every lease go, and fence off whoever held one. No daemon of then is there now, and this is no backup."""
    freed = {"due": now, "lease_owner": None, "lease_until": None}
    connection.execute(update(cases).where(cases.c.lease_owner.is_not(None)).values(freed))
    connection.execute(update(cases).values(fence=cases.c.fence + 1))
    connection.execute(delete(daemons))
    connection.execute(delete(checkpoints).where(checkpoints.c.key == SEAL))


def _told(contents: Contents) -> dict[str, str]:
    return {
        "file": contents.file.name,
        "taken": stamp(contents.taken) if contents.taken else "",
        "upto": str(contents.audit_seq),
        "hash": contents.audit_hash,
    }
