"""Removal: which rows go, in batches, each with the line of the audit that says so.

What stays whatever its age: everything of a case that is not closed, everything of a case that still owes an effect,
the row of a case (lessons refer to it), and every lesson.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, literal, or_, select, update

from daemon.ledger import audit as chain
from daemon.ledger.audit import AuditEntry
from daemon.ledger.claims import CLOSED
from daemon.ledger.database import alone
from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import State, audit, cases, checkpoints, deploys, effects, history, spend

BATCH = 1000  # rows a transaction, so that nobody waits long
CASES = 50  # whose history goes in one transaction: about as many rows

PURGED = "retention.purged"
"""Rows of one table went: {"table", "cases": "id,id" ("" for what belongs to none), "rows", "before"}."""
CUT = "retention.cut"
"""The head of the audit went: {"upto": the last line's number, "hash": its hash, "at": its time, "rows"}."""

_CLOSED = select(cases.c.id).where(cases.c.phase == CLOSED)
_ACTIVE = select(cases.c.id).where(cases.c.phase != CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedCase:
    """A case whose history was removed. Its lesson is still there."""

    id: str
    service: str
    phase: str
    opened: datetime
    removed: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Remover:
    """Who removes, when, and which line of the audit that follows from."""

    at: datetime
    actor: str
    parent: int | None = None

    def effects(self, connection: Connection, which: ColumnElement[bool], before: datetime) -> int:
        """A batch of settled effects; how many went."""
        _overwriting(connection)
        chosen = select(effects.c.seq, effects.c.case_id).where(which).order_by(effects.c.seq).limit(BATCH)
        rows = connection.execute(chosen).all()
        if rows:
            alone(connection)
            connection.execute(delete(effects).where(effects.c.seq.in_([row.seq for row in rows])))
            for of_cases in (True, False):
                ids = [row.case_id for row in rows if (row.case_id is not None) is of_cases]
                if ids:
                    named = sorted(set(ids)) if of_cases else []
                    self._tell(connection, "effects", named, len(ids), before)
        return len(rows)

    def histories(self, connection: Connection, which: ColumnElement[bool]) -> int:
        """A batch of closed cases: their history, effects, spend and checkpoints; how many cases."""
        _overwriting(connection)
        chosen = select(cases.c.id).where(which).order_by(cases.c.updated, cases.c.id).limit(CASES)
        ids = list(connection.execute(chosen.with_for_update(skip_locked=True)).scalars())
        if ids:
            alone(connection)
            for table in (history, effects, spend):
                gone = connection.execute(delete(table).where(table.c.case_id.in_(ids))).rowcount
                if gone:
                    self._tell(connection, table.name, ids, gone, self.at)
            connection.execute(delete(checkpoints).where(or_(*(_of_case(literal(name)) for name in ids))))
            # A row without history says when that was removed: `updated` is what the history would say.
            connection.execute(update(cases).where(cases.c.id.in_(ids)).values(version=0, updated=self.at, due=None))
        return len(ids)

    def head_of_audit(self, connection: Connection, before: datetime) -> int:
        """A batch of the oldest lines; how many went. What is left begins with a line that can still be verified."""
        _overwriting(connection)
        alone(connection)
        upto = last_removable(connection, before)
        first: int | None = connection.execute(select(func.min(audit.c.seq))).scalar_one()
        if first is None or upto is None:
            return 0
        # Lines from before the chain have no hash of their own, and are sealed as one: they go as one.
        chained = audit.c.seq.between(first, upto), audit.c.hash != ""
        whole: int | None = connection.execute(
            select(func.min(audit.c.seq)).where(*chained, audit.c.seq >= first + BATCH - 1)
        ).scalar_one()
        end = whole or connection.execute(select(func.max(audit.c.seq)).where(*chained)).scalar_one()
        if end is None:
            return 0
        last = connection.execute(select(audit).where(audit.c.seq == end)).one()
        gone = connection.execute(delete(audit).where(audit.c.seq <= end)).rowcount
        detail = {"upto": str(end), "hash": last.hash, "at": last.at.isoformat(), "rows": str(gone)}
        chain.append(
            connection, AuditEntry(at=self.at, actor=self.actor, action=CUT, parent=self.parent, detail=detail)
        )
        return gone

    def _tell(self, connection: Connection, table: str, ids: Sequence[str], rows: int, before: datetime) -> None:
        detail = {"table": table, "cases": ",".join(ids), "rows": str(rows), "before": before.isoformat()}
        line = AuditEntry(at=self.at, actor=self.actor, action=PURGED, parent=self.parent, detail=detail)
        chain.append(connection, line)


def settled(before: datetime) -> ColumnElement[bool]:
    """Effects that were done or dropped, of closed cases and of none, and promised before that."""
    of_ended = or_(effects.c.case_id.is_(None), effects.c.case_id.in_(_CLOSED))
    return and_(effects.c.state != State.INTENDED, effects.c.created < before, of_ended)


def ended(before: datetime) -> ColumnElement[bool]:
    """Cases that were closed before that, owe nothing, and still have their history."""
    owing = exists().where(effects.c.case_id == cases.c.id, effects.c.state == State.INTENDED)
    return and_(cases.c.phase == CLOSED, cases.c.version > 0, cases.c.updated < before, ~owing)


def last_removable(connection: Connection, before: datetime) -> int | None:
    """The number up to which every line of the audit is old, and tells of nothing that is still there; None for none.

    The lines of a case stay as long as its history, those of an effect as long as it does.
    """
    stays: list[Select[Any]] = [
        select(func.min(audit.c.seq)).where(audit.c.at >= before),
        select(func.min(audit.c.seq)).where(audit.c.case_id.in_(select(cases.c.id).where(cases.c.version > 0))),
        select(func.min(effects.c.promised)),
        select(func.max(audit.c.seq)),  # one is always left: its number is where the next one goes on
    ]
    found = [connection.execute(query).scalar_one() for query in stays]
    first = min((seq for seq in found if seq is not None), default=None)
    if first is None:
        return None
    upto: int | None = connection.execute(select(func.max(audit.c.seq)).where(audit.c.seq < first)).scalar_one()
    return upto


def forget_the_rest(connection: Connection, before: datetime) -> int:
    """Remove what is old and no line of the audit vouches for; how many rows.

    Told deploys but the newest of each, answers and threads of cases that are not open, cursors of log sources that are
    read no more.
    """
    newer = deploys.alias()
    same = [newer.c[name] == deploys.c[name] for name in ("source", "environment", "service")]
    newest = ~exists().where(*same, newer.c.started > deploys.c.started)
    old_keys = or_(*(checkpoints.c.key.startswith(start) for start in ("answers/", "slack-thread/", "log-tail/")))
    of_open = exists().where(cases.c.id.in_(_ACTIVE), _of_case(cases.c.id))
    statements = (
        delete(deploys).where(deploys.c.started < before, deploys.c.received < before, ~newest),
        delete(checkpoints).where(checkpoints.c.at < before, old_keys, ~of_open),
    )
    return sum(connection.execute(statement).rowcount for statement in statements)


def removed_cases(ledger: Ledger, limit: int = 100) -> tuple[RemovedCase, ...]:
    """The newest cases that are only a row any more, newest first."""
    gone = select(cases).where(cases.c.version == 0).order_by(cases.c.opened.desc(), cases.c.id).limit(limit)
    with ledger.database.reading() as connection:
        return tuple(
            RemovedCase(id=row.id, service=row.service, phase=row.phase, opened=row.opened, removed=row.updated)
            for row in connection.execute(gone)
        )


def _of_case(case: ColumnElement[str]) -> ColumnElement[bool]:
    """Checkpoints that a case's steps and receivers keep: their keys end with its id."""
    return and_(
        or_(*(checkpoints.c.key.startswith(kind) for kind in ("answers/", "slack-thread/", "route/"))),
        checkpoints.c.key.endswith(literal("/") + case),
    )


def _overwriting(connection: Connection) -> None:
    """Have SQLite overwrite what is removed: a freed page would keep it readable in the file."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
