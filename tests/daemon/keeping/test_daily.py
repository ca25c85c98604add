"""A job runs once a day, whichever daemon comes first, and is taken over from one that died."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cases.errors import TemporaryError
from daemon.clock import ManualClock
from daemon.keeping.copies import copies, looked_into
from daemon.keeping.daily import AGAIN, TIME_OUT, Daily, Errand, OnceADay
from daemon.keeping.jobs import folder_of, jobs_of
from daemon.ledger.ledger import Ledger
from tests.daemon.keeping.filled import a_closed_case, whole
from tests.parts.settings import some_settings
from tests.parts.stores import Place

TWO = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass
class Work:
    """A job at three in the morning, and when it ran."""

    clock: ManualClock
    ran: list[str] = field(default_factory=list[str])
    fails: bool = False

    def job(self) -> Daily:
        return Daily(name="sweep", hour=3, work=self.work)

    def work(self, errand: Errand) -> Mapping[str, str]:
        del errand
        if self.fails:
            raise TemporaryError("the disk is full")
        self.ran.append(f"{self.clock.now():%d %H:%M}")
        return {"swept": "1"}


def never() -> bool:
    return False


def test_it_runs_once_a_day_at_its_hour_over_all_daemons(place: Place) -> None:
    clock = ManualClock(TWO)
    work = Work(clock)
    with place.opened(clock=clock) as one, place.opened(clock=clock) as two:
        daemons = [
            OnceADay(ledger.checkpoints, ledger.audit, clock, by=name) for ledger, name in ((one, "a"), (two, "b"))
        ]
        for _ in range(48):
            for daemon in daemons:
                daemon.look([work.job()], never)
            clock.advance(HOUR)
        assert work.ran == ["04 03:00", "05 03:00"]
        lines = [line for line in one.audit.listed() if line.action.startswith("job.")]
        assert [(line.action, line.detail["job"]) for line in lines] == [
            ("job.began", "sweep"),
            ("job.done", "sweep"),
        ] * 2
        assert [line.parent for line in lines] == [None, lines[0].seq, None, lines[2].seq]
        standing = daemons[1].standing("sweep")
        assert standing is not None
        assert (standing.done, standing.until) == (datetime(2026, 3, 5, 3, tzinfo=UTC), None)
        whole(one)


def test_daemons_that_look_at_the_same_moment_run_it_once(place: Place) -> None:
    clock = ManualClock(TWO)
    work = Work(clock)
    together = threading.Barrier(4)
    with place.opened(clock=clock) as ledger:
        OnceADay(ledger.checkpoints, ledger.audit, clock, by="first").look([work.job()], never)
        clock.advance(HOUR)

        def look(name: str) -> None:
            with place.opened(clock=clock) as own:
                together.wait(20)
                OnceADay(own.checkpoints, own.audit, clock, by=name).look([work.job()], never)

        threads = [threading.Thread(target=look, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert work.ran == ["04 03:00"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TWO)


@pytest.fixture
def work(clock: ManualClock) -> Work:
    return Work(clock)


@pytest.fixture
def once(file_ledger: Ledger, clock: ManualClock, work: Work) -> OnceADay:
    """A daemon that has looked before the hour came."""
    once = OnceADay(file_ledger.checkpoints, file_ledger.audit, clock, by="a")
    once.look([work.job()], never)
    return once


def test_a_new_ledger_waits_for_the_hour(once: OnceADay, work: Work) -> None:
    once.look([work.job()], never)
    assert work.ran == []


def test_a_night_that_nobody_was_awake_for_is_made_up_once(once: OnceADay, work: Work, clock: ManualClock) -> None:
    clock.advance(5 * DAY + 7 * HOUR)
    once.look([work.job()], never)
    once.look([work.job()], never)
    assert work.ran == ["09 09:00"]


def test_a_daemon_that_dies_leaves_it_to_another_after_its_time(
    once: OnceADay, work: Work, clock: ManualClock, file_ledger: Ledger
) -> None:
    clock.advance(HOUR)

    def die(_: Errand) -> Mapping[str, str]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once.look([Daily(name="sweep", hour=3, work=die)], never)
    other = OnceADay(file_ledger.checkpoints, file_ledger.audit, clock, by="b")
    clock.advance(TIME_OUT - timedelta(seconds=1))
    other.look([work.job()], never)
    assert work.ran == []
    clock.advance(timedelta(seconds=1))
    other.look([work.job()], never)
    assert work.ran == ["04 03:10"]


def test_one_that_failed_is_tried_again_after_an_hour_and_said(
    once: OnceADay, work: Work, clock: ManualClock, file_ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    clock.advance(HOUR)
    work.fails = True
    after = Work(clock)
    with caplog.at_level(logging.ERROR):
        once.look([work.job(), Daily(name="sweep", hour=3, work=after.work)], never)
    assert "the job sweep failed, and is tried again: the disk is full" in caplog.text
    failed = file_ledger.audit.listed()[-1]
    assert (failed.action, failed.detail["because"]) == ("job.failed", "the disk is full")
    work.fails = False
    clock.advance(AGAIN - timedelta(seconds=1))
    once.look([work.job()], never)
    assert work.ran == []
    clock.advance(timedelta(seconds=1))
    once.look([work.job()], never)
    assert work.ran == ["04 04:00"]


def test_one_that_was_stopped_is_taken_up_by_whoever_looks_next(once: OnceADay, work: Work, clock: ManualClock) -> None:
    clock.advance(HOUR)
    ends = iter([False, True])
    stopped: Callable[[], bool] = lambda: next(ends)  # noqa: E731 - one line that says it
    work.fails = True
    once.look([work.job()], stopped)
    work.fails = False
    once.look([work.job()], never)
    assert work.ran == ["04 03:00"]


def test_a_clock_that_was_set_back_runs_nothing_twice_and_waits_for_nobody(
    once: OnceADay, work: Work, clock: ManualClock
) -> None:
    clock.advance(2 * DAY)
    once.look([work.job()], never)
    clock.set(TWO + DAY + 2 * HOUR)
    once.look([work.job()], never)
    assert work.ran == ["06 02:00"]
    work.fails = True
    clock.set(TWO + 5 * DAY)
    once.look([work.job()], never)
    work.fails = False
    clock.set(TWO + 4 * DAY + 2 * HOUR)  # what was written then lies far ahead now
    once.look([work.job()], never)
    assert work.ran == ["06 02:00", "08 04:00"]


def test_the_night_makes_a_copy_and_removes_what_is_old(file_ledger: Ledger, tmp_path: Path) -> None:
    clock = file_ledger.clock
    assert isinstance(clock, ManualClock)
    settings = some_settings(backup={"keep": 2}, retention={"cases": "20d"})
    folder = folder_of(settings, tmp_path / "home")
    assert folder == tmp_path / "home" / "backups"
    once = OnceADay(file_ledger.checkpoints, file_ledger.audit, clock, by="a")
    jobs = jobs_of(settings, file_ledger, folder)
    a_closed_case(file_ledger, "old", clock.now())
    once.look(jobs, never)
    for _ in range(3):
        clock.advance(10 * DAY)
        once.look(jobs, never)
    newest, older = copies(folder)
    assert (looked_into(newest).taken, looked_into(older).taken) == (clock.now(), clock.now() - 10 * DAY)
    assert looked_into(newest).closed_cases == 1
    assert whole(file_ledger) == {}
    done = [line.detail for line in file_ledger.audit.listed() if line.action == "job.done"]
    assert [detail["job"] for detail in done] == ["backup", "retention"] * 3
    assert done[-1]["cases"] == "1"


def test_who_keeps_no_copies_has_none_made_and_another_folder_may_be_named(file_ledger: Ledger, tmp_path: Path) -> None:
    none = some_settings(backup={"keep": 0, "folder": str(tmp_path / "there")})
    assert folder_of(none, tmp_path) == tmp_path / "there"
    assert [job.name for job in jobs_of(none, file_ledger, tmp_path)] == ["retention"]
