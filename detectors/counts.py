"""Counts: how often something came, by ten seconds for the last half hour, and by five minutes before that. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from cases.telemetry import Floats, Millis

BUCKET = timedelta(minutes=5)
"""How finely the counts are kept."""
FINE = timedelta(seconds=10)
RECENT = timedelta(minutes=30)
"""How finely, and for how long, the newest ones are kept: an onset lies minutes back, and parts before from since."""
REMEMBERED = timedelta(hours=25)
"""How far back: the same hour of the day before can still be compared with."""

BUCKET_MS, FINE_MS = BUCKET // timedelta(milliseconds=1), FINE // timedelta(milliseconds=1)


@dataclass(slots=True, kw_only=True)
class Counts:
    """When it came first and last (epoch milliseconds), and how often in each bucket: `fine` are the newest."""

    first: int
    last: int
    buckets: dict[int, int] = field(default_factory=dict[int, int])
    fine: dict[int, int] = field(default_factory=dict[int, int])

    def add(self, at: int, often: int = 1) -> None:
        """Count one, or several."""
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.fine[at // FINE_MS] = self.fine.get(at // FINE_MS, 0) + often

    def take(self, other: "Counts") -> None:
        """Count all that the other one has counted."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        for mine, theirs in ((self.buckets, other.buckets), (self.fine, other.fine)):
            for bucket, often in theirs.items():
                mine[bucket] = mine.get(bucket, 0) + often

    def age(self, recent: int, oldest: int) -> None:
        """Keep what came before `recent` in coarse buckets, and nothing from before `oldest`."""
        for place in [place for place in self.fine if (place + 1) * FINE_MS <= recent]:
            bucket = place * FINE_MS // BUCKET_MS
            self.buckets[bucket] = self.buckets.get(bucket, 0) + self.fine.pop(place)
        for bucket in [bucket for bucket in self.buckets if bucket < oldest // BUCKET_MS]:
            del self.buckets[bucket]

    @property
    def count(self) -> int:
        """How often in all that is remembered."""
        return sum(self.buckets.values()) + sum(self.fine.values())

    def between(self, since: int, until: int) -> int:
        """How often from `since` to `until`: a bucket that is cut is shared out by the time it was used in."""
        count = 0.0
        for start, end, seen in self._parts():
            inside = min(end, until) - max(start, since)
            count += seen * max(0, inside) / max(1, end - start)
        return round(count)

    def rates(self, times: Millis, step: int) -> Floats:
        """How often a second in the `step` milliseconds before each of `times`, shared out as `between` does."""
        parts = sorted(self._parts())
        if not parts:
            return np.zeros(len(times))
        edges = np.maximum.accumulate(
            np.array([edge for start, end, _ in parts for edge in (start, end)], dtype=np.float64)
        )
        seen = np.cumsum([float(part) for _, _, often in parts for part in (0, often)])
        since: Floats = np.interp(times, edges, seen) - np.interp(times - step, edges, seen)
        return since * (1000.0 / step)

    def _parts(self) -> Iterable[tuple[int, int, int]]:
        """(start, end, how often) of every bucket, cut to the time it was used in."""
        for size, buckets in ((BUCKET_MS, self.buckets), (FINE_MS, self.fine)):
            for bucket, seen in buckets.items():
                yield max(bucket * size, self.first), min((bucket + 1) * size, self.last + 1), seen

    def written(self) -> list[Any]:
        """The buckets as JSON has them."""
        return [list(self.buckets.items()), list(self.fine.items())]


def buckets_of(written: Sequence[Any]) -> tuple[dict[int, int], dict[int, int]]:
    """The coarse and the fine buckets that were written."""
    buckets, fine = written
    return dict(buckets), dict(fine)
