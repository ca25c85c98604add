"""What runs beside the cases: each piece of work at its own pace, one of each at a time, on the executor's threads."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import timedelta

from cases.ports import Clock


@dataclass(slots=True, kw_only=True)
class Chore:
    """Work that is done every so often. One that overran is skipped, never queued. The first time is at once."""

    name: str
    every: timedelta
    work: Callable[[], object]
    due: float = field(default=float("-inf"), init=False)  # monotonic seconds


class Beside:
    """Runs work beside the cases. For one thread: the loop's."""

    def __init__(self, executor: Executor, clock: Clock) -> None:
        self._executor = executor
        self._clock = clock
        self._running: dict[str, Future[object]] = {}

    def __bool__(self) -> bool:
        return bool(self._running)

    def __contains__(self, name: str) -> bool:
        return name in self._running

    def begin(self, name: str, work: Callable[[], object]) -> bool:
        """Let it run, unless it does already. Whether it was begun."""
        if name in self._running:
            return False
        self._running[name] = self._executor.submit(work)
        return True

    def begin_due(self, chore: Chore) -> bool:
        """Let it run when it is time."""
        now = self._clock.monotonic()
        if now < chore.due or not self.begin(chore.name, chore.work):
            return False
        chore.due = max(chore.due + chore.every.total_seconds(), now)
        return True

    def ended(self) -> list[str]:
        """Take in what has ended; the names of all that went well. The first error is raised, once all are taken in."""
        done = [name for name, future in self._running.items() if future.done()]
        futures = {name: self._running.pop(name) for name in done}
        errors = [error for future in futures.values() if (error := future.exception()) is not None]
        if errors:
            raise errors[0]
        return done
