"""Nothing lost, nothing half: kill -9, two processes, a full disk, a locked file, a damaged file."""

import itertools
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cases.errors import PermanentError, TemporaryError
from cases.events import Guided
from cases.lifecycle import replay
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.tables import audit, cases, effects, history
from tests.daemon.ledger import programs
from tests.parts.nouns import NOW, an_entry, an_opened

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(__file__).with_name("programs.py")
KILLS = 10
SMALL = 2 * 1024 * 1024  # bytes


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAMS), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def lines(program: subprocess.Popen[str]) -> Iterator[str]:
    assert program.stdout is not None
    return (line.strip() for line in program.stdout)


@contextmanager
def started(*words: str) -> Generator[subprocess.Popen[str]]:
    with start(*words) as program:
        try:
            yield program
        finally:
            program.kill()


def a_case(ledger: Ledger, name: str = "a", size: int = 0) -> None:
    event = replace(an_opened(), case_id=name, fingerprint=f"print of {name}")
    ledger.cases.open(an_entry(event), (), NOW)
    if size:
        ledger.cases.add(name, an_entry(Guided(text="x" * size)), (), None)


def assert_whole(ledger: Ledger) -> None:
    """Every row of a case agrees with its history, and every entry, promise and receipt stands in the audit."""
    with ledger.database.reading() as connection:
        told = connection.execute(select(audit.c.case_id, audit.c.action, audit.c.detail)).all()
        rows = connection.execute(select(cases)).all()
        numbers = connection.execute(select(history.c.case_id, history.c.seq).order_by(history.c.seq)).all()
        promised = connection.execute(select(effects)).all()
    rebuilt = {case.id: case for case in ledger.cases.listed()}
    for row in rows:
        case = rebuilt[row.id]
        assert replay(case.history) == case
        assert (row.phase, row.hold, row.version) == (case.phase, case.hold, len(case.history))
        assert [seq for name, seq in numbers if name == row.id] == list(range(1, row.version + 1))
        assert len([1 for name, action, _ in told if name == row.id and action.startswith("case.")]) == row.version
        assert row.version - 1 == len([1 for effect in promised if effect.case_id == row.id]), "one promise a step"
    for effect in promised:
        actions = [action for _, action, detail in told if f'"{effect.key}"' in detail]
        assert actions == ["effect.promised"] + ["effect.done"] * (effect.state == "done")
        assert (effect.receipt is not None) == (effect.state == "done")


def test_kill_9_at_any_moment_loses_nothing_and_leaves_no_half_step(path: Path) -> None:
    url = f"sqlite:///{path}"
    said: list[str] = []
    with started("mortal", url) as program, open_ledger(url) as ledger:
        assert program.stdin is not None
        for kill in range(KILLS):
            print("go", kill, file=program.stdin, flush=True)
            said += itertools.islice(lines(program), 18)
            threading.Event().wait(kill % 5 / 1000)  # a step takes some milliseconds: each kill meets another part
            print("kill", file=program.stdin, flush=True)
            said += itertools.takewhile(lambda line: line != "killed", lines(program))
            assert_whole(ledger)
        assert len(said) >= 18 * KILLS
        for line in said:
            what, name, *more = line.split()
            if what == "step":
                assert len(ledger.cases.load(name).history) >= int(more[0])
            else:
                assert ledger.outbox.receipt(name) is not None
    programs.work(url, str(KILLS))
    with open_ledger(url) as ledger:
        assert_whole(ledger)
        assert {str(case.phase) for case in ledger.cases.active()} == {"proposed"}
        assert [ledger.outbox.pending(case.id) for case in ledger.cases.active()] == [()] * programs.CASES


def test_two_processes_make_one_ledger_and_never_hold_the_same_case_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    marks = tmp_path / "marks"
    marks.mkdir()
    with started("share", url, "one", str(marks)) as one, started("share", url, "two", str(marks)) as two:
        assert [next(lines(program)) for program in (one, two)] == ["ready", "ready"]
        with open_ledger(url) as ledger:
            for name in "abcdefgh":
                a_case(ledger, name)
            outs = ["", ""]

            def ask(number: int, program: subprocess.Popen[str]) -> None:
                outs[number], errors = program.communicate("go\n", timeout=60)
                outs[number] += errors

            threads = [threading.Thread(target=ask, args=pair) for pair in enumerate((one, two))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert outs == ["end\n", "end\n"]
            spoke = [case.guidance for case in ledger.cases.active()]
    assert [len(words) for words in spoke] == [5] * 8
    assert {word for words in spoke for word in words} == {"one", "two"}, "both had work"


@contextmanager
def small_disk(folder: Path) -> Generator[Callable[[], Callable[[], None]]]:
    """A disk that can be filled, and emptied again: a tmpfs of 2 MB for root, else a limit on the files' size."""
    if os.geteuid() == 0:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)], check=True)
        try:
            yield lambda: _filled(folder / "filling")
        finally:
            subprocess.run(["umount", str(folder)], check=True)
    else:
        yield lambda: _limited(folder)


