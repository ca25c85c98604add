"""How the process ends: in order at SIGTERM and SIGINT, within seconds whatever hangs; or as `kill -9` would have it.

A signal wakes the clock, and whatever waits on it ends in order: the present step of each case, and no more. What hangs
meanwhile (a query that is never answered) is cut off: the last acts are done, and the process is gone. Whoever starts
next goes on from the ledger, as after any crash.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from daemon.clock import SystemClock

log = logging.getLogger("trackwalker.endings")

PATIENCE_S = 3.5  # with the last acts below the five seconds in which it promises to be gone
ACT_S = 0.6  # for each last act; they are done beside each other


class Ending:
    """What is done at the very last, when an orderly end takes too long. Safe for threads."""

    def __init__(self) -> None:
        self._acts: list[tuple[str, Callable[[], object]]] = []
        self._lock = threading.Lock()

    @contextmanager
    def at_last(self, name: str, act: Callable[[], object]) -> Generator[None]:
        """Within the block, the act is among the last ones. It must be short, and may come at any moment."""
        entry = (name, act)
        with self._lock:
            self._acts.append(entry)
        try:
            yield
        finally:
            with self._lock:
                self._acts.remove(entry)

    def act(self) -> None:
        """Do them all, newest first, each on a thread of its own, for as long as there is time."""
        with self._lock:
            acts = list(reversed(self._acts))
        threads = [threading.Thread(target=_tried, args=entry, daemon=True) for entry in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(ACT_S)


def _tried(name: str, act: Callable[[], object]) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - the process ends in any case; the next one finds out
        log.error("at the last: %s: %s", name, error)  # noqa: TRY400 - a sentence, no trace


@contextmanager
def ending_on_signals(clock: SystemClock, patience_s: float = PATIENCE_S) -> Generator[Ending]:
    """Within the block, a signal to end wakes the clock for good; the old handlers come back afterwards.

    When the block is not over that many seconds later, the last acts are done and the process ends with status 0.
    """
    bell: SimpleQueue[None] = SimpleQueue()  # as in `SystemClock`: a signal's handler rings it
    over = threading.Event()
    ending = Ending()

    def wake(number: int, frame: FrameType | None) -> None:
        del number, frame
        clock.wake()
        bell.put(None)

    def cut() -> None:
        bell.get()
        if over.wait(patience_s):
            return
        log.warning("something hangs: it is cut off, and goes on at the next start")
        ending.act()
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)

    watcher = threading.Thread(target=cut, name="ending", daemon=True)
    watcher.start()
    before = {number: signal.signal(number, wake) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        over.set()
        bell.put(None)
        watcher.join(timeout=1)
