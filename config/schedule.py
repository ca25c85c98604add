"""Settings of when the daemon holds back: maintenance, told beforehand."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from config.fields import Duration, Moment, Name, Text, TimeOfDay, Zone, lasting
from config.section import Section
from config.seldom_used import WhenUsed

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=7)


class MaintenanceSettings(Section):
    """One window of maintenance: once, from `start` to `end`; or every week, on the days of `weekly` from `at` on."""

    reason: Text
    """Why, in words: it is what the log says of each anomaly that was suppressed."""

    services: tuple[Name, ...] = ()
    """The services that are worked on. None: all of them."""

    start: Moment | None = None
    """When it begins, with its zone, as in 2026-03-01T02:00:00Z."""

    end: Moment | None = None
    """When it is over."""

    weekly: tuple[Weekday, ...] = ()
    """The days on which it begins, as in [sat, sun]."""

    at: TimeOfDay | None = None
    """When it begins on these days, as in "02:00"."""

    lasts: Annotated[Duration, lasting(SHORTEST, LONGEST)] | None = None
    """How long it lasts then. It may go past midnight. It is a length of time, whatever clocks are set to meanwhile."""

    zone: Zone = "UTC"
    """The time zone of `at`, as in Europe/Berlin."""

    def covers(self, service: str, now: datetime) -> bool:
        """Whether the service is in maintenance now."""
        return self.ends(service, now) is not None

    def ends(self, service: str, now: datetime) -> datetime | None:
        """When the service's maintenance of now is over; None when there is none now."""
        if self.services and service not in self.services:
            return None
        return max((end for begin, end in self._stretches(now) if begin <= now < end), default=None)

    def _stretches(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        if self.start is not None and self.end is not None:
            yield self.start, self.end
        if self.at is None or self.lasts is None:
            return
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        for back in range(self.lasts.days + 2):
            day = today - timedelta(days=back)
            if DAYS[day.weekday()] in self.weekly:
                begin = _instant(datetime.combine(day, self.at), zone)
                yield begin, begin + self.lasts


class QuietHoursSettings(Section):
    """Hours in which nobody is disturbed but for what is urgent."""

    from_: Annotated[TimeOfDay, Field(alias="from")]
    """When they begin, as in "22:00" (`from` in the file)."""

    to: TimeOfDay
    """When they end, as in "07:00"; at or before `from`: on the next day."""

    days: tuple[Weekday, ...] = DAYS
    """The days on which they begin, as in [fri, sat]. All of them."""

    zone: Zone = "UTC"
    """The time zone of both, as in Europe/Berlin. They follow its clocks in the nights when those are set."""

    def ends(self, now: datetime) -> datetime | None:
        """When the quiet hours of now are over; None when there are none now."""
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        for day in (today, today - timedelta(days=1)):
            if DAYS[day.weekday()] not in self.days:
                continue
            last = day if self.to > self.from_ else day + timedelta(days=1)
            begin, end = (
                _instant(datetime.combine(day, self.from_), zone),
                _instant(datetime.combine(last, self.to), zone),
            )
            if begin <= now < end:
                return end
        return None


class ScheduleSettings(Section):
    """When the daemon holds back."""

    quiet_hours: QuietHoursSettings | None = None
    """Hours in which notices and pull requests that are not urgent wait for their end. Urgent is what is of a page, or
    of high impact (`approvals.impact`), and every rollback. None: there are no such hours."""

    maintenance: Annotated[tuple[MaintenanceSettings, ...], WhenUsed()] = ()
    """Windows in which anomalies open no case. They are counted and logged, and what still lasts at the end of its
    window is taken up then."""


class FlappingSettings(Section):
    """When a signal comes and goes too often to be told each time."""

    times: Annotated[int, Field(ge=2, le=20)] = 3
    """How often a trouble opened a case and recovered by itself before its next case is taken for flapping. That case
    is told once, and stays open until the signal has been quiet for `within` divided by this."""

    within: Duration = timedelta(hours=2)
    """The stretch in which it is counted."""


def in_force(windows: Sequence[MaintenanceSettings], service: str, now: datetime) -> str:
    """Why the service is in maintenance now, or "" when it is not."""
    return next((window.reason for window in windows if window.covers(service, now)), "")


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment that a clock on the wall shows; of two that it shows alike the first one."""
    return local.replace(tzinfo=zone).astimezone(UTC)
