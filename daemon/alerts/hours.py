"""Hours in which nobody is disturbed but for what is urgent: quiet hours, and a service's maintenance.

What is not urgent waits in the outbox for their end: it is held, never lost.
"""

from dataclasses import dataclass
from datetime import datetime

from cases.steps import Notice
from daemon.alerts.labels import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Says what waits."""

    labels: Labels

    def until(self, notice: Notice, now: datetime) -> datetime | None:
        """Until when it waits; None when it may leave now. Raises TemporaryError when the ledger cannot be read."""
        schedule = self.labels.settings.schedule
        if schedule.quiet_hours is None and not schedule.maintenance:
            return None
        labels = self.labels.of(notice)
        if self.labels.urgent(labels):
            return None
        quiet = schedule.quiet_hours.ends(now) if schedule.quiet_hours is not None else None
        # A notice of no service is not muted by one's maintenance, and one of all services is everybody's.
        windows = (window.ends(labels["service"], now) for window in schedule.maintenance)
        return max((end for end in (quiet, *windows) if end is not None), default=None)
