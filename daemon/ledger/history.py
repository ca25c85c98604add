"""The history of cases, row by row: all that a case is."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from threading import Lock

from sqlalchemy import ColumnElement, Connection, bindparam, select

from cases.case import Case
from cases.errors import IllegalStep, PermanentError
from cases.events import Entry, Joined, Opened, Traced
from cases.lifecycle import advance, replay
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.chain import digest, stamp
from daemon.ledger.codec import EVENTS
from daemon.ledger.ready import Ready, adding, ask, later
from daemon.ledger.tables import cases, history, storable

REMEMBERED_ENTRIES, REMEMBERED_CASES = 2048, 256
_seen_last: dict[str, Case] = {}
_remembering = Lock()

_ADD = adding(history)
_ENTRIES = select(history.c.case_id, history.c.seq, history.c.at, history.c.actor, history.c.kind, history.c.payload)
_OF_ONE = Ready(_ENTRIES.where(history.c.case_id == bindparam("case")).order_by(history.c.seq))


def append(connection: Connection, case_id: str, version: int, entries: Sequence[Entry]) -> int | None:
    """Add the entries after the first `version`, each with its line in the audit; the number of the last line.

    An anomaly has a line of its own before that of the entry which it brought about.
    """
    last: int | None = None
    for seq, entry in enumerate(entries, start=version + 1):
        packed = EVENTS.pack(entry.event)
        row = {"at": entry.at, "actor": storable(entry.actor), "kind": packed.kind, "payload": packed.payload}
        later(connection, _ADD(case_id=case_id, seq=seq, **row))
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
    if not isinstance(entry.event, Opened | Joined | Traced):
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


def rebuild(
    connection: Connection,
    condition: ColumnElement[bool],
    *,
    newest_first: bool = False,
    unreadable: Callable[[str, PermanentError], object] | None = None,
) -> tuple[Case, ...]:
    """Every case whose row meets the condition, rebuilt from its history, by the time it was opened.

    One whose history cannot be read is handed to `unreadable` and left out; without that, PermanentError.
    """
    order = (cases.c.opened.desc(), cases.c.id.desc()) if newest_first else (cases.c.opened, cases.c.id)
    rows = connection.execute(
        _ENTRIES.join(cases, cases.c.id == history.c.case_id).where(condition).order_by(*order, history.c.seq)
    )
    found: list[Case] = []
    for case_id, of_case in groupby(rows, lambda row: row.case_id):
        try:
            found.append(_replayed(case_id, [_entry(*row) for row in of_case]))
        except PermanentError as error:
            if unreadable is None:
                raise
            unreadable(case_id, error)
    return tuple(found)


def of(connection: Connection, case_id: str) -> Case | None:
    """One case, rebuilt; None when it has no history."""
    (rows,) = ask(connection, _OF_ONE(case=case_id))
    return _replayed(case_id, [_entry(*row) for row in rows]) if rows else None


@lru_cache(maxsize=REMEMBERED_ENTRIES)
def _entry(case_id: str, seq: int, at: datetime, actor: str, kind: str, payload: str) -> Entry:
    return Entry(at=at, actor=actor, event=EVENTS.unpack(kind, payload, f"entry {seq} of case {case_id}"))


def _replayed(case_id: str, entries: Sequence[Entry]) -> Case:
    """The case after these entries, from where it was when it was asked for last, as active ones are all the time.

    Rows decide what an entry is, and entries what a case is: nothing is taken from memory that the rows do not say.
    """
    before = _seen_last.get(case_id)
    try:
        if before is not None and _begins(entries, before.history):
            case = before
            for entry in entries[len(before.history) :]:
                case = advance(case, entry)
        else:
            case = replay(entries)
    except IllegalStep as error:
        raise PermanentError(
            f"the history of case {case_id} cannot have happened: {error}; restore a backup"
        ) from error
    with _remembering:
        _seen_last.pop(case_id, None)
        _seen_last[case_id] = case
        if len(_seen_last) > REMEMBERED_CASES:
            _seen_last.pop(next(iter(_seen_last)))
    return case


def _begins(entries: Sequence[Entry], with_those: Sequence[Entry]) -> bool:
    """Whether they are the very same objects: equal ones would take as long to compare as to replay."""
    return len(entries) >= len(with_those) and all(
        one is other for one, other in zip(entries, with_those, strict=False)
    )
