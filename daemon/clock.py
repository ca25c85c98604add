"""The two clocks: the machine's, and one that is set by hand. The only home of `datetime.now`."""

import threading
import time
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue

from cases.moments import utc

NO_TIME = timedelta(0)


class SystemClock:
    """The machine's clock (see `cases.ports.Clock`). Once woken it stays awake: it is woken to end.

    The bell is a SimpleQueue and no Event, because a signal's handler rings it: it runs in the very thread that waits,
    and an Event's lock could be held there at that moment. SimpleQueue's `put` is made for that.
    """

    def __init__(self) -> None:
        self._bell: SimpleQueue[None] = SimpleQueue()

    def now(self) -> datetime:
        """The wall clock, in UTC. It may step back: intervals belong to `monotonic`."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def wait(self, duration: timedelta) -> bool:
        """Wait that long, or until `wake`. True when it was woken."""
        seconds = min(max(duration.total_seconds(), 0.0), threading.TIMEOUT_MAX)
        try:
            self._bell.get(timeout=seconds)
        except Empty:
            return False
        self._bell.put(None)  # it rings on, for whoever else waits or will
        return True

    def wake(self) -> None:
        """End every wait, now and from now on. Safe in a signal's handler and from any thread."""
        self._bell.put(None)


class ManualClock:
    """A clock that stands still until it is moved; waiting moves it and takes no time. Safe for threads."""

    def __init__(self, now: datetime) -> None:
        self._now = utc(now, "a manual clock")
        self._seconds = 0.0
        self._woken = False
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time it was set to."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Seconds that it was moved on since it was made; setting the wall clock leaves them alone."""
        with self._lock:
            return self._seconds

    def wait(self, duration: timedelta) -> bool:
        """Move on by the duration, unless it was woken. True when it was."""
        with self._lock:
            woken = self._woken
        if not woken:
            self.advance(max(duration, NO_TIME))
        return woken

    def advance(self, duration: timedelta) -> None:
        """Move on. ValueError for a step back: that is what `set` is for."""
        if duration < NO_TIME:
            raise ValueError(f"time goes on: {duration} is a step back")
        with self._lock:
            self._now += duration
            self._seconds += duration.total_seconds()

    def set(self, now: datetime) -> None:
        """Set the wall clock, back or forth, as a time server or a human may."""
        with self._lock:
            self._now = utc(now, "a manual clock")

    def wake(self) -> None:
        """End every wait from now on."""
        with self._lock:
            self._woken = True
