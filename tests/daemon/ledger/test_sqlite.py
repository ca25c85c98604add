"""A ledger in a file: a full disk, a locked file, a damaged file, a file that cannot be."""

import os
import resource
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from daemon.ledger.ledger import Ledger, open_ledger
from tests.parts.steps import a_case

SMALL = 2 * 1024 * 1024  # bytes


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


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:///{folder}/missing/ledger.db", "No such file or directory; see that its folder exists"),
        ("sqlite:///{folder}", "Is a directory"),
        ("sqlite://", "needs a plain file"),
        ("sqlite:///:memory:", "needs a plain file"),
        ("sqlite:///{folder}/x.db?mode=ro", "needs a plain file"),
        ("hunter2", "not a database URL"),
    ],
)
def test_a_store_that_cannot_be_is_refused_in_a_sentence(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(PermanentError, match=told) as failure, open_ledger(url.format(folder=tmp_path)):
        pass
    assert "hunter2" not in repr(failure.value)


def test_the_file_is_its_owners_alone_and_every_commit_reaches_the_disk(file_ledger: Ledger, tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path / 'own.db'}") as own:
        a_case(own)
        assert {oct(file.stat().st_mode & 0o777) for file in tmp_path.glob("own.db*")} == {"0o600"}
    with file_ledger.database.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
