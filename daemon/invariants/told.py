"""What the ledger holds, read at one moment and as it is: hashes of rows, never their content.

Nothing here trusts the database: a time may be no time and a number no number, once somebody wrote into it by hand.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Column, Connection, Row, Select, Table, Text, select, type_coerce

from daemon.ledger.chain import Link, digest, stamp
from daemon.ledger.database import Database
from daemon.ledger.tables import Moment, audit, cases, effects, history, lessons, levers, spend

CUT, PURGED, RESTORED = "retention.cut", "retention.purged", "daemon.restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A stored line of the audit, with its details taken apart (none where they do not read)."""

    link: Link
    hash: str
    detail: Mapping[str, str]

    @property
    def row(self) -> str:
        """How a finding names it."""
        return f"audit {self.link.seq}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A row of another table: how a finding names it, the digest of what never changes of it, and its columns.

    Columns with content (payloads, receipts) are left out, or stand as a digest.
    """

    name: str
    sha: str
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that the chain and its rows are verified by, as of one moment."""

    lines: tuple[Line, ...]
    history: tuple[Held, ...] = ()
    effects: tuple[Held, ...] = ()
    lessons: tuple[Held, ...] = ()
    levers: tuple[Held, ...] = ()
    spend: tuple[Held, ...] = ()
    cases: tuple[Held, ...] = ()
    by_seq: Mapping[int, Line] = field(default_factory=dict[int, Line])

    def actions(self, *begin: str) -> Iterator[Line]:
        """The lines whose action begins with one of these."""
        return (line for line in self.lines if line.link.action.startswith(begin))


def told(database: Database) -> Told:
    """Read it in one transaction."""
    with database.reading() as connection:
        lines = tuple(line_of(row) for row in connection.execute(_raw(audit).order_by(audit.c.seq)))
        return Told(
            lines=lines,
            by_seq={line.link.seq: line for line in lines},
            history=tuple(map(_entry, _rows(connection, history))),
            effects=tuple(map(_effect, _rows(connection, effects))),
            lessons=tuple(map(_lesson, _rows(connection, lessons))),
            levers=tuple(_held(levers, row, str(row.seq)) for row in _rows(connection, levers)),
            spend=tuple(map(_spent, _rows(connection, spend))),
            cases=tuple(_held(cases, row, row.id) for row in _rows(connection, cases)),
        )


def audit_lines(database: Database) -> tuple[Line, ...]:
    """The lines of the audit alone."""
    with database.reading() as connection:
        return tuple(line_of(row) for row in connection.execute(_raw(audit).order_by(audit.c.seq)))


def line_of(row: Any) -> Line:  # noqa: ANN401 - a row of the table
    """A line of the table as it is."""
    link = Link(row.seq, stamp(row.at), row.actor, row.action, row.case_id, row.parent, row.detail)
    return Line(link=link, hash=str(row.hash), detail=details(row.detail))


def details(text: object) -> Mapping[str, str]:
    """What a line's details say."""
    try:
        found: Any = json.loads(str(text))
    except ValueError:
        return {}
    named = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return {name: str(value) for name, value in named.items()}


def number(text: object) -> float | str:
    """A number out of the database or of a line's details; what is none as it is."""
    try:
        return float(str(text))
    except ValueError:
        return str(text)


def _raw(table: Table) -> "Select[*tuple[Any, ...]]":
    """Every column; times as the driver gives them, since what is no time could not be read otherwise."""
    return select(*(_plain(column) for column in table.c))


def _plain(column: Column[Any]) -> Any:  # noqa: ANN401 - a column or an expression
    return type_coerce(column, Text).label(column.name) if isinstance(column.type, Moment) else column


def _rows(connection: Connection, table: Table) -> Iterator[Row[Any]]:
    found = connection.execution_options(yield_per=200).execute(_raw(table).order_by(*table.primary_key.columns))
    return iter(found)


def _held(table: Table, row: Row[Any], key: str, sha: str = "", without: tuple[str, ...] = ()) -> Held:
    names = [column.name for column in table.c]
    columns = {name: value for name, value in zip(names, row, strict=True) if name not in without}
    return Held(name=f"{table.name} {key}", sha=sha, columns=columns)


def _entry(row: Row[Any]) -> Held:
    sha = digest(
        case_id=row.case_id, seq=row.seq, at=stamp(row.at), actor=row.actor, kind=row.kind, payload=row.payload
    )
    return _held(history, row, f"{row.case_id}/{row.seq}", sha, ("payload",))


def _effect(row: Row[Any]) -> Held:
    sha = digest(key=row.key, case_id=row.case_id, kind=row.kind, payload=row.payload)
    held = _held(effects, row, row.key, sha, ("payload", "receipt"))
    receipt = None if row.receipt is None else digest(receipt=row.receipt)
    return Held(name=held.name, sha=sha, columns={**held.columns, "receipt": receipt})


def _lesson(row: Row[Any]) -> Held:
    words = {"id": row.id, "fingerprint": row.fingerprint, "service": row.service}
    sha = digest(**words, at=stamp(row.at), case_id=row.case_id, payload=row.payload)
    return _held(lessons, row, row.id, sha, ("payload",))


def _spent(row: Row[Any]) -> Held:
    reserved = number(row.reserved)
    words = {"id": row.id, "case_id": row.case_id, "purpose": row.purpose, "model": row.model}
    return _held(spend, row, row.id, digest(**words, at=stamp(row.at), reserved=reserved))
