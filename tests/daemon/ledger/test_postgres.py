"""A ledger on a PostgreSQL server: what its errors mean, what it outlives, and that no password is told."""

import json
import os
import pwd
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import LiteralString

import pytest
from click.testing import CliRunner
from psycopg import sql
from sqlalchemy import select, text

from cases.errors import PermanentError, TemporaryError
from cases.events import Guided
from daemon.commands.pause import command as pause
from daemon.ledger.ledger import BUSY, Ledger, open_ledger
from daemon.ledger.tables import cases
from tests.parts.nouns import NOW, an_entry
from tests.parts.postgres import OWNERS_PASSWORD, RunningPostgres, running_postgres
from tests.parts.settings import a_document
from tests.parts.steps import LEASE, a_case, a_notice
from tests.parts.stores import Place, emptied, in_postgres, new_base

SHORT = timedelta(milliseconds=50)
SMALL = 24 * 1024 * 1024  # bytes


@pytest.fixture
def there(request: pytest.FixtureRequest) -> Place:
    """An empty ledger in the worker's own database."""
    return emptied("postgres", request)


@pytest.fixture
def served(there: Place) -> Iterator[Ledger]:
    with there.opened(busy=timedelta(seconds=5)) as ledger:
        yield ledger


def opened(url: str, password: str = OWNERS_PASSWORD) -> None:
    with open_ledger(url, password=lambda: password, busy=timedelta(seconds=2)):
        pass


# What the server refuses


def test_a_wrong_password_a_wrong_user_and_a_wrong_database_are_a_humans_to_mend(
    there: Place, postgres: RunningPostgres
) -> None:
    with pytest.raises(PermanentError, match="refuses this user; see the user in store, store_password") as failure:
        opened(there.url, "hunter2")
    assert "hunter2" not in repr(failure.value)
    with pytest.raises(PermanentError, match="refuses this user"), open_ledger(there.url, password=None):
        pass
    with pytest.raises(PermanentError, match="no such database; create it, as with createdb"):
        opened(postgres.url(base="nowhere"))


def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    with pytest.raises(TemporaryError, match=r"127\.0\.0\.1:9/x cannot be opened: the server cannot be reached"):
        opened("postgresql://me@127.0.0.1:9/x")


@contextmanager
def a_role(postgres: RunningPostgres, name: str, words: LiteralString) -> Generator[str]:
    role = sql.Identifier(name)
    with postgres.connect() as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'hunter2' " + words).format(role))
        try:
            yield name
        finally:
            owner.execute(sql.SQL("DROP ROLE {}").format(role))


def test_who_may_make_no_tables_is_told_what_to_grant(postgres: RunningPostgres) -> None:
    base = new_base(postgres)
    with (
        a_role(postgres, "guest", "") as guest,
        pytest.raises(PermanentError, match="this user may not; make it the database's owner"),
    ):
        opened(postgres.url(guest, base), "hunter2")


def test_no_connection_left_is_waited_for(there: Place, postgres: RunningPostgres) -> None:
    url = there.url.replace("owner@", "little@")
    with a_role(postgres, "little", "SUPERUSER CONNECTION LIMIT 0") as little, postgres.connect() as owner:
        owner.execute("ALTER ROLE little NOSUPERUSER")
        assert little in url
        with pytest.raises(TemporaryError, match="the server has no connection left"):
            opened(url, "hunter2")


def test_a_standby_is_named_and_once_it_is_promoted_the_ledger_goes_on() -> None:
    with running_postgres() as server:
        place = in_postgres(server, new_base(server))
        with place.opened() as ledger:
            a_case(ledger)
            server.stop()
            (server.folder / "base" / "standby.signal").touch()
            server.start()
            said = "a read-only standby; name the primary"
            with pytest.raises(PermanentError, match=said):
                a_case(ledger, "b")
            with pytest.raises(PermanentError, match=said), place.opened():
                pass
            with server.connect() as owner:
                owner.execute("SELECT pg_promote()")
            a_case(ledger, "b")
            assert [case.id for case in ledger.cases.active()] == ["a", "b"]


def test_an_encoding_that_cannot_hold_any_text_is_refused(postgres: RunningPostgres) -> None:
    with postgres.connect() as owner:
        owner.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(PermanentError, match="has the encoding LATIN1: create it with ENCODING 'UTF8'"):
        opened(postgres.url(base="latin"))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql+psycopg://me:hunter2@db/x", "holds a password: .* write store_password: env:NAME"),
        ("postgresql://me@db/x?password=hunter2", "holds a password"),
        ("postgresql://me@db", "names no database"),
        ("postgresql://me@127.0.0.1:9/x?sslmode=sometimes", "what stands behind the . of store cannot be used"),
        ("postgresql://me@127.0.0.1:9/x?colour=blue", "what stands behind the . of store cannot be used"),
        ("mysql://me:hunter2@db/x", "mysql is not a database that can keep a ledger"),
    ],
)
def test_a_store_that_cannot_be_is_refused_in_a_sentence(url: str, told: str) -> None:
    with pytest.raises(PermanentError, match=told) as failure:
        opened(url)
    assert "hunter2" not in repr(failure.value)


