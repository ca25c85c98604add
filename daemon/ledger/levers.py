"""Levers: the pause, as a log of who pulled it. The newest row holds."""

from datetime import datetime

from sqlalchemy import insert, select

from cases.leases import Pause
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.database import Database, alone
from daemon.ledger.tables import levers

PAUSE = "pause"
_NEWEST = select(levers).where(levers.c.lever == PAUSE).order_by(levers.c.seq.desc()).limit(1)


class LedgerLevers:
    """The levers of one ledger (see `cases.ports.Levers`): every process on the same store sees them at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def paused(self) -> Pause | None:
        """The pause in force, or None."""
        with self._database.reading() as connection:
            row = connection.execute(_NEWEST).first()
        if row is None or not row.on:
            return None
        return Pause(by=row.actor, reason=row.reason, since=row.at)

    def pause(self, pause: Pause, *, once: bool = False) -> None:
        """Stop every write to repositories, models and sandboxes. A second pause takes the first one's place.

        `once`: one of the same actor and moment that was ever pulled is left alone.
        """
        self._pull(on=True, by=pause.by, reason=pause.reason, at=pause.since, once=once)

    def resume(self, by: str, at: datetime, *, of: str = "", once: bool = False) -> bool:
        """Go on; `of`: only if it is they who paused. Whether it was done now."""
        return self._pull(on=False, by=by, reason="", at=at, of=of, once=once)

    def _pull(self, *, on: bool, by: str, reason: str, at: datetime, of: str = "", once: bool = False) -> bool:
        row = {"lever": PAUSE, "on": int(on), "at": at, "actor": by, "reason": reason}
        same = select(levers.c.seq).where(
            levers.c.lever == PAUSE, levers.c.on == int(on), levers.c.at == at, levers.c.actor == by
        )
        with self._database.writing() as connection:
            alone(connection)
            stands = connection.execute(_NEWEST).first()
            if of and (stands is None or not stands.on or stands.actor != of):
                return False
            if once and connection.execute(same).first():
                return False
            connection.execute(insert(levers).values(row))
            action = "pause.on" if on else "pause.off"
            audit.append(connection, AuditEntry(at=at, actor=by, action=action, detail={"reason": reason}))
        return True
