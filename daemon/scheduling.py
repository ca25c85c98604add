"""The calendar: a look at the jobs of the day, each quarter of an hour.

Polling never runs here: it keeps to the monotonic clock. (APScheduler follows the wall clock, and stands still for an
hour when that is set back by one.) Which jobs are due, and which daemon runs them, is said in `daemon.keeping.daily`.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from daemon.clock import SystemClock

FIRST = timedelta(minutes=1)
"""How long after the start the first look is: cases in hand go first, then what was missed is made up."""
LATE_S = 15 * 60  # a look that a sleeping machine missed is worth as much as the next one


class Calendar:
    """Looks each quarter of an hour, and soon after the start, on one background thread.

    Each look is given a function that says whether to stop. One that fails is logged with its trace. `with calendar:`
    starts it, and stops it at the end.
    """

    def __init__(self) -> None:
        self._scheduler = _scheduler()
        self._stopping = threading.Event()

    def every_quarter(self, look: Callable[[Callable[[], bool]], object]) -> None:
        """Call it at 0, 15, 30 and 45 minutes past each hour. The next look waits for it."""
        first = SystemClock().now() + FIRST
        self._scheduler.add_job(look, "cron", [self._stopping.is_set], minute="*/15", next_run_time=first)

    def due(self) -> datetime | None:
        """When the next look is; None when there is none."""
        times: list[datetime] = [job.next_run_time for job in self._scheduler.get_jobs()]
        return min(times, default=None)

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End. A look that is under way is told to stop, and waited for: it may hold the ledger."""
        self._stopping.set()
        self._scheduler.shutdown(wait=True)


def _scheduler() -> Any:  # noqa: ANN401 - the library has no types
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    return BackgroundScheduler(
        timezone=UTC,
        daemon=True,
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "misfire_grace_time": LATE_S, "max_instances": 1},
    )
