"""The signal file and the log of pulls: what pauses, what is let go, and by whom."""

import os
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cases.errors import TemporaryError
from cases.leases import Pause
from cases.stores import Levers
from daemon.clock import ManualClock
from daemon.home import Home
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.tables import levers as pulls
from daemon.levers import FileLever, levers_of
from tests.parts.nouns import NOW
from tests.parts.settings import some_settings

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=clock) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pause"


def by(file: Path) -> str:
    return f"file:{socket.gethostname()}:{file}"


def pulled(ledger: Ledger) -> int:
    with ledger.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(pulls)).scalar_one()


class Away:
    """A ledger that cannot be reached."""

    def paused(self) -> Pause | None:
        raise TemporaryError("the ledger is locked")

    def pause(self, pause: Pause, *, once: bool = False) -> None:
        raise TemporaryError(f"the ledger is locked: {pause} {once}")

    def resume(self, by: str, at: datetime, *, of: str = "", once: bool = False) -> bool:
        raise TemporaryError(f"the ledger is locked: {by} {at} {of} {once}")


def test_the_file_pauses_at_the_next_look_and_its_end_lets_go(ledger: Ledger, file: Path, clock: ManualClock) -> None:
    lever: Levers = FileLever(ledger.levers, file, clock)
    assert lever.paused() is None
    file.write_text("the database is being moved\nmore lines\n")
    assert lever.paused() == Pause(by=by(file), reason="the database is being moved", since=NOW)
    assert ledger.levers.paused() == lever.paused()
    file.unlink()
    assert lever.paused() is None
    assert ledger.levers.paused() is None
    assert pulled(ledger) == 2  # one pull, one letting go, however often it was asked


def test_a_daemon_that_died_meanwhile_is_no_reason_to_stay_paused_or_to_go_on(
    ledger: Ledger, file: Path, clock: ManualClock
) -> None:
    file.touch()
    assert FileLever(ledger.levers, file, clock).paused()
    clock.advance(SECOND)
    again = FileLever(ledger.levers, file, clock)  # the next life, with the file still there
    assert again.paused() == Pause(by=by(file), reason="pause is there", since=NOW)
    file.unlink()
    assert FileLever(ledger.levers, file, clock).paused() is None  # the one after, once it is gone
    assert pulled(ledger) == 2


def test_what_a_human_pulled_is_theirs_to_let_go(ledger: Ledger, file: Path, clock: ManualClock) -> None:
    lever, human = FileLever(ledger.levers, file, clock), Pause(by="human:sre", reason="maintenance", since=NOW)
    ledger.levers.pause(human)
    file.touch()
    assert lever.paused() == human
    file.unlink()
    assert lever.paused() == human
    # pulled while the file's own was in force: it takes its place
    ledger.levers.resume("human:sre", NOW)
    file.touch()
    assert lever.paused() is not None
    ledger.levers.pause(human)
    file.unlink()
    assert lever.paused() == human


def test_a_human_who_resumes_does_not_overrule_the_file(ledger: Ledger, file: Path, clock: ManualClock) -> None:
    lever = FileLever(ledger.levers, file, clock)
    file.touch()
    lever.paused()
    ledger.levers.resume("human:sre", NOW)
    assert lever.paused() is not None
    assert ledger.levers.paused() is not None


def test_every_daemon_of_the_store_stands_still(ledger: Ledger, file: Path, clock: ManualClock, tmp_path: Path) -> None:
    other = FileLever(ledger.levers, tmp_path / "elsewhere", clock)
    lever = FileLever(ledger.levers, file, clock)
    file.touch()
    lever.paused()
    told = other.paused()
    assert told is not None
    assert told.by == by(file)
    (tmp_path / "elsewhere").touch()  # a second file, while the first one's pause is in force
    other.paused()
    file.unlink()
    lever.paused()
    assert (now := other.paused()) is not None
    assert now.by == by(tmp_path / "elsewhere")


def test_it_holds_though_the_ledger_is_away(file: Path, clock: ManualClock, ledger: Ledger) -> None:
    lever = FileLever(Away(), file, clock)
    with pytest.raises(TemporaryError):
        lever.paused()  # nobody knows, so nothing is done
    file.write_text("stop")
    assert lever.paused() == Pause(by=by(file), reason="stop", since=NOW)
    assert FileLever(ledger.levers, file, clock).paused()
    file.unlink()


def test_a_pause_that_cannot_be_taken_back_yet_goes_on(ledger: Ledger, file: Path, clock: ManualClock) -> None:
    file.touch()
    FileLever(ledger.levers, file, clock).paused()
    file.unlink()

    class Full(Away):
        def paused(self) -> Pause | None:
            return ledger.levers.paused()

    assert FileLever(Full(), file, clock).paused() is not None
    assert FileLever(ledger.levers, file, clock).paused() is None


@pytest.mark.parametrize("shape", ["folder", "pipe", "dangling", "loop", "below a file", "binary"])
def test_whatever_stands_there_pauses(ledger: Ledger, file: Path, clock: ManualClock, shape: str) -> None:
    looked = file
    match shape:
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case "dangling":
            file.symlink_to("nowhere")
        case "loop":
            (file.parent / "a").symlink_to("b")
            (file.parent / "b").symlink_to("a")
            looked = file.parent / "a" / "pause"
        case "below a file":
            file.touch()
            looked = file / "pause"
        case _:
            file.write_bytes(b"\xff\x00\x1b[31m @everyone <!-- x -->" + b"a" * 10_000_000)
    told = FileLever(ledger.levers, looked, clock).paused()
    assert told is not None
    assert told.reason
    assert len(told.reason) <= 300
    assert all(character.isprintable() or character == "\u2060" for character in told.reason)
    assert "<!--" not in told.reason


def test_many_threads_pull_once(ledger: Ledger, file: Path, clock: ManualClock) -> None:
    lever, start = FileLever(ledger.levers, file, clock), threading.Barrier(8)
    file.touch()
    threads = [threading.Thread(target=lambda: (start.wait(), lever.paused())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pulled(ledger) == 1


def test_the_file_is_beside_the_daemons_of_the_place_unless_it_is_named(
    ledger: Ledger, clock: ManualClock, tmp_path: Path
) -> None:
    home = Home(name="host-1", folder=tmp_path / "homes" / "1")
    home.folder.mkdir(parents=True)
    usual = levers_of(some_settings(), home, ledger.levers, clock)
    (tmp_path / "homes" / "pause").touch()
    assert usual.paused()
    (tmp_path / "homes" / "pause").unlink()
    assert usual.paused() is None
    stop = tmp_path / "stop"
    named = levers_of(some_settings(levers={"pause_file": str(stop)}), home, ledger.levers, clock)
    stop.touch()
    assert named.paused()


def test_a_pull_that_is_asked_for_once_is_pulled_once(ledger: Ledger) -> None:
    said = Pause(by="comment:sre", reason="wait", since=NOW)
    ledger.levers.pause(said, once=True)
    ledger.levers.resume("human:boss", NOW + SECOND)
    ledger.levers.pause(said, once=True)  # the same comment, heard again after a kill
    assert ledger.levers.paused() is None
    assert ledger.levers.resume("comment:sre", NOW, of="comment:sre") is False
    ledger.levers.pause(said)
    assert ledger.levers.resume("comment:sre", NOW + SECOND, of="comment:other") is False
    assert ledger.levers.resume("comment:sre", NOW + SECOND, of="comment:sre") is True
