"""Restore: what was backed up is there again, in either kind of store, and nobody holds it."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from cases.case import Phase
from cases.errors import Fenced, PermanentError
from cases.events import Guided
from cases.leases import Pause
from daemon.clock import ManualClock
from daemon.keeping.backup import backed_up
from daemon.keeping.place import anchored, anchors_set_back, nobody_in
from daemon.keeping.restore import RESTORED, put_aside, restored
from daemon.ledger import schema
from daemon.ledger.anchor import NAME, anchors_in
from daemon.ledger.ledger import Ledger
from tests.daemon.keeping.filled import LEASE, NOW, a_closed_case, an_open_case, whole
from tests.parts.nouns import an_entry
from tests.parts.playhouse import house
from tests.parts.postgres import OWNERS_PASSWORD, RunningPostgres
from tests.parts.stores import Place, in_file, in_postgres, new_base

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def copy(file_ledger: Ledger, tmp_path: Path) -> Path:
    """A backup of a store with an open case and a closed one."""
    an_open_case(file_ledger, "a")
    a_closed_case(file_ledger, "b")
    file = tmp_path / "copies" / "copy.db"
    backed_up(file_ledger, file, NOW)
    return file


def test_what_was_backed_up_is_there_again_in_either_kind(ledger: Ledger, nowhere: Place, tmp_path: Path) -> None:
    an_open_case(ledger, "a")
    a_closed_case(ledger, "b")
    claimed = ledger.cases.claim("old", NOW, LEASE)
    assert claimed is not None
    file = tmp_path / "copy.db"
    backup = backed_up(ledger, file, NOW)
    to = in_file(tmp_path / "target.db") if nowhere.kind == "sqlite" else nowhere
    before = file.read_bytes()
    with to.opened(clock=ManualClock(LATER)) as target:
        done = restored(file, target, "human:sre", tmp_path / "home")
        assert (done.backup, done.seq) == (backup, backup.audit_seq + 1)
        assert whole(target) == whole(ledger)
        line = target.audit.listed(after=backup.audit_seq)[0]
        assert (line.action, line.actor, line.detail["upto"]) == (RESTORED, "human:sre", str(backup.audit_seq))
        assert line.detail["hash"] == backup.audit_hash
        assert target.lessons.newest() == ledger.lessons.newest()
        with pytest.raises(Fenced):
            target.cases.renew(claimed, LATER, LEASE)
        again = target.cases.claim("new", LATER, LEASE)
        assert again is not None
        assert (again.case.id, again.stolen_from, again.fence) == ("a", "", claimed.fence + 2)
        an_open_case(target, "c")  # effects, levers and the audit go on counting where they were
        target.levers.pause(Pause(by="sre", reason="a look", since=LATER))
        assert whole(target).keys() == {"a", "b", "c"}
    assert file.read_bytes() == before, "a backup is only read"
    assert list((tmp_path / "home").iterdir()) == []


def test_a_store_with_cases_is_never_written_over(copy: Path, place: Place, tmp_path: Path) -> None:
    with place.opened() as ledger:
        an_open_case(ledger, "mine")
        with pytest.raises(PermanentError, match=r"has 1 rows of cases, and a restore never writes over them"):
            restored(copy, ledger, "human:sre", tmp_path)
        assert whole(ledger).keys() == {"mine"}


def test_a_store_where_a_daemon_works_is_left_alone(copy: Path, place: Place, tmp_path: Path) -> None:
    with place.opened(clock=ManualClock(NOW)) as ledger:
        ledger.daemons.here("host-1", "1", "digest", "host", NOW)
        with pytest.raises(PermanentError, match="is in use by host-1: stop every daemon on it first"):
            restored(copy, ledger, "human:sre", tmp_path)


def test_what_cannot_be_restored_is_refused_by_its_name(copy: Path, tmp_path: Path) -> None:
    content = copy.read_bytes()
    damaged, foreign, newer = tmp_path / "damaged.db", tmp_path / "foreign.db", tmp_path / "newer.db"
    damaged.write_bytes(content[:4096] + bytes(byte ^ 0xFF for byte in content[4096:]))
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE dashboards (id INTEGER)")
    newer.write_bytes(content)
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    refused = {
        damaged: "is not a healthy database",
        foreign: "is a database, but no ledger",
        newer: rf"newer\.db cannot be restored by this version: .*schema 9999.* knows up to {schema.HEAD}",
        tmp_path / "missing.db": "there is no file",
    }
    with in_file(tmp_path / "target.db").opened() as ledger:
        for file, because in refused.items():
            with pytest.raises(PermanentError, match=because):
                restored(file, ledger, "human:sre", tmp_path)
        assert whole(ledger) == {}


def test_a_backup_of_an_older_schema_is_migrated_on_the_way(copy: Path, tmp_path: Path) -> None:
    older = in_file(copy).database()
    with older.writing() as connection:
        connection.execute(text("UPDATE audit SET hash = ''"))
        command.downgrade(schema.alembic_config(connection), "0002")
    older.close()
    with in_file(tmp_path / "target.db").opened() as ledger:
        assert restored(copy, ledger, "human:sre", tmp_path).backup.schema == "0002"
        assert whole(ledger).keys() == {"a", "b"}
        ledger.cases.add("a", an_entry(Guided(text="go on")), (), None)


def test_a_store_that_is_put_aside_can_be_restored_from_too(file_ledger: Ledger, tmp_path: Path) -> None:
    an_open_case(file_ledger, "a")  # it stands in the write-ahead log alone
    before = whole(file_ledger)
    aside = put_aside(tmp_path / "store.db", NOW)
    assert aside is not None
    assert aside == tmp_path / "store.db.aside-20260304T050607Z"
    assert put_aside(tmp_path / "store.db", NOW) is None
    with in_file(tmp_path / "store.db").opened() as ledger:
        assert restored(aside, ledger, "human:sre", tmp_path).backup.taken is None
        assert whole(ledger) == before


def test_anchors_follow_a_restored_store_and_old_ones_are_kept(copy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "1").mkdir(parents=True)
    with in_file(tmp_path / "store.db").opened() as ledger:
        ledger.audit.anchor(home / "1" / NAME)
        an_open_case(ledger, "after the backup")
        seen = anchors_in(home / "1" / NAME)
    with in_file(tmp_path / "target.db").opened() as ledger:
        done = restored(copy, ledger, "human:sre", home)
        assert anchors_set_back(home, done.backup.audit_seq, "before") == (home / "1" / NAME,)
        anchored(home, ledger, done.seq)
        assert anchors_in(home / "1" / f"{NAME}.before") == seen
        assert max((one.seq for one in anchors_in(home / "1" / NAME)), default=0) <= done.backup.audit_seq
        assert [one.seq for one in anchors_in(home / NAME)] == [done.seq]
        assert anchors_set_back(home, done.seq, "again") == ()


def test_a_daemon_that_runs_beside_it_is_seen(tmp_path: Path) -> None:
    from daemon.home import at_home

    home = tmp_path / ".trackwalker"
    nobody_in(home, "sqlite:///x")
    with at_home(tmp_path), pytest.raises(PermanentError, match=r"a daemon runs on the store .*stop it first"):
        nobody_in(home, "sqlite:///x")
    nobody_in(home, "sqlite:///x")


@pytest.mark.long
def test_a_daemon_goes_on_with_its_case_from_a_file_in_postgresql(
    tmp_path: Path, postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE_PASSWORD", OWNERS_PASSWORD)
    with house(tmp_path) as it:
        with it.alive() as app:
            it.until(Phase.PROPOSED)
            number = it.pull_requests()[0]["number"]
            backed_up(app.ledger, tmp_path / "copy.db", it.now)
        base = new_base(postgres)
        with in_postgres(postgres, base).opened(clock=it.clock) as ledger:
            restored(tmp_path / "copy.db", ledger, "human:sre", tmp_path)
        it.extra |= {
            "store": postgres.url(base=base), "store_password": "env:STORE_PASSWORD", "home": str(tmp_path / "home"),
        }  # fmt: skip
        with it.alive() as app:
            it.passes(1)
            it.merge(number)
            case = it.until(Phase.DEPLOYED)
            assert len(it.pull_requests()) == 1, "nothing twice"
            assert whole(app.ledger).keys() == {case.id}
