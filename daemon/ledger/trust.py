"""Marks: what outcomes say of the daemon's right to act, written in the transaction that writes the outcome."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from cases.case import Case
from cases.events import Entry, Harmed, Judged, Killed, Overridden, Proved, Rejected
from cases.pull_request_events import ClosedUnmerged, Merged, Proposed
from cases.telemetry import Severity
from cases.trust import Book, Mark, blames, marks_of
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.chain import digest, stamp
from daemon.ledger.codec import MARKS
from daemon.ledger.database import Database
from daemon.ledger.tables import marks, storable

MARKED = "trust.marked"
LEAVE_MARKS = (ClosedUnmerged, Harmed, Judged, Killed, Merged, Overridden, Proposed, Rejected)


class LedgerTrust:
    """The marks of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def marks(self, kind: str = "") -> tuple[Mark, ...]:
        """Every mark, of one action class where one is given, by the moment from which it counts."""
        query = select(marks).order_by(marks.c.at, marks.c.id)
        if kind:
            query = query.where(marks.c.kind == kind)
        with self._database.reading() as connection:
            return tuple(map(_mark, connection.execute(query)))

    def report(self, case: Case, number: int, entry: Entry, because: str) -> bool:
        """A human says that a merged change had a severe outcome. False when it has no merge of ours to mark."""
        with self._database.writing() as connection:
            query = select(marks).where(marks.c.id == f"{case.id}-{number}-{Book.SAFETY}")
            row = connection.execute(query).first()
            if row is None:
                return False
            found = replace(_mark(row), good=False, severe=True, at=entry.at, because=because, by=entry.actor)
            _put(connection, found, entry, linked=f"told by {entry.actor}")
            return True


def settle(connection: Connection, case: Case, entries: Sequence[Entry]) -> None:
    """Write what the entries, which the case holds already, say of its own marks and of the merge that they blame."""
    if any(isinstance(entry.event, LEAVE_MARKS) for entry in entries):
        _own(connection, case, entries[-1])
    for entry in entries:
        if isinstance(entry.event, Merged | Proved) and (sha := blames(case, entry)):
            _link(connection, case, entry, sha)


def _own(connection: Connection, case: Case, last: Entry) -> None:
    """The marks of the case as its whole history has them, in the place of those that it had."""
    rows = connection.execute(select(marks).where(marks.c.case_id == storable(case.id))).all()
    had = {row.id: row for row in rows}
    linked = {row.id for row in rows if row.linked}
    wanted = {mark.id: mark for mark in marks_of(case)}
    for gone in had.keys() - wanted.keys() - linked:
        connection.execute(delete(marks).where(marks.c.id == gone))
        _told(connection, _mark(had[gone]), last, "taken back")
    for mark_id, mark in wanted.items():
        if mark_id in linked or (mark_id in had and had[mark_id].payload == MARKS.pack(mark).payload):
            continue
        _put(connection, mark, last)


def _link(connection: Connection, case: Case, entry: Entry, sha: str) -> None:
    """An incident was traced to a merge of ours that had not been quiet for long enough: bad at once."""
    rows = connection.execute(select(marks).where(marks.c.sha == sha, marks.c.case_id != case.id)).all()
    for row in rows:
        mark = _mark(row)
        if mark.book is not Book.SAFETY or mark.at < case.opened or row.linked:
            continue
        severe = case.anomaly.signal.severity is Severity.PAGE
        because = f"case {case.id} of {case.service} was traced to it"
        _put(connection, replace(mark, good=False, severe=severe, at=entry.at, because=because), entry, case.id)


def _put(connection: Connection, mark: Mark, entry: Entry, linked: str = "") -> None:
    packed = MARKS.pack(mark)
    area = mark.area
    connection.execute(delete(marks).where(marks.c.id == mark.id))
    row = {
        "id": mark.id,
        "case_id": mark.case,
        "at": mark.at,
        "repository": area.repository,
        "service": area.service,
        "kind": area.kind,
        "risk": area.risk.value,
        "sha": mark.sha,
        "linked": linked,
        "payload": packed.payload,
    }
    connection.execute(insert(marks).values(row))
    _told(connection, mark, entry, "good" if mark.good else "severe" if mark.severe else "bad")


def _told(connection: Connection, mark: Mark, entry: Entry, how: str) -> None:
    detail = {"mark": mark.id, "area": str(mark.area), "how": how, "from": stamp(mark.at)}
    detail["sha"] = digest(payload=MARKS.pack(mark).payload)
    line = AuditEntry(at=entry.at, actor=entry.actor, action=MARKED, case=mark.case, detail=detail)
    audit.append(connection, line)


def _mark(row: Row[Any]) -> Mark:
    return MARKS.unpack(Mark.__name__, row.payload, f"mark {row.id}")
