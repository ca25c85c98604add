"""The audit: who did what and when, and from what it followed. Rows are added, never changed.

Each line is sealed over the one before it (see `daemon.ledger.chain`), and has a parent: the line that it follows
from. Only what comes from outside has none: a signal, a human's word, the daemon's own life. So from any line one
walks up to why it was done.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, Transaction, bindparam, event, func, select
from sqlalchemy.pool import ConnectionPoolEntry

from daemon.ledger.anchor import Anchored, AnchorFile
from daemon.ledger.chain import BEFORE_THE_CHAIN, START, Link, packed, sealed, stamp
from daemon.ledger.database import Database, alone_asks
from daemon.ledger.ready import Asked, Ready, Rows, adding, ask, later
from daemon.ledger.tables import audit, storable

DAEMON = "daemon"  # the actor of what the daemon does by itself
ANOMALY = "signal.anomaly"
ROOTS = ("signal.", "daemon.", "job.", "pause.", "lever.", "audit.", "retention.", "lesson.taken-in")
"""Lines that may follow from nothing, by the beginning of their action."""

_BOOK, _PAGE, _DUE = "audit.book", "audit.page", "audit.due"  # in a connection's own notes
_same = audit.alias("same")
_of_case = select(func.max(_same.c.seq)).where(_same.c.case_id == bindparam("case"))
_newest = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_OF_CASE = Ready(_of_case)
_NEWEST = Ready(_newest)
_BOTH = Ready(_newest.add_columns(_of_case.scalar_subquery()))
_ADD = adding(audit)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit.

    action   `signal.anomaly`; `case.Opened` and the other events; `effect.promised`, `.done`, `.adopted`, `.dropped`;
             `lesson.learnt`, `.taken-in`; `authority.checked`; `trust.marked`; `model.reserved`, `.settled`,
             `.refused`; `sandbox.run`, `.ended`, `.prepare`, `.prepared`; `pause.on`, `.off`; `daemon.…`; `job.…`;
             `retention.…`
    case     "" for what belongs to no case
    parent   the `seq` of the entry that this one follows from. None: the newest one of its case, if it has one
    detail   a few words by name: keys, sequence numbers, reasons, digests; never what a case holds
    seq      given by the ledger; 0 before that
    hash     the same; it seals this line and all before it
    """

    at: datetime
    actor: str
    action: str
    case: str = ""
    parent: int | None = None
    detail: Mapping[str, str] = field(default_factory=dict[str, str])
    seq: int = 0
    hash: str = field(default="", compare=False)


@dataclass(slots=True)
class _Book:
    """What one open ledger adds to its lines, and where it anchors them."""

    stamp: dict[str, str] = field(default_factory=dict[str, str])
    anchor: AnchorFile | None = None


@dataclass(slots=True, kw_only=True)
class _Page:
    """The end of the chain as one transaction sees it: nobody else adds to it until that ends."""

    transaction: Transaction
    seq: int
    hash: str
    cases: dict[str, int | None] = field(default_factory=dict[str, int | None])  # the newest line of each case
    written: bool = False


class Audit:
    """The audit as others see it: they may add, and read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._book: _Book | None = None

    def append(self, entry: AuditEntry) -> int:
        """Add a line; its number."""
        with self._database.writing() as connection:
            return append(connection, entry)

    def stamp(self, *, daemon: str, policy: str) -> None:
        """From now on every line says which daemon wrote it, and under which policy (a digest)."""
        self._opened().stamp = {"daemon": daemon, "policy": policy}

    def anchor(self, path: Path) -> None:
        """From now on the hash of each commit's last line is kept in that file too: see `daemon.ledger.anchor`."""
        self._opened().anchor = AnchorFile(path)

    def listed(self, case: str | None = None, after: int = 0, limit: int = 1000) -> tuple[AuditEntry, ...]:
        """The lines after number `after`, oldest first; of one case where one is given."""
        query = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
        if case is not None:
            query = query.where(audit.c.case_id == case)
        return self._read(query)

    def since(self, moment: datetime, action: str, limit: int = 1000) -> tuple[AuditEntry, ...]:
        """The lines of an action after a moment, oldest first."""
        return self._read(
            select(audit).where(audit.c.at > moment, audit.c.action == action).order_by(audit.c.seq).limit(limit)
        )

    def _read(self, query: Select[Any]) -> tuple[AuditEntry, ...]:
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
                    hash=row.hash,
                )
                for row in connection.execute(query)
            )

    def _opened(self) -> _Book:
        """The book, which every connection of this ledger carries from the first call on."""
        if self._book is None:
            book = self._book = _Book()
            engine = self._database.writer

            def begun(connection: Connection) -> None:
                connection.info[_BOOK] = book

            event.listen(engine, "begin", begun)
            event.listen(engine, "commit", _committing)
            event.listen(engine, "rollback", _taken_back)
            event.listen(engine, "checkin", _returned)
        return self._book


