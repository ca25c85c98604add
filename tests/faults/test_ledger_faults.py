"""A store that is full, locked, damaged, read-only or too new: said clearly, and nothing is lost or done twice."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cases.case import Phase
from cases.events import Approved, Entry
from daemon.ledger.ledger import open_ledger
from tests.parts.playhouse import house
from tests.parts.settings import a_document


@contextmanager
def small_disk(at: Path, size: str) -> Generator[None]:
    """A file system of that size at the folder; needs root, as `make test` does."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room on the disk; the file that takes it."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:  # ended by the disk being full
        while True:
            file.write(b"\0" * 4096)
    return ballast


def test_a_full_disk_is_told_directly_and_all_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, "3m"), house(tmp_path, store=f"sqlite:///{disk}/ledger.db") as it, it.alive() as app:
        ballast = fill(disk)
        it.passes(6)
        polls = app.metrics.registry.get_sample_value("trackwalker_turns_total")
        told = [notice for notice in it.notices() if notice["subject"] == "the ledger cannot be written"]
        assert len(told) == 1, "once, however long it lasts"
        assert told[0]["severity"] == "page"
        assert "free some space" in told[0]["text"]
        it.passes(2)
        turns = app.metrics.registry.get_sample_value("trackwalker_turns_total")
        assert polls is not None
        assert turns == polls + 8, "it turns on"
        assert (it.pull_requests(), it.case()) == ([], None)

        ballast.unlink()
        it.until(Phase.PROPOSED)
        it.passes(1)
        assert len(it.pull_requests()) == 1
        subjects = it.subjects()
        for once in ("the ledger cannot be written", "the ledger can be written again", "shop: errors is up"):
            assert subjects.count(once) == 1


@contextmanager
def locked(store: Path) -> Generator[None]:
    """Somebody else's transaction, which does not end."""
    other = sqlite3.connect(store, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


def test_a_store_that_another_process_locks_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with house(tmp_path, authority={"default": "observe"}) as it, it.alive() as app:
        with app.ledger.database.reading() as connection:  # the one connection of this one thread
            connection.exec_driver_sql("PRAGMA busy_timeout = 20")  # in place of the ten seconds that it waits at once
        case = it.until(Phase.PROVED)
        app.ledger.cases.add(case.id, Entry(at=it.now, actor="human:sre", event=Approved(because="go")), (), it.now)
        turns = app.cycle.pulse.turns
        with locked(tmp_path / "ledger.db"):
            it.passes(1)
            assert app.cycle.pulse.turns == turns + 4
            assert "another process keeps it locked" in caplog.text
            assert it.pull_requests() == []
            assert app.cycle.poll.blind() == {}, "reading goes on"
        after = it.until(Phase.PROPOSED)
        it.passes(1)
        assert after.id == case.id
        assert len(it.pull_requests()) == 1
        assert len(app.ledger.cases.listed()) == 1
        assert len(it.subjects()) == len(set(it.subjects()))


def _flipped(store: Path) -> None:
    whole = bytearray(store.read_bytes())
    for place in range(4096, len(whole), 4096):  # every page but the first
        whole[place : place + 16] = bytes(byte ^ 0xFF for byte in whole[place : place + 16])
    store.write_bytes(whole)


def _of_tomorrow(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_flipped, ("is not a healthy database", "restore", "backup")),
        pytest.param(
            _of_tomorrow, ("has schema 9999", "run the version that wrote it, or a newer one"), marks=pytest.mark.long
        ),
    ],
    ids=["damaged", "of a newer version"],
)
def test_a_store_that_cannot_be_used_is_refused_at_the_start_and_left_as_it_is(
    tmp_path: Path, damage: Callable[[Path], None], said: tuple[str, ...]
) -> None:
    store = tmp_path / "trackwalker.db"
    with open_ledger(f"sqlite:///{store}") as ledger:
        ledger.database.trim()
    damage(store)
    before = store.read_bytes()
    ended = run_in(tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    for words in said:
        assert words in ended.stderr
    assert store.read_bytes() == before


@pytest.mark.long
def test_a_read_only_disk_is_refused_at_the_start(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, "3m"):
        with open_ledger(f"sqlite:///{disk}/trackwalker.db") as ledger:
            ledger.database.trim()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ended = run_in(tmp_path, store=f"sqlite:///{disk}/trackwalker.db")
    assert ended.returncode == 2, ended.stderr
    assert "Read-only file system" in ended.stderr
    assert "may write" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def run_in(folder: Path, **more: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401 - keys of a configuration
    """`trackwalker run` in the folder, as a user starts it."""
    (folder / "trackwalker.yaml").write_text(json.dumps(a_document(api={"listen": "127.0.0.1:0"}, **more)))
    words = [sys.executable, "-P", "-c", "from daemon.main import main; main()", "run"]
    environment = {**os.environ, "TOKEN": "made-up-token-0123456789"}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
