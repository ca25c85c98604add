"""The time limit of a query: whoever reads a database asks it to stop from another thread."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, event

_AGAIN = 0.1  # seconds


class Limit:
    """Stops the connection of an engine that is in use when the time is up, and again until its user has seen it.

    expired  whether the time was up in the last block
    """

    def __init__(self, engine: Engine) -> None:
        # Before SQLAlchemy's own first questions to the server: they are under the limit as well.
        event.listen(engine, "connect", self._guard, insert=True)
        event.listen(engine, "close", self._release, insert=True)
        self.expired = False
        self._opened: object = None
        self._lock = threading.Lock()

    @contextmanager
    def lasting(self, duration: timedelta, stop: Callable[[Any], None]) -> Generator[None]:
        """From now on, and until the end of the block, at the most."""
        self.expired, self._opened = False, None
        done = threading.Event()
        watchdog = threading.Thread(target=self._watch, args=(done, duration.total_seconds(), stop), daemon=True)
        watchdog.start()
        try:
            yield
        finally:
            done.set()
            watchdog.join()
            self._opened = None

    def _guard(self, opened: object, _record: object) -> None:
        """This is the driver's connection now."""
        with self._lock:
            self._opened = opened

    def _release(self, opened: object, _record: object) -> None:
        """The driver's connection is about to be closed: what is closed cannot be stopped."""
        with self._lock:
            if self._opened is opened:
                self._opened = None

    def _watch(self, done: threading.Event, seconds: float, stop: Callable[[Any], None]) -> None:
        while not done.wait(seconds):
            with self._lock:
                self.expired = True
                if self._opened is not None:
                    stop(self._opened)
            seconds = _AGAIN  # an interrupt between two statements is lost
