"""The history of cases, row by row: all that a case is."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select

from cases.case import Case
from cases.errors import IllegalStep, PermanentError
from cases.events import Entry, Joined, Opened
from cases.lifecycle import replay
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.chain import digest, stamp
from daemon.ledger.codec import EVENTS
from daemon.ledger.tables import cases, history, storable


def append(connection: Connection, case_id: str, version: int, entries: Sequence[Entry]) -> int | None:
    """Add the entries after the first `version`, each with its line in the audit; the number of the last line.

    An anomaly has a line of its own before that of the entry which it brought about.
    """
    last: int | None = None
    for seq, entry in enumerate(entries, start=version + 1):
        packed = EVENTS.pack(entry.event)
        row = {"at": entry.at, "actor": storable(entry.actor), "kind": packed.kind, "payload": packed.payload}
        connection.execute(insert(history).values(case_id=case_id, seq=seq, **row))
        line = AuditEntry(
            at=entry.at,
            actor=entry.actor,
            action=f"case.{packed.kind}",
            case=case_id,
            parent=_seen(connection, case_id, entry),
            detail={"entry": str(seq), "sha": digest(case_id=storable(case_id), seq=seq, **row)},
        )
        last = audit.append(connection, line)
    return last


def _seen(connection: Connection, case_id: str, entry: Entry) -> int | None:
    """The line of the anomaly that an entry tells of; None for any other entry, which follows its case's newest."""
    if not isinstance(entry.event, Opened | Joined):
        return None
    anomaly = entry.event.anomaly
    detail = {
        "signal": anomaly.signal.key,
        "fingerprint": anomaly.fingerprint,
        "value": repr(float(anomaly.value)),
        "expected": repr(float(anomaly.expected)),
        "detected": stamp(anomaly.detected),
    }
    return audit.append(
        connection, AuditEntry(at=entry.at, actor=entry.actor, action=audit.ANOMALY, case=case_id, detail=detail)
    )


def rebuild(connection: Connection, condition: ColumnElement[bool], *, newest_first: bool = False) -> tuple[Case, ...]:
    """Every case whose row meets the condition, rebuilt from its history, by the time it was opened."""
    order = (cases.c.opened.desc(), cases.c.id.desc()) if newest_first else (cases.c.opened, cases.c.id)
    rows = connection.execute(
        select(history).join(cases, cases.c.id == history.c.case_id).where(condition).order_by(*order, history.c.seq)
    )
    entries = ((row.case_id, _entry(row.case_id, row)) for row in rows)
    return tuple(
        _replayed(case_id, (entry for _, entry in grouped))
        for case_id, grouped in groupby(entries, lambda pair: pair[0])
    )


def _entry(case_id: str, row: Row[Any]) -> Entry:
    where = f"entry {row.seq} of case {case_id}"
    return Entry(at=row.at, actor=row.actor, event=EVENTS.unpack(row.kind, row.payload, where))


def _replayed(case_id: str, entries: Iterable[Entry]) -> Case:
    try:
        return replay(entries)
    except IllegalStep as error:
        raise PermanentError(
            f"the history of case {case_id} cannot have happened: {error}; restore a backup"
        ) from error
