"""A backup is a ledger of one moment: whole or not there, whoever writes and whoever is killed meanwhile."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from daemon.keeping.backup import backed_up
from daemon.keeping.copies import advice, copies, looked_into, name_of, newest_healthy, thinned
from daemon.ledger.ledger import Ledger, open_ledger
from tests.daemon.keeping.filled import LEASE, NOW, a_closed_case, an_open_case, whole
from tests.parts.postgres import OWNERS_PASSWORD
from tests.parts.stores import Place

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(__file__).with_name("programs.py")


@contextmanager
def started(*words: str) -> Generator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, str(PROGRAMS), *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "STORE_PASSWORD": OWNERS_PASSWORD},
        start_new_session=True,
    ) as program:
        try:
            yield program
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def both_wrote(program: "subprocess.Popen[str]") -> None:
    """Wait until each of its two processes has written once more."""
    assert program.stdout is not None
    seen: set[str] = set()
    while len(seen) < 2:
        seen.add(program.stdout.readline())
    assert "" not in seen, "it ended"


def test_a_backup_is_a_ledger_with_the_same_cases_and_nobody_else_can_read_it(ledger: Ledger, tmp_path: Path) -> None:
    an_open_case(ledger, "a")
    a_closed_case(ledger, "b")
    file = tmp_path / "copies" / name_of(NOW)
    found = backed_up(ledger, file, NOW)
    newest = ledger.audit.listed()[-1]
    assert found == looked_into(file)
    assert (found.taken, found.open_cases, found.closed_cases) == (NOW, 1, 1)
    assert (found.audit_seq, found.audit_hash) == (newest.seq, newest.hash)
    assert [path.name for path in file.parent.iterdir()] == ["trackwalker-20260304T050607Z.db"]
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    with open_ledger(f"sqlite:///{file}") as copy:
        assert whole(copy) == whole(ledger)
        assert copy.outbox.pending("a") == ledger.outbox.pending("a") != ()
        assert copy.audit.listed() == ledger.audit.listed()
        assert copy.lessons.newest() == ledger.lessons.newest() != ()
        assert copy.cases.claim("one", NOW, LEASE) is not None


@pytest.mark.parametrize("place", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)], indirect=True)
def test_a_backup_while_two_processes_write_is_of_one_moment(place: Place, tmp_path: Path) -> None:
    with started("write", place.url) as program, place.opened() as ledger:
        for number in range(2):
            both_wrote(program)
            backed_up(ledger, tmp_path / f"{number}.db", NOW)
        both_wrote(program)
    sizes: list[int] = []
    for number in range(2):
        with open_ledger(f"sqlite:///{tmp_path / f'{number}.db'}") as copy:
            sizes.append(len(whole(copy)))
    assert 2 <= sizes[0] < sizes[1], "they went on writing"


def test_kill_9_in_the_middle_leaves_nothing_that_looks_like_a_backup(tmp_path: Path) -> None:
    url, folder = f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path / "copies"
    with open_ledger(url) as ledger:
        for number in range(3):
            an_open_case(ledger, f"case{number}", body="x" * 4_000_000)
        with started("copy", url, str(folder)) as program:
            pause = threading.Event()
            while not [part for part in folder.glob("*.part") if part.stat().st_size]:
                assert program.poll() is None
                pause.wait(0.001)
        assert copies(folder) == ()
        assert newest_healthy(folder) is None
        assert len(list(folder.iterdir())) >= 1, "it was killed in the middle"
        backed_up(ledger, folder / name_of(NOW), NOW)
    assert [path.name for path in folder.iterdir()] == [name_of(NOW)], "what was left is swept up"


def test_a_backup_is_never_written_over_unless_it_is_asked_for(file_ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    file.write_text("precious")
    with pytest.raises(PermanentError, match=r"copy.db is there already"):
        backed_up(file_ledger, file, NOW)
    assert file.read_text() == "precious"
    backed_up(file_ledger, file, NOW, force=True)
    assert looked_into(file).taken == NOW


def test_a_full_disk_leaves_no_half_file_and_is_worth_another_try(ledger: Ledger, tmp_path: Path) -> None:
    an_open_case(ledger, "a", body="x" * 200_000)
    folder = tmp_path / "copies"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(TemporaryError, match=r"no backup.* full"):
            backed_up(ledger, folder / name_of(NOW), NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(folder.iterdir()) == []
    backed_up(ledger, folder / name_of(NOW), NOW)


def test_a_folder_that_cannot_be_written_is_said(file_ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match=r"no backup at .*see that this user may write in"):
        backed_up(file_ledger, tmp_path / "file" / "copy.db", NOW)


def test_it_stops_when_the_daemon_ends(ledger: Ledger, tmp_path: Path) -> None:
    an_open_case(ledger, "a")
    with pytest.raises(TemporaryError, match="as the daemon ends"):
        backed_up(ledger, tmp_path / "copies" / "copy.db", NOW, stopped=lambda: True)
    assert list((tmp_path / "copies").iterdir()) == []


def test_only_the_newest_stay_and_only_backups_go(file_ledger: Ledger, tmp_path: Path) -> None:
    days = [NOW + timedelta(days=day) for day in range(4)]
    for day in days:
        backed_up(file_ledger, tmp_path / name_of(day), day)
    (tmp_path / "trackwalker.db").touch()
    (tmp_path / "trackwalker-20200101T000000Z.db.old").touch()
    assert thinned(tmp_path, 2) == (tmp_path / name_of(days[1]), tmp_path / name_of(days[0]))
    assert copies(tmp_path) == (tmp_path / name_of(days[3]), tmp_path / name_of(days[2]))
    assert (tmp_path / "trackwalker.db").exists()
    assert (tmp_path / "trackwalker-20200101T000000Z.db.old").exists()


def test_the_newest_backup_that_is_healthy_is_the_one_that_is_named(file_ledger: Ledger, tmp_path: Path) -> None:
    config = tmp_path / "trackwalker.yaml"
    assert advice(tmp_path / "none", config) == f"there is no healthy backup in {tmp_path / 'none'}"
    an_open_case(file_ledger, "a")
    days = [NOW + timedelta(days=day) for day in range(3)]
    for day in days:
        backed_up(file_ledger, tmp_path / name_of(day), day)
    newest, second, oldest = copies(tmp_path)
    newest.write_text("no database at all")
    content = second.read_bytes()
    second.write_bytes(content[:4096] + bytes(byte ^ 0xFF for byte in content[4096:]))
    before = {path: path.read_bytes() for path in tmp_path.glob("trackwalker-*")}
    assert newest_healthy(tmp_path) == oldest
    assert f"`trackwalker restore --aside {oldest} --config {config}`" in advice(tmp_path, config)
    assert {path: path.read_bytes() for path in tmp_path.glob("trackwalker-*")} == before, "a look changes nothing"