# What it outlives


def test_the_daemon_goes_on_after_the_server_was_away(served: Ledger, postgres: RunningPostgres) -> None:
    postgres.stop()
    postgres.start()
    a_case(served)  # a restart between two transactions is not even seen
    postgres.stop()
    try:
        for _ in range(2):
            with pytest.raises(TemporaryError, match="the server"):
                a_case(served, "b")
        with pytest.raises(TemporaryError, match="cannot be read"):
            served.cases.active()
    finally:
        postgres.start()
    a_case(served, "b")
    assert [case.id for case in served.cases.active()] == ["a", "b"]


def test_a_connection_that_was_cut_in_the_middle_leaves_nothing_half(served: Ledger, postgres: RunningPostgres) -> None:
    def write() -> None:
        with served.database.writing() as connection:
            connection.execute(cases.update().values(phase="closed"))
            with postgres.connect() as owner:
                owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in tr%'")
            connection.execute(cases.update().values(hold="gate"))

    a_case(served)
    with pytest.raises(TemporaryError, match="the server stops, starts, or cut the connection"):
        write()
    assert [str(case.phase) for case in served.cases.active()] == ["open"]


def test_a_row_that_another_holds_is_waited_for_and_then_tried_later(there: Place) -> None:
    with there.opened(busy=SHORT) as ledger, there.opened() as other:
        for name in "ab":
            a_case(ledger, name)
        with other.database.writing() as held:
            held.execute(select(cases).where(cases.c.id == "a").with_for_update())
            with pytest.raises(TemporaryError, match="another transaction keeps it locked"):
                a_word(ledger)
            assert [case.id for case in ledger.cases.active()] == ["a", "b"], "readers do not wait"
            claimed = ledger.cases.claim("one", NOW, LEASE)
            assert claimed is not None
            assert claimed.case.id == "b", "a claim passes over it"
        a_word(ledger)
        assert ledger.cases.load("a").guidance


def a_word(ledger: Ledger) -> None:
    ledger.cases.add("a", an_entry(Guided(text="look there"), 1), (), None)


def test_a_write_goes_through_once_the_other_one_is_done(there: Place) -> None:
    with there.opened() as ledger, there.opened() as other:
        a_case(ledger)
        begun, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with other.database.writing() as connection:
                connection.execute(select(cases).with_for_update())
                begun.set()
                go_on.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        begun.wait(10)
        timer = threading.Timer(0.2, go_on.set)
        timer.start()
        a_word(ledger)
        for thread in (holder, timer):
            thread.join()
        assert ledger.cases.load("a").guidance == ("look there",)


def test_a_daemon_that_froze_in_a_transaction_keeps_no_row_for_long(there: Place) -> None:
    with there.opened(busy=SHORT) as frozen, there.opened() as ledger:
        a_case(ledger)

        def freeze() -> None:
            with frozen.database.writing() as connection:
                connection.execute(select(cases).with_for_update())
                a_word(ledger)  # waits until the server has ended the other one
                connection.execute(select(cases))

        with pytest.raises(TemporaryError, match="the transaction stood idle too long"):
            freeze()
        assert ledger.cases.load("a").guidance == ("look there",)


def test_a_statement_that_hangs_is_ended(there: Place) -> None:
    with (
        there.opened(busy=SHORT) as ledger,
        pytest.raises(TemporaryError, match="a statement took too long"),
        ledger.database.reading() as connection,
    ):
        connection.execute(text("SELECT pg_sleep(20)"))


