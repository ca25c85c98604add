"""Both clocks keep the same contract; the given one is moved by hand."""

import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from types import FrameType

import pytest

from cases.ports import Clock
from daemon.clock import ManualClock, SystemClock
from tests.parts.nouns import NOW

SHORT = timedelta(milliseconds=20)


@pytest.fixture(params=[SystemClock, lambda: ManualClock(NOW)], ids=["system", "manual"])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def test_it_is_in_utc_and_goes_on_while_one_waits(clock: Clock) -> None:
    before, seconds = clock.now(), clock.monotonic()
    assert clock.wait(SHORT) is False
    assert before.utcoffset() == timedelta(0)
    assert clock.now() - before >= SHORT
    assert clock.monotonic() - seconds >= SHORT.total_seconds() * 0.99


def test_waiting_for_nothing_or_less_returns_at_once(clock: Clock) -> None:
    before = clock.now()
    assert [clock.wait(timedelta(0)), clock.wait(timedelta(days=-1))] == [False, False]
    assert clock.now() >= before


def test_once_woken_no_wait_lasts(clock: Clock) -> None:
    assert isinstance(clock, SystemClock | ManualClock)
    clock.wake()
    before = clock.now()
    assert [clock.wait(timedelta(days=1)), clock.wait(timedelta(days=400_000))] == [True, True]
    assert clock.now() - before < timedelta(seconds=5)


def test_a_wait_is_ended_from_another_thread() -> None:
    clock = SystemClock()
    threading.Timer(0.05, clock.wake).start()
    began = time.monotonic()
    assert clock.wait(timedelta(hours=1)) is True
    assert time.monotonic() - began < 5


def test_every_thread_that_waits_is_woken() -> None:
    clock = SystemClock()
    woken = list[bool]()
    waiting = [threading.Thread(target=lambda: woken.append(clock.wait(timedelta(hours=1)))) for _ in range(5)]
    for thread in waiting:
        thread.start()
    clock.wake()
    for thread in waiting:
        thread.join(5)
    assert woken == [True] * 5


def test_a_signals_handler_may_wake_it_in_the_very_thread_that_waits() -> None:
    clock = SystemClock()

    def handler(_number: int, _frame: FrameType | None) -> None:
        clock.wake()

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGUSR1]).start()
        began = time.monotonic()
        assert clock.wait(timedelta(seconds=10)) is True
        assert time.monotonic() - began < 5
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_given_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(NOW)
    assert clock.now() == clock.now() == NOW
    clock.advance(timedelta(hours=9))
    assert (clock.now(), clock.monotonic()) == (NOW + timedelta(hours=9), 9 * 3600.0)
    with pytest.raises(ValueError, match="step back"):
        clock.advance(timedelta(seconds=-1))


def test_setting_the_wall_clock_back_leaves_intervals_alone() -> None:
    clock = ManualClock(NOW)
    clock.advance(timedelta(seconds=10))
    clock.set(NOW - timedelta(hours=1))
    assert (clock.now(), clock.monotonic()) == (NOW - timedelta(hours=1), 10.0)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="UTC"):
        ManualClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is tried
    with pytest.raises(ValueError, match="UTC"):
        ManualClock(NOW).set(datetime(2026, 1, 1))  # noqa: DTZ001 - the same
    assert ManualClock(datetime(2026, 1, 1, tzinfo=UTC)).now().year == 2026
