"""How many ways of tampering with the store are named, row by row.

    python benchmarks/tampering.py [tries] [seed]

A ledger with a few finished cases is copied, one row of the copy is tampered with, and the copy is verified: offline,
against its anchor. The table says for each kind how often it was tried, and how often the right row was named.
"""

import random
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cases.events import Closed, Deployed, Diagnosed, Drafted, Entry, Event, Joined, Judged, Noted, Proved
from cases.leases import Pause
from cases.pull_request_events import Merged, Proposed
from cases.steps import Notice, PostComment, PushBranch, Receipt, SendNotice
from cases.telemetry import Severity
from config.settings import BudgetSettings
from daemon.clock import ManualClock
from daemon.invariants.verify import offline
from daemon.ledger.adapters import database_of
from daemon.ledger.chain import Link, sealed, stamp
from daemon.ledger.ledger import Ledger, open_ledger
from tests.parts.nouns import NOW, a_change, a_lesson, an_event, an_opened, an_outcome

LEASE = timedelta(minutes=1)
WAY: tuple[type[Event], ...] = (
    Diagnosed, Drafted, Proved, Noted, Proposed, Merged, Deployed, Judged, Closed,
)  # fmt: skip

# Columns that the audit does not vouch for: when something is tried again, and how often it was.
OPERATIONAL = {"effects": {"seq", "attempts", "due"}, "levers": {"seq"}}
TABLES = ("audit", "history", "effects", "lessons", "levers", "spend")
KEYS = {
    "audit": ("seq",), "history": ("case_id", "seq"), "effects": ("key",), "lessons": ("id",), "levers": ("seq",),
    "spend": ("id",),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampered:
    """What was done: its kind in words, and the rows of which one must be named."""

    kind: str
    rows: frozenset[str]


def build(path: Path, anchor: Path, cases: int = 8) -> None:
    """A ledger with that many finished cases, and its anchor."""
    clock = ManualClock(NOW)
    with open_ledger(f"sqlite:///{path}", clock=clock) as ledger:
        ledger.audit.stamp(daemon="here-1", policy="0123456789ab")
        ledger.audit.anchor(anchor)
        ledger.levers.pause(Pause(by="human:sre", reason="a release", since=NOW))
        ledger.levers.resume("human:sre", NOW + timedelta(minutes=3))
        for n in range(cases):
            _case(ledger, clock, f"case{n:04d}")


def _case(ledger: Ledger, clock: ManualClock, name: str) -> None:
    def entry(event: Event) -> Entry:
        clock.advance(timedelta(seconds=20))
        return Entry(at=clock.now(), actor="daemon", event=event)

    born = replace(an_opened(), case_id=name, fingerprint=f"print of {name}")
    ledger.cases.open(entry(born), (_notice(f"{name}-opened", name),), clock.now())
    ledger.cases.add(name, entry(an_event(Joined)), (), None)
    claimed = ledger.cases.claim("one", clock.now(), LEASE)
    if claimed is None:
        raise LookupError(f"{name} cannot be claimed")
    purse = ledger.purse(BudgetSettings(usd_per_day=1000, usd_per_case=100))
    purse.settle(purse.reserve(name, "draft", "a-model", 0.25, prompt="0" * 64), 0.1, 900, 40)
    purse.reserve(name, "draft", "a-model", 0.5, prompt="1" * 64)
    for kind in WAY:
        event = an_event(kind)
        if isinstance(event, Closed):
            event = Closed(outcome=an_outcome(), lesson=replace(a_lesson(), id=f"lesson of {name}", case=name))
        wanted = [PostComment(key=f"{name}-{kind.__name__}", repository="shop", branch="b", body="told you")]
        push = PushBranch(
            key=f"{name}-branch", repository="shop", branch="b", base="0" * 40, edits=a_change().lead.edits, message="m"
        )
        told = (_notice(f"{name}-{kind.__name__}-told", name),)
        effects = (push, *wanted, *told) if kind is Proposed else (*wanted, *told)
        claimed = ledger.cases.commit(claimed, (entry(event),), effects, clock.now())
        for intent in ledger.outbox.pending(name):
            if kind is Merged:
                ledger.outbox.drop(intent.effect.key, "no such pull request")
            else:
                ledger.outbox.receive(Receipt(key=intent.effect.key, adopted=False, facts={"sha": "1" * 40}), claimed)
    for intent in ledger.outbox.notices(clock.now(), limit=5):
        ledger.outbox.receive(Receipt(key=intent.effect.key, adopted=False), None)
    ledger.cases.release(claimed, None)
    ledger.outbox.send((_notice(f"blind-{name}", ""),), clock.now())


def _notice(key: str, case: str) -> SendNotice:
    notice = Notice(key=key, severity=Severity.NOTE, subject="s", text="the text", case=case)
    return SendNotice(key=key, receiver="mail", notice=notice)


# -- what somebody with a SQL shell may do -----------------------------------------------------------------------------


def tamper(connection: sqlite3.Connection, chance: random.Random) -> Tampered:
    """Do one of the things, at random."""
    ways: Sequence[Callable[[sqlite3.Connection, random.Random], Tampered]] = (
        _edit, _edit, _edit, _delete, _delete, _insert, _cut_tail, _smart_edit, _smart_delete, _smart_insert,
    )  # fmt: skip
    return chance.choice(ways)(connection, chance)


def _some(connection: sqlite3.Connection, chance: random.Random, table: str) -> dict[str, Any]:
    rows = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - a constant
    return dict(chance.choice(rows))


def _name(table: str, row: dict[str, Any]) -> str:
    return f"{table} {'/'.join(str(row[column]) for column in KEYS[table])}"


def _where(table: str, row: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    return " AND ".join(f'"{c}" = ?' for c in KEYS[table]), tuple(row[c] for c in KEYS[table])


def _other(value: object, chance: random.Random) -> object:
    """Another value, close to the one that is there."""
    match value:
        case None:
            return chance.choice((1, "x"))
        case bool() | int():
            return value + chance.choice((1, -1, 10_000))
        case float():
            return value * 2 + 0.01
        case str() if value:
            at = chance.randrange(len(value))
            return value[:at] + chance.choice("qz7") + value[at + chance.choice((0, 1)) :] + chance.choice(("", "!"))
        case _:
            return "somebody was here"


def _changed(connection: sqlite3.Connection, chance: random.Random, table: str) -> set[str]:
    """Change one column of one row; how the row was and is called."""
    while True:
        row = dict(chance.choice(connection.execute(f"SELECT rowid AS rowid, * FROM {table}").fetchall()))  # noqa: S608
        column = chance.choice([name for name in row if name != "rowid" and name not in OPERATIONAL.get(table, set())])
        other = _other(row[column], chance)
        try:
            done = connection.execute(f'UPDATE {table} SET "{column}" = ? WHERE rowid = ?', (other, row["rowid"]))  # noqa: S608
        except sqlite3.IntegrityError:
            continue  # a number or a key that another row has
        at = other if (table, column) in {("audit", "seq"), ("levers", "seq")} else row["rowid"]  # the same thing there
        found = connection.execute(f'SELECT "{column}" FROM {table} WHERE rowid = ?', (at,)).fetchone()[0]  # noqa: S608
        if done.rowcount and found != row[column]:
            return {_name(table, row), _name(table, {**row, column: found})}


def _edit(connection: sqlite3.Connection, chance: random.Random) -> Tampered:
    table = chance.choice(TABLES)
    rows = _changed(connection, chance, table)
    return Tampered(kind=f"edit {table}", rows=frozenset(rows))


def _delete(connection: sqlite3.Connection, chance: random.Random) -> Tampered:
    table = chance.choice(TABLES)
    row = _some(connection, chance, table)
    last = table == "audit" and row["seq"] == _last(connection)
    where, keys = _where(table, row)
    connection.execute(f"DELETE FROM {table} WHERE {where}", keys)  # noqa: S608 - constants
    named = {_name(table, row)}
    if table == "levers":
        action = "pause.on" if row["on"] else "pause.off"
        named = {f"audit {seq}" for (seq,) in connection.execute("SELECT seq FROM audit WHERE action = ?", (action,))}
    return Tampered(kind=f"delete {table}{' (its last)' if last else ''}", rows=frozenset(named))


def _insert(connection: sqlite3.Connection, chance: random.Random) -> Tampered:
    """A row more, made from one that is there; a line of the audit with the hash of another."""
    table = chance.choice(TABLES)
    row = _some(connection, chance, table)
    for key in KEYS[table]:
        if key != "case_id":
            row[key] = row[key] + 10_000 if isinstance(row[key], int) and table != "audit" else row[key]
            row[key] = f"{row[key]}-more" if isinstance(row[key], str) else row[key]
    if table == "audit":
        row["seq"] = _last(connection) + 1
    if table == "effects":
        del row["seq"]
    _add(connection, table, row)
    return Tampered(kind=f"insert {table}", rows=frozenset({_name(table, row)}))


def _cut_tail(connection: sqlite3.Connection, chance: random.Random) -> Tampered:
    first = _last(connection) - chance.randrange(30)
    connection.execute("DELETE FROM audit WHERE seq >= ?", (first,))
    return Tampered(kind="cut the tail off", rows=frozenset({f"audit {first}"}))


def _smart_edit(connection: sqlite3.Connection, chance: random.Random) -> Tampered:
    """A line edited, and every hash from it on computed anew."""
    row = _some(connection, chance, "audit")
    column = chance.choice(("at", "actor", "action", "detail"))
    other = row[column]
    while other == row[column]:
        other = _other(row[column], chance)
    connection.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (other, row["seq"]))  # noqa: S608
    _seal_anew(connection, row["seq"])
    return Tampered(kind="edit audit, hashes anew", rows=_anchored_from(row["seq"]))


def _smart_delete(connection: sqlite3.Connection, chance: random.Random) -> Tampered:
    """A line dropped, the later ones numbered anew, and every hash computed anew."""
    row = _some(connection, chance, "audit")
    connection.execute("DELETE FROM audit WHERE seq = ?", (row["seq"],))
    for (seq,) in connection.execute("SELECT seq FROM audit WHERE seq > ? ORDER BY seq", (row["seq"],)).fetchall():
        connection.execute("UPDATE audit SET seq = ? WHERE seq = ?", (seq - 1, seq))
    _seal_anew(connection, row["seq"])
    return Tampered(kind="delete audit, all after it anew", rows=_anchored_from(row["seq"]))


def _smart_insert(connection: sqlite3.Connection, chance: random.Random) -> Tampered:
    """A line that is like another is put between two, and all after it numbered and sealed anew."""
    row = _some(connection, chance, "audit")
    later = connection.execute("SELECT seq FROM audit WHERE seq >= ? ORDER BY seq DESC", (row["seq"],)).fetchall()
    for (seq,) in later:
        connection.execute("UPDATE audit SET seq = ? WHERE seq = ?", (seq + 1, seq))
    _add(connection, "audit", row)
    _seal_anew(connection, row["seq"])
    # the line at its own place is as it was, to the last byte: what was put in stands behind it
    return Tampered(kind="insert audit, all after it anew", rows=_anchored_from(row["seq"] + 1))


def _add(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - constants


def _last(connection: sqlite3.Connection) -> int:
    last: int = connection.execute("SELECT max(seq) FROM audit").fetchone()[0]
    return last


def _seal_anew(connection: sqlite3.Connection, first: int) -> None:
    found = connection.execute("SELECT hash FROM audit WHERE seq = ?", (first - 1,)).fetchone()
    previous: str = found[0] if found else ""
    for row in connection.execute("SELECT * FROM audit WHERE seq >= ? ORDER BY seq", (first,)).fetchall():
        link = Link(
            row["seq"], stamp(row["at"]), row["actor"], row["action"], row["case_id"], row["parent"], row["detail"]
        )
        previous = sealed(previous, link)
        connection.execute("UPDATE audit SET hash = ? WHERE seq = ?", (previous, row["seq"]))


ANCHORED: list[int] = []  # the numbers that the anchor has


def _anchored_from(first: int) -> frozenset[str]:
    """The first anchored line that cannot fit any more: it stands at the end of the same transaction."""
    return frozenset({f"audit {next(seq for seq in (*ANCHORED, first) if seq >= first)}"})


# -- the trial ---------------------------------------------------------------------------------------------------------


def trial(folder: Path, tries: int, seed: int, cases: int = 8) -> tuple[Counter[str], Counter[str], list[str]]:
    """Tamper that often: how often each kind was tried, how often the right row was named, and what was not."""
    path, anchor = folder / "ledger.db", folder / "audit.anchor"
    build(path, anchor, cases)
    ANCHORED[:] = [int(line.split()[0]) for line in anchor.read_text().splitlines()]
    chance, tried, named, missed = random.Random(seed), Counter[str](), Counter[str](), list[str]()  # noqa: S311
    with sqlite3.connect(path) as whole:
        whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole.close()
    copy = folder / "copy.db"
    for n in range(tries):
        copy.write_bytes(path.read_bytes())
        connection = sqlite3.connect(copy)
        connection.row_factory = sqlite3.Row
        with connection:
            did = tamper(connection, chance)
        connection.close()
        database = database_of(f"sqlite:///{copy}", busy=LEASE)
        found = {finding.row for finding in offline(database, (anchor,))}
        database.close()
        tried[did.kind] += 1
        if found & did.rows:
            named[did.kind] += 1
        else:
            missed.append(f"try {n}: {did.kind}: {sorted(did.rows)} was to be named, and {sorted(found)[:5]} was")
    return tried, named, missed


def main() -> None:
    """Print the table."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        tried, named, missed = trial(Path(folder), tries, seed)
    print(f"{'kind':<36} tried named")
    for kind in sorted(tried):
        print(f"{kind:<36} {tried[kind]:>5} {named[kind]:>5}")
    print(f"{'all':<36} {tried.total():>5} {named.total():>5}", *missed, sep="\n")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