def _filled(filling: Path) -> Callable[[], None]:
    def fill() -> None:
        with filling.open("wb", buffering=0) as stream:
            while stream.write(bytes(4096)):
                continue

    with pytest.raises(OSError, match="No space left"):
        fill()
    return filling.unlink


def _limited(folder: Path) -> Callable[[], None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(file.stat().st_size for file in folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill_up(ledger: Ledger) -> None:
    for number in range(20):
        a_case(ledger, f"full{number}", size=200_000)


def test_a_full_disk_is_waited_out(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk) as fill, open_ledger(f"sqlite:///{disk / 'ledger.db'}") as ledger:
        a_case(ledger, "before")
        make_room = fill()
        try:
            with pytest.raises(TemporaryError, match=r"cannot be written: the disk .* full"):
                fill_up(ledger)
            kept = {case.id for case in ledger.cases.active()}
            with pytest.raises(TemporaryError, match="full"):
                a_case(ledger, "still full", size=400_000)
            assert {case.id for case in ledger.cases.active()} == kept, "nothing half, and reading goes on"
        finally:
            make_room()
        a_case(ledger, "after", size=200_000)
        assert {case.id for case in ledger.cases.active()} == kept | {"after"}
        with ledger.database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


@contextmanager
def writing_elsewhere(path: Path) -> Generator[sqlite3.Connection]:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield other
    finally:
        other.close()


def test_a_locked_ledger_is_waited_for_and_then_tried_later(path: Path) -> None:
    with open_ledger(f"sqlite:///{path}", busy=timedelta(milliseconds=50)) as ledger:
        a_case(ledger)
        with writing_elsewhere(path):
            with pytest.raises(TemporaryError, match="another process keeps it locked"):
                a_case(ledger, "b")
            assert [case.id for case in ledger.cases.active()] == ["a"], "readers do not wait"
        a_case(ledger, "b")
        assert [case.id for case in ledger.cases.active()] == ["a", "b"]


def test_a_write_goes_through_once_the_other_one_is_done(path: Path) -> None:
    with open_ledger(f"sqlite:///{path}") as ledger, writing_elsewhere(path) as other:
        done = threading.Timer(0.2, lambda: other.execute("COMMIT"))
        done.start()
        a_case(ledger)
        done.join()
        assert [case.id for case in ledger.cases.active()] == ["a"]


def test_many_threads_write_at_once(ledger: Ledger) -> None:
    def open_some(first: int) -> None:
        for number in range(first, first + 10):
            a_case(ledger, f"case{number}")

    threads = [threading.Thread(target=open_some, args=(first,)) for first in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {case.id for case in ledger.cases.active()} == {f"case{number}" for number in range(40)}


def _flipped(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    for place in range(4096, len(whole), 4096):  # every page but the first
        whole[place : place + 16] = bytes(byte ^ 0xFF for byte in whole[place : place + 16])
    path.write_bytes(whole)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:10_000])


def _overwritten(path: Path) -> None:
    path.write_text("This is no database at all. " * 100)


@pytest.mark.parametrize("damage", [_flipped, _cut, _overwritten])
def test_a_damaged_ledger_is_refused_with_what_to_do(path: Path, damage: Callable[[Path], None]) -> None:
    with open_ledger(f"sqlite:///{path}") as ledger:
        a_case(ledger)
    damage(path)
    with (
        pytest.raises(PermanentError, match=r"is not a healthy database: .*restore a backup"),
        open_ledger(f"sqlite:///{path}"),
    ):
        pass


def test_a_damaged_entry_names_its_case_and_number(path: Path) -> None:
    with open_ledger(f"sqlite:///{path}") as ledger:
        a_case(ledger)
        with ledger.database.writing() as connection:
            connection.execute(history.update().values(payload='{"case_id": "a secret"}'))
        with pytest.raises(PermanentError, match="entry 1 of case a does not read as Opened") as failure:
            ledger.cases.load("a")
        assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:///{folder}/missing/ledger.db", "No such file or directory; see that its folder exists"),
        ("sqlite:///{folder}", "Is a directory"),
        ("sqlite://", "needs a plain file"),
        ("sqlite:///:memory:", "needs a plain file"),
        ("sqlite:///{folder}/x.db?mode=ro", "needs a plain file"),
        ("postgresql+psycopg://me:hunter2@db/x", "postgresql.psycopg is not in this version"),
        ("hunter2", "not a database URL"),
    ],
)
def test_a_store_that_cannot_be_is_refused_in_a_sentence(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(PermanentError, match=told) as failure, open_ledger(url.format(folder=tmp_path)):
        pass
    assert "hunter2" not in repr(failure.value)


def test_the_file_is_its_owners_alone_and_every_commit_reaches_the_disk(ledger: Ledger, tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path / 'own.db'}") as own:
        a_case(own)
        assert {oct(file.stat().st_mode & 0o777) for file in tmp_path.glob("own.db*")} == {"0o600"}
    with ledger.database.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