def append(connection: Connection, entry: AuditEntry) -> int:
    """Add a line within a transaction that does more; its number.

    Whoever locks a case's row does so before: from here to the end of the transaction nobody else can add a line.
    """
    parent = entry.parent
    if parent is None and entry.case and entry.action != ANOMALY:
        parent = newest(connection, entry.case)
    page = _page(connection)
    book: _Book | None = connection.info.get(_BOOK)
    detail = {**entry.detail, **book.stamp} if book else entry.detail
    link = Link(
        seq=page.seq + 1,
        at=stamp(entry.at),
        actor=storable(entry.actor),
        action=storable(entry.action),
        case=storable(entry.case) or None,
        parent=parent,
        detail=packed(detail),
    )
    _write(connection, page, link, entry.at)
    return link.seq


def newest(connection: Connection, case: str) -> int | None:
    """The number of the newest line of a case, those of this transaction too; None when it has none."""
    page = _page(connection, case)
    if case not in page.cases:
        page.cases[case] = ask(connection, _OF_CASE(case=case))[0][0][0]
    return page.cases[case]


def _write(connection: Connection, page: _Page, link: Link, at: datetime) -> None:
    hashed = sealed(page.hash, link)
    row = {**link._asdict(), "case_id": link.case, "at": at, "hash": hashed}
    del row["case"]
    later(connection, Asked(_ADD, row))
    page.seq, page.hash, page.written = link.seq, hashed, True
    if link.case is not None:
        page.cases[link.case] = link.seq


def ahead(connection: Connection, case: str, *asked: Asked) -> list[Rows]:
    """The answers to these, and in the same trip what the next line of that case will need.

    Whoever locks the case's row asks for that here.
    """
    _, answers = _turned(connection, case, *asked)
    return answers


def _page(connection: Connection, case: str = "") -> _Page:
    """The end of the chain: read once a transaction, under the lock that all its writers share."""
    return _turned(connection, case)[0]


def _turned(connection: Connection, case: str, *asked: Asked) -> tuple[_Page, list[Rows]]:
    """The page, and the answers to what is asked before it; where it is read, so is the case's newest line."""
    transaction = connection.get_transaction()
    if transaction is None or connection.in_nested_transaction():
        raise RuntimeError("a line of the audit is written in a whole transaction: not outside one, nor in a savepoint")
    notes = connection.info
    page: _Page | None = notes.get(_PAGE)
    if page is not None and page.transaction is transaction:
        return page, ask(connection, *asked) if asked else []
    *answers, found = ask(connection, *asked, *alone_asks(connection), _BOTH(case=case) if case else _NEWEST())
    seq, hashed, *of_case = found[0] if found else (0, START, None)
    page = notes[_PAGE] = _Page(transaction=transaction, seq=seq, hash=hashed)
    if case:
        page.cases[case] = of_case[0]
    if found and not hashed:
        _seal(connection, page)
    return page, answers[: len(asked)]


def _seal(connection: Connection, page: _Page) -> None:
    """Seal the lines from before lines had hashes: the next one follows the hash that the last of them would have."""
    rows = connection.execute(select(audit).order_by(audit.c.seq))
    count, at = 0, None
    for row in rows:
        page.hash, at, count = sealed(page.hash, link_of(row)), row.at, count + 1
    if at is not None:
        detail = packed({"upto": str(page.seq), "lines": str(count)})
        link = Link(page.seq + 1, stamp(at), DAEMON, BEFORE_THE_CHAIN, None, None, detail)
        _write(connection, page, link, at)


def link_of(row: Any) -> Link:  # noqa: ANN401 - a row of the table
    """A stored line as the chain takes it."""
    return Link(row.seq, stamp(row.at), row.actor, row.action, row.case_id, row.parent, row.detail)


def _committing(connection: Connection) -> None:
    """Note what is to be anchored once the commit is through."""
    book: _Book | None = connection.info.get(_BOOK)
    page: _Page | None = connection.info.pop(_PAGE, None)
    if book and book.anchor and page and page.written and page.transaction is connection.get_transaction():
        connection.info[_DUE] = (book.anchor, Anchored(seq=page.seq, hash=page.hash))


def _taken_back(connection: Connection) -> None:
    """A transaction that failed, if only in its commit, is not anchored; nor is one whose connection broke in it."""
    if not connection.invalidated:
        connection.info.pop(_DUE, None)
        connection.info.pop(_PAGE, None)


def _returned(connection: object, entry: ConnectionPoolEntry) -> None:
    """The connection is given back after its transaction: what it committed can be anchored."""
    due: tuple[AnchorFile, Anchored] | None = entry.info.pop(_DUE, None)
    if due is not None and connection is not None:
        due[0].add(due[1])
