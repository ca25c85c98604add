"""SIGTERM and SIGINT wake the clock, and whatever waits on it ends in order."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from daemon.clock import SystemClock


@contextmanager
def ending_on_signals(clock: SystemClock) -> Generator[None]:
    """Within the block, a signal to end wakes the clock for good; the old handlers come back afterwards."""

    def wake(number: int, frame: FrameType | None) -> None:
        del number, frame
        clock.wake()

    before = {number: signal.signal(number, wake) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
