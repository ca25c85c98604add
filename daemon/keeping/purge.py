"""Purge: the same removal by hand, by age or by a text that must not be kept; first as a list of what would go."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, exists, func, or_, select

from cases.moments import iso
from daemon.keeping.removal import Remover, ended, last_removable, settled
from daemon.keeping.retention import in_batches
from daemon.ledger.claims import CLOSED
from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import audit, cases, effects, history, lessons


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to go: which kinds of rows, older than a moment, and only those that hold a text where one is given."""

    before: datetime
    effects: bool
    cases: bool
    audit: bool
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A case whose history goes, with all that belonged to it."""

    id: str
    service: str
    opened: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What goes, and what holds the text and stays nevertheless, with the reason."""

    cases: tuple[Chosen, ...]
    effects: int
    audit: int
    stays: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def planned(ledger: Ledger, wanted: Wanted) -> Plan:
    """What `purged` would remove now. Changes nothing."""
    with ledger.database.reading() as connection:
        return Plan(
            cases=_chosen(connection, wanted) if wanted.cases else (),
            effects=_count(connection, effects, _effects(wanted)) if wanted.effects else 0,
            audit=_lines(connection, wanted) if _cuts(wanted) else 0,
            stays=_stays(connection, wanted) if wanted.subject else (),
        )


def purged(ledger: Ledger, wanted: Wanted, remover: Remover) -> Plan:
    """Remove it, a batch a transaction; what was planned to go. Others may work meanwhile."""
    plan = planned(ledger, wanted)
    before = wanted.before
    if wanted.cases:
        in_batches(ledger, lambda c: remover.histories(c, _cases(wanted)))
    if wanted.effects:
        in_batches(ledger, lambda c: remover.effects(c, _effects(wanted), before))
    if _cuts(wanted):
        in_batches(ledger, lambda c: remover.head_of_audit(c, before))
    ledger.database.trim()
    return plan


def _cuts(wanted: Wanted) -> bool:
    """Whether the audit's head is cut: by age alone, for no line can be taken from its middle."""
    return wanted.audit and not wanted.subject


def _cases(wanted: Wanted) -> ColumnElement[bool]:
    old = ended(wanted.before)
    return and_(old, _told_of_case(wanted.subject)) if wanted.subject else old


def _effects(wanted: Wanted) -> ColumnElement[bool]:
    old = settled(wanted.before)
    return and_(old, _in_effect(wanted.subject)) if wanted.subject else old


def _told_of_case(subject: str) -> ColumnElement[bool]:
    return or_(
        exists().where(history.c.case_id == cases.c.id, _holds(subject, history.c.payload, history.c.actor)),
        exists().where(effects.c.case_id == cases.c.id, _in_effect(subject)),
    )


def _in_effect(subject: str) -> ColumnElement[bool]:
    return _holds(subject, effects.c.payload, effects.c.receipt, effects.c.last_error)


def _holds(subject: str, *columns: Column[Any]) -> ColumnElement[bool]:
    """Whether a column holds the text, as it is or as JSON writes it; upper case and lower case are the same."""
    forms = {subject, *(json.dumps(subject, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))}
    return or_(*(column.icontains(form, autoescape=True) for column in columns for form in sorted(forms)))


def _chosen(connection: Connection, wanted: Wanted) -> tuple[Chosen, ...]:
    rows = connection.execute(select(cases).where(_cases(wanted)).order_by(cases.c.opened, cases.c.id))
    return tuple(Chosen(id=row.id, service=row.service, opened=iso(row.opened)) for row in rows)


def _lines(connection: Connection, wanted: Wanted) -> int:
    upto = last_removable(connection, wanted.before)
    return 0 if upto is None else _count(connection, audit, audit.c.seq <= upto)


def _stays(connection: Connection, wanted: Wanted) -> tuple[str, ...]:
    subject = wanted.subject
    kept = select(cases).where(cases.c.version > 0, ~ended(wanted.before), _told_of_case(subject))
    held = [
        f"case {row.id}: it is {row.phase if row.phase != CLOSED else 'closed, and younger or owes an effect'}"
        for row in connection.execute(kept.order_by(cases.c.opened, cases.c.id))
    ]
    taught = select(lessons.c.id).where(_holds(subject, lessons.c.payload)).order_by(lessons.c.id)
    held += [f"lesson {name}: lessons are never removed" for name in connection.execute(taught).scalars()]
    lines = _count(connection, audit, _holds(subject, audit.c.detail, audit.c.actor))
    if lines:
        held.append(f"{lines} lines of the audit: they go with its head only, when they are old (--audit)")
    return tuple(held)


def _count(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    found: int = connection.execute(select(func.count()).select_from(table).where(which)).scalar_one()
    return found