def test_two_that_wait_for_each_other_are_told_apart(there: Place) -> None:
    with there.opened() as one, there.opened() as two:
        for name in "ab":
            a_case(one, name)
        together = threading.Barrier(2)
        said: list[str] = []

        def lock(ledger: Ledger, first: str, second: str) -> None:
            try:
                with ledger.database.writing() as connection:
                    connection.execute(select(cases).where(cases.c.id == first).with_for_update())
                    together.wait(10)
                    connection.execute(select(cases).where(cases.c.id == second).with_for_update())
            except TemporaryError as error:
                said.append(str(error))

        threads = [threading.Thread(target=lock, args=each) for each in ((one, "a", "b"), (two, "b", "a"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(said) == 1
        assert "another daemon wrote the same at the same time" in said[0]


def test_every_connection_in_use_is_said_so(there: Place) -> None:
    with there.opened(busy=SHORT) as ledger:
        raw = [ledger.database.reading() for _ in range(15)]
        for each in raw:
            each.__enter__()
        with pytest.raises(TemporaryError, match="every connection to it is in use"):
            a_case(ledger)
        for each in raw:
            each.__exit__(None, None, None)
        a_case(ledger)


@contextmanager
def narrow_server() -> Generator[tuple[RunningPostgres, Path]]:
    """A server of its own with a database on a small disk: its server, and that disk's folder.

    A server writes a dirty page of any database when it needs the room, on behalf of whoever asks: a full disk of one
    database would fail the tests of every other. Enough memory leaves the pages of this one where they are.
    """
    with running_postgres(shared_buffers="128MB") as server:
        folder = server.folder / "small"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)], check=True)
        try:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            with server.connect() as owner:
                owner.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(folder)))
                owner.execute("CREATE DATABASE narrow TABLESPACE small")
            yield server, folder
        finally:
            server.stop(signal.SIGQUIT)
            subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_a_full_disk_of_the_server_is_waited_out(fill: Callable[[Path], Path]) -> None:
    with narrow_server() as (server, folder), in_postgres(server, "narrow").opened() as ledger:
        a_case(ledger, "before")
        filling = fill(folder)
        with pytest.raises(TemporaryError, match="the server's disk is full; free some space"):
            fill_up(ledger)
        kept = [case.id for case in ledger.cases.active()]
        filling.unlink()
        a_case(ledger, "after", size=200_000)
        assert [case.id for case in ledger.cases.active()] == sorted([*kept, "after"])


@pytest.fixture
def fill() -> Callable[[Path], Path]:
    def filled(folder: Path) -> Path:
        filling = folder / "filling"
        with pytest.raises(OSError, match="No space left"):
            write_on(filling)
        return filling

    return filled


def write_on(filling: Path) -> None:
    with filling.open("wb", buffering=0) as stream:
        while stream.write(bytes(65536)):
            continue


def fill_up(ledger: Ledger) -> None:
    for number in range(20):
        a_case(ledger, f"full{number}", size=200_000)


# What it promises


def test_the_commands_reach_it_with_the_password_of_the_settings(
    there: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_PASSWORD", OWNERS_PASSWORD)
    config = tmp_path / "trackwalker.yaml"
    config.write_text(json.dumps(a_document(store=there.url, store_password="env:LEDGER_PASSWORD")))
    words = ["--reason", "a release", "--config", str(config)]
    done = CliRunner().invoke(pause, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with there.opened() as ledger:
        found = ledger.levers.paused()
    assert found is not None
    assert found.reason == "a release"


def test_a_commit_is_on_the_disk_and_a_reader_sees_one_moment(served: Ledger) -> None:
    asked = ("synchronous_commit", "transaction_isolation", "transaction_read_only", "lock_timeout")
    with served.database.reading() as connection:
        reading = [connection.execute(text(f"SHOW {name}")).scalar() for name in asked]
        assert connection.execute(select(cases)).all() == []
        a_case(served)
        assert connection.execute(select(cases)).all() == []
    with served.database.writing() as connection:
        writing = [connection.execute(text(f"SHOW {name}")).scalar() for name in asked]
    assert reading == ["on", "repeatable read", "on", "5s"]
    assert writing == ["on", "read committed", "off", "5s"]


def test_times_come_back_in_utc_wherever_the_server_stands(served: Ledger) -> None:
    a_case(served)
    with served.database.reading() as connection:
        assert connection.execute(text("SHOW timezone")).scalar() == "Asia/Kolkata"
        row = connection.execute(select(cases.c.opened, cases.c.due)).one()
        moment = served.database.moment(connection, NOW)
    assert (row.opened, row.opened.tzinfo, row.due) == (NOW, UTC, NOW)
    assert moment.tzinfo is UTC
    assert abs(moment - served.clock.now()) < timedelta(seconds=10)


def test_its_name_says_where_and_no_more(served: Ledger, there: Place) -> None:
    assert served.database.name == there.url.partition("@")[2]


def test_a_new_password_is_asked_for_at_the_next_connection(there: Place, postgres: RunningPostgres) -> None:
    known = ["wrong"]
    with pytest.raises(PermanentError), open_ledger(there.url, password=lambda: known[-1], busy=BUSY):
        pass
    known.append(OWNERS_PASSWORD)
    with open_ledger(there.url, password=lambda: known[-1]) as ledger:
        ledger.outbox.send([a_notice()], NOW)
        assert postgres.port
