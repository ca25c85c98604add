"""Calendar jobs run at their hour, on a thread that ends when it is told to."""

import logging
import threading
import time
from datetime import timedelta

import pytest

from daemon.clock import SystemClock
from daemon.scheduling import Calendar


def have_the_hour_come(calendar: Calendar) -> None:
    for job in calendar._scheduler.get_jobs():  # pyright: ignore[reportPrivateUsage] - no hour will come in a test
        job.modify(next_run_time=SystemClock().now())


def test_a_daily_job_is_due_at_its_hour_in_utc_within_a_day() -> None:
    calendar = Calendar()
    calendar.every_day_at(3, list)
    with calendar:
        due = calendar.due()
    assert due is not None
    assert (due.hour, due.minute, due.second, due.utcoffset()) == (3, 0, 0, timedelta(0))
    assert timedelta(0) < due - SystemClock().now() <= timedelta(days=1)


def test_an_empty_calendar_has_nothing_due() -> None:
    with Calendar() as calendar:
        assert calendar.due() is None


def test_a_job_runs_when_its_hour_has_come_and_is_due_again_the_next_day() -> None:
    ran = threading.Event()
    calendar = Calendar()
    calendar.every_day_at(3, ran.set)
    with calendar:
        have_the_hour_come(calendar)
        assert ran.wait(5)
        due = calendar.due()
    assert due is not None
    assert due > SystemClock().now()


def test_a_job_that_fails_is_logged_and_the_others_still_run(caplog: pytest.LogCaptureFixture) -> None:
    ran = threading.Event()
    calendar = Calendar()
    calendar.every_day_at(3, lambda: 1 / 0)
    calendar.every_day_at(4, ran.set)
    with calendar, caplog.at_level(logging.ERROR):
        have_the_hour_come(calendar)
        assert ran.wait(5)
    assert "ZeroDivisionError" in caplog.text


def test_it_stops_within_a_second_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    calendar = Calendar()
    calendar.every_day_at(3, list)
    calendar.start()
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon
    began = time.monotonic()
    calendar.stop()
    assert time.monotonic() - began < 1
    assert not thread.is_alive()
