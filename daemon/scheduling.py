"""Calendar jobs: what happens at an hour of the day. Polling never runs here: it keeps to the monotonic clock.

(APScheduler follows the wall clock, and stands still for an hour when that is set back by one.)
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self

LATE_S = 6 * 3600  # a daily job that a sleeping machine missed is still worth doing within the quarter of a day


class Calendar:
    """Jobs by the hour of the day, in UTC, on one background thread. A job that fails is logged with its trace.

    `with calendar:` starts it, and stops it at the end.
    """

    def __init__(self) -> None:
        self._scheduler = _scheduler()

    def every_day_at(self, hour: int, job: Callable[[], object]) -> None:
        """Run the job each day at that hour. It should take seconds: the next job waits for it."""
        self._scheduler.add_job(job, "cron", hour=hour)

    def due(self) -> datetime | None:
        """When the next job runs; None when there is none. Known from the start on."""
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
        """End at once. A job that is running is not waited for; its own transaction keeps it whole."""
        self._scheduler.shutdown(wait=False)


def _scheduler() -> Any:  # noqa: ANN401 - the library has no types
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    return BackgroundScheduler(
        timezone=UTC,
        daemon=True,
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "misfire_grace_time": LATE_S, "max_instances": 1},
    )
