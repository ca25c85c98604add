"""Days and hours of a time zone: a day lasts 23, 24 or 25 hours, and begins when its calendar says so."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """How a project's time is cut: into days of its zone, or into hours. Every time here is UTC."""

    zone: ZoneInfo
    hourly: bool = False

    @property
    def longest(self) -> timedelta:
        """The longest bucket that there can be."""
        return _HOUR if self.hourly else 25 * _HOUR

    def floor(self, at: datetime) -> datetime:
        """The beginning of the bucket that a moment lies in."""
        local = at.astimezone(self.zone)
        if self.hourly:
            return at - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return self._begin(local.date())

    def after(self, begin: datetime) -> datetime:
        """The beginning of the next bucket, which is the end of this one."""
        return begin + _HOUR if self.hourly else self._begin(self.day(begin) + timedelta(days=1))

    def day(self, at: datetime) -> date:
        """The day of the zone that a moment lies in."""
        return at.astimezone(self.zone).date()

    def _begin(self, day: date) -> datetime:
        # Where midnight is skipped this is the first moment after it; where it comes twice, the first of the two.
        return datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whole buckets that are asked for: from `first` up to `end`, which is not part of it; both are UTC."""

    first: datetime
    end: datetime
    buckets: Buckets

    @property
    def first_day(self) -> date:
        """The first day of it, in the project's zone."""
        return self.buckets.day(self.first)

    @property
    def last_day(self) -> date:
        """The last day of it, itself included."""
        return self.buckets.day(self.end - timedelta(microseconds=1))

    def agrees(self, zone: str) -> bool:
        """Whether the limits of the span are limits in a zone of that name, too. Zones have several names."""
        try:
            theirs = Buckets(zone=ZoneInfo(zone), hourly=self.buckets.hourly)
        except (ValueError, KeyError, OSError):
            return False
        return theirs.floor(self.first) == self.first and theirs.floor(self.end) == self.end
