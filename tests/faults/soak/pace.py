"""A clock that runs many times as fast as the machine's."""

from datetime import datetime, timedelta

from daemon.clock import SystemClock

SHORTEST = timedelta(milliseconds=10)
"""The shortest real wait: a pause between two turns at full pace would be no pause any more, only work."""


class PacedClock(SystemClock):
    """Runs `speed` times as fast as the machine since `zero` (its monotonic seconds), when it showed `origin`."""

    def __init__(self, origin: datetime, zero: float, speed: float) -> None:
        super().__init__()
        self._origin = origin
        self._zero = zero
        self._speed = speed

    def now(self) -> datetime:
        return self._origin + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (super().monotonic() - self._zero) * self._speed

    def wait(self, duration: timedelta) -> bool:
        return super().wait(max(duration / self._speed, SHORTEST))
