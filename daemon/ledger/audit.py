"""The audit: who did what and when, and from what it followed. Rows are added, never changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select

from daemon.ledger.database import Database
from daemon.ledger.tables import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit.

    action   `case.Opened` and the other events; `effect.promised`, `.done`, `.adopted`, `.dropped`; `pause.on`, `.off`
    case     "" for what belongs to no case
    parent   the `seq` of the entry that this one follows from, or None
    detail   a few words by name: keys, sequence numbers, reasons; never what a case holds
    seq      given by the ledger; 0 before that
    """

    at: datetime
    actor: str
    action: str
    case: str = ""
    parent: int | None = None
    detail: Mapping[str, str] = field(default_factory=dict[str, str])
    seq: int = 0


class Audit:
    """The audit as others see it: they may add, and read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, entry: AuditEntry) -> int:
        """Add a line; its number."""
        with self._database.writing() as connection:
            return append(connection, entry)

    def listed(self, case: str | None = None, after: int = 0, limit: int = 1000) -> tuple[AuditEntry, ...]:
        """The lines after number `after`, oldest first; of one case where one is given."""
        query = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
        if case is not None:
            query = query.where(audit.c.case_id == case)
        with self._database.reading() as connection:
            return tuple(
                AuditEntry(
                    seq=row.seq,
                    at=row.at,
                    actor=row.actor,
                    action=row.action,
                    case=row.case_id or "",
                    parent=row.parent,
                    detail=json.loads(row.detail),
                )
                for row in connection.execute(query)
            )


def append(connection: Connection, entry: AuditEntry) -> int:
    """Add a line within a transaction that does more; its number."""
    values = {
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "case_id": entry.case or None,
        "parent": entry.parent,
        "detail": json.dumps(dict(entry.detail), sort_keys=True),
        "hash": "",
    }
    seq: int = connection.execute(insert(audit).values(values).returning(audit.c.seq)).scalar_one()
    return seq
