"""A ledger of every older schema, with open cases in it: it is brought up to date, and none of them is stranded.

The files below tests/data/ledgers are dumps that those versions wrote themselves: three open cases (one due, one whose
holder died, one that waits for a merge and owes a comment), and a closed one with its lesson.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import MetaData, Table, select
from sqlalchemy.types import DateTime

from cases.case import Phase
from cases.events import Diagnosed, Proved
from daemon.clock import ManualClock
from daemon.ledger import schema
from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import Moment
from tests.parts.nouns import NOW
from tests.parts.steps import LATER, LEASE, did
from tests.parts.stores import Place, in_file

DUMPS = Path(__file__).parents[2] / "data" / "ledgers"
VERSIONS = sorted(path.stem for path in DUMPS.glob("*.sql"))
SOON = NOW + LEASE


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def upgraded(old: str, nowhere: Place, tmp_path: Path) -> Iterator[Ledger]:
    """That version's ledger, opened by this one."""
    dumped = tmp_path / "dumped.db" if nowhere.kind == "postgres" else Path(nowhere.url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(dumped)) as file:
        file.executescript((DUMPS / f"{old}.sql").read_text())
    if nowhere.kind == "postgres":
        copied(in_file(dumped), nowhere, old)
    with nowhere.opened(clock=ManualClock(SOON)) as ledger:
        yield ledger


def copied(source: Place, target: Place, old: str) -> None:
    """The same rows in a schema of that version on the server."""
    file, server = source.database(), target.database()
    with file.reading() as reading, server.writing() as writing:
        command.upgrade(schema.alembic_config(writing), old)
        theirs = MetaData()
        theirs.reflect(writing)
        for table in theirs.sorted_tables:
            if table.name == schema.ALEMBIC:
                continue
            rows = reading.execute(select(_of_sqlite(table))).mappings().all()
            if rows:
                writing.execute(table.insert(), [dict(row) for row in rows])
            if "seq" in table.c and table.c.seq.primary_key and len(table.primary_key) == 1:
                newest = max((row["seq"] for row in rows), default=0) + 1
                writing.exec_driver_sql(f"ALTER SEQUENCE {table.name}_seq_seq RESTART WITH {newest}")
    file.close()
    server.close()


def _of_sqlite(table: Table) -> Table:
    """The table as the file has it: its times are text there."""
    same = table.to_metadata(MetaData())
    for column in same.c:
        if isinstance(column.type, DateTime):
            column.type = Moment()
    return same


def test_there_is_a_dump_of_every_schema_but_the_newest() -> None:
    assert [f"{number:04}" for number in range(1, int(schema.HEAD))] == VERSIONS


def test_every_case_loads_and_is_what_it_was(upgraded: Ledger) -> None:
    found = {case.id: (case.phase, len(case.history)) for case in upgraded.cases.listed()}
    assert found == {
        "worked": (Phase.CLOSED, 2),
        "young": (Phase.OPEN, 1),
        "drafted": (Phase.DRAFTED, 3),
        "proposed": (Phase.PROPOSED, 5),
    }
    assert [lesson.id for lesson in upgraded.lessons.recall("print of worked", "")] == ["lesson of worked"]
    pause = upgraded.levers.paused()
    assert pause is not None
    assert (pause.by, pause.reason, pause.since) == ("sre", "a release", NOW)
    assert upgraded.checkpoints.get("cursor") == b"\x00\xff"


def test_none_is_stranded_and_nothing_that_is_owed_is_forgotten(upgraded: Ledger) -> None:
    assert claimed_at(upgraded, SOON) == {"young": "", "drafted": "dead"}
    assert claimed_at(upgraded, SOON + timedelta(minutes=10)) == {"young": "one", "drafted": "one", "proposed": ""}
    owed = {name: [i.effect.key for i in upgraded.outbox.pending(name)] for name in ("young", "drafted", "proposed")}
    assert owed == {"young": [], "drafted": ["push drafted"], "proposed": ["comment proposed"]}
    told = [intent.effect.key for intent in upgraded.outbox.notices(LATER)]
    assert told == ["born young@mail", "born drafted@mail", "born proposed@mail"]
    receipt = upgraded.outbox.receipt("push proposed")
    assert receipt is not None
    assert receipt.adopted


def claimed_at(ledger: Ledger, now: datetime) -> dict[str, str]:
    """Every case that can be claimed, and whose lease had run out."""
    found: dict[str, str] = {}
    while (claimed := ledger.cases.claim("one", now, LEASE)) is not None:
        found[claimed.case.id] = claimed.stolen_from
    return found


def test_the_work_goes_on(upgraded: Ledger) -> None:
    before = upgraded.audit.listed()
    for _ in range(2):
        claimed = upgraded.cases.claim("one", SOON, LEASE)
        assert claimed is not None
        kind = {"young": Diagnosed, "drafted": Proved}[claimed.case.id]
        upgraded.cases.commit(claimed, (did(kind, 2),), (), None)
    assert upgraded.cases.load("drafted").phase is Phase.PROVED
    told = upgraded.audit.listed()
    assert [line.action for line in told[: len(before)]] == [line.action for line in before]
    assert [line.seq for line in told] == sorted({line.seq for line in told})
    assert {"case.Proved", "case.Diagnosed"} <= {line.action for line in told[len(before) :]}


def test_money_and_deploys_are_kept(upgraded: Ledger, old: str) -> None:
    known = old >= "0002"
    total = upgraded.spend.total()
    assert (total.calls, total.usd) == ((2, pytest.approx(0.75)) if known else (0, 0))
    assert (upgraded.deploys.newest("webhook", "production", "shop", LATER) is not None) == known
