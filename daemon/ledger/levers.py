"""Levers: the pause, as a log of who pulled it. The newest row holds."""

from datetime import datetime

from sqlalchemy import insert, select

from cases.leases import Pause
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.database import Database
from daemon.ledger.tables import levers

PAUSE = "pause"
_NEWEST = select(levers).where(levers.c.lever == PAUSE).order_by(levers.c.seq.desc()).limit(1)


class LedgerLevers:
    """The levers of one ledger (see `cases.ports.Levers`): every process on the same file sees them at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def paused(self) -> Pause | None:
        """The pause in force, or None."""
        with self._database.reading() as connection:
            row = connection.execute(_NEWEST).first()
        if row is None or not row.on:
            return None
        return Pause(by=row.actor, reason=row.reason, since=row.at)

    def pause(self, pause: Pause) -> None:
        """Stop every write to repositories, models and sandboxes. A second pause takes the first one's place."""
        self._pull(on=True, by=pause.by, reason=pause.reason, at=pause.since)

    def resume(self, by: str, at: datetime) -> None:
        """Go on."""
        self._pull(on=False, by=by, reason="", at=at)

    def _pull(self, *, on: bool, by: str, reason: str, at: datetime) -> None:
        with self._database.writing() as connection:
            row = {"lever": PAUSE, "on": int(on), "at": at, "actor": by, "reason": reason}
            connection.execute(insert(levers).values(row))
            action = "pause.on" if on else "pause.off"
            audit.append(connection, AuditEntry(at=at, actor=by, action=action, detail={"reason": reason}))
