"""The calendar looks each quarter of an hour, on a thread that ends when it is told to."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from daemon.clock import SystemClock
from daemon.scheduling import FIRST, Calendar


def have_the_time_come(calendar: Calendar) -> None:
    for job in calendar._scheduler.get_jobs():  # pyright: ignore[reportPrivateUsage] - no minute passes in a test
        job.modify(next_run_time=SystemClock().now())


def nothing(stopped: Callable[[], bool]) -> None:
    del stopped


def test_the_first_look_is_soon_after_the_start_and_the_next_on_a_quarter() -> None:
    calendar = Calendar()
    began = SystemClock().now()
    looked = threading.Event()
    calendar.every_quarter(lambda _: looked.set())
    with calendar:
        first = calendar.due()
        have_the_time_come(calendar)
        assert looked.wait(5)
        second = calendar.due()
    assert first is not None
    assert second is not None
    assert timedelta(0) <= first - began - FIRST < timedelta(seconds=5)
    assert (second.minute % 15, second.second, second.utcoffset()) == (0, 0, timedelta(0))
    assert timedelta(0) < second - began <= timedelta(minutes=15)


def test_an_empty_calendar_has_nothing_due() -> None:
    with Calendar() as calendar:
        assert calendar.due() is None


def test_a_look_that_fails_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    looked = threading.Event()
    calendar = Calendar()
    calendar.every_quarter(lambda _: 1 / 0)
    calendar.every_quarter(lambda _: looked.set())
    with caplog.at_level(logging.ERROR), calendar:
        have_the_time_come(calendar)
        assert looked.wait(5)
    assert "ZeroDivisionError" in caplog.text


def test_it_stops_at_once_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    calendar = Calendar()
    calendar.every_quarter(nothing)
    calendar.start()
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon
    began = SystemClock().monotonic()
    calendar.stop()
    assert SystemClock().monotonic() - began < 1
    assert not thread.is_alive()


def test_a_look_under_way_is_told_to_stop_and_waited_for() -> None:
    began, ended, pause = threading.Event(), threading.Event(), threading.Event()

    def look(stopped: Callable[[], bool]) -> None:
        began.set()
        while not stopped():
            pause.wait(0.005)
        ended.set()

    calendar = Calendar()
    calendar.every_quarter(look)
    with calendar:
        have_the_time_come(calendar)
        assert began.wait(5)
    assert ended.is_set()
