"""A metric that is scraped every few seconds, recorded: which series is exported when."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from cases.moments import milliseconds
from signals.recorded import RecordedSource, Recording

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def after(minutes: float) -> datetime:
    """A moment of the recording."""
    return START + timedelta(minutes=minutes)


def scraped(
    query: str, seen: Mapping[tuple[tuple[str, str], ...], Sequence[range]], every: int = 5, partial: str = ""
) -> RecordedSource:
    """Labels → the seconds (after START) in which a series with them is exported."""
    runs = [run for ranges in seen.values() for run in ranges]
    seconds = [s for s in range(min(r[0] for r in runs), max(r[-1] for r in runs) + 1) if s % every == 0]
    times = np.array([milliseconds(START) + 1000 * s for s in seconds], dtype=np.int64)
    values = np.array([[1.0 if any(s in r for r in ranges) else np.nan for s in seconds] for ranges in seen.values()])
    labels = tuple(dict(named) for named in seen)
    recording = Recording(times=times, values=values, labels=labels, partial=partial)
    return RecordedSource(name="main", recordings={query: recording})
