"""Times inside Trackwalker are aware and UTC; a naive one raises at birth."""

from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(at: datetime, what: str) -> datetime:
    """Return `at` if it is in UTC, else raise ValueError naming `what` carries it."""
    if at.tzinfo is None or at.utcoffset() != EPOCH.utcoffset():
        raise ValueError(f"{what} needs a UTC time, got {at!r}")
    return at


def iso(at: datetime) -> str:
    """`2026-01-02T03:04:05Z`: how every time leaves the program."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def milliseconds(at: datetime) -> int:
    """Epoch milliseconds, the time axis of a SeriesBlock."""
    return round((at - EPOCH).total_seconds() * 1000)


def from_milliseconds(ms: float) -> datetime:
    """The UTC time of epoch milliseconds."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)
