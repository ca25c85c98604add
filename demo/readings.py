"""The recorder's memory: samples of series, lookback and staleness as Prometheus has them, and its `rate`."""

import threading
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from demo.history import History
from demo.rules import Rule
from demo.selector import Labels, Selector, parse_selector

LOOKBACK_MS = 5 * 60 * 1000
"""How old a sample may be and still be the value of its series."""
EDGE = 1.1
"""A window's edge further from a sample than this many mean distances is not extrapolated to."""

Millis = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Key = frozenset[tuple[str, str]]


@dataclass(slots=True)
class _Series:
    labels: dict[str, str]
    times: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, time_ms: int, value: float) -> None:
        if not self.times or time_ms > self.times[-1]:  # like Prometheus, drop what comes out of order
            self.times.append(time_ms)
            self.values.append(value)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """A copy of one series: labels with the name, int64 ms ascending, float64 of the same length; NaN ends a series.

    The NaN is the mark that the series went stale there; no target of ours exposes NaN as a value.
    """

    labels: dict[str, str]
    times: Millis
    values: Floats

    def at(self, times_ms: Millis) -> Floats:
        """The value at each time: the newest sample of the five minutes before, NaN where there is none."""
        if not len(self.times):
            return np.full(len(times_ms), np.nan)
        newest = np.searchsorted(self.times, times_ms, side="right") - 1
        fresh = (newest >= 0) & (times_ms - self.times[newest] < LOOKBACK_MS)
        return np.where(fresh, self.values[newest], np.nan)

    def between(self, first_ms: int, last_ms: int) -> "Readings":
        """The samples of a window, both ends in it, without marks of staleness."""
        inside = (self.times >= first_ms) & (self.times <= last_ms) & ~np.isnan(self.values)
        return Readings(labels=self.labels, times=self.times[inside], values=self.values[inside])


class Memory:
    """All series, written by one scraper and read by many requests."""

    def __init__(self) -> None:
        self._series: dict[Key, _Series] = {}
        self._lock = threading.Lock()

    def preload(self, history: History) -> None:
        """Take over the history."""
        times = array("q", (history.times * 1000).tolist())
        with self._lock:
            for labels, values in history.series:
                loaded = _Series(labels=dict(labels), times=array("q", times), values=array("d", values.tolist()))
                self._series[frozenset(labels.items())] = loaded

    def add(self, time_ms: int, samples: Iterable[tuple[Labels, float]]) -> set[Key]:
        """Store samples of one moment; return which series they belong to."""
        written: set[Key] = set()
        with self._lock:
            for labels, value in samples:
                key = frozenset(labels.items())
                series = self._series.setdefault(key, _Series(labels=dict(labels)))
                series.add(time_ms, value)
                written.add(key)
        return written

    def end(self, time_ms: int, keys: Iterable[Key]) -> None:
        """Mark series stale: they were there a moment ago, and are not any more."""
        with self._lock:
            for key in keys:
                self._series[key].add(time_ms, np.nan)

    def select(self, selector: Selector, *, since_ms: int = 0) -> list[Readings]:
        """Copy the picked series, without what is older than `since_ms`, ordered by their labels."""
        with self._lock:
            picked = [series for series in self._series.values() if selector.accepts(series.labels)]
            copies = [self._copy(series, since_ms) for series in picked]
        return sorted(copies, key=lambda readings: sorted(readings.labels.items()))

    @staticmethod
    def _copy(series: _Series, since_ms: int) -> Readings:
        times = np.array(series.times, dtype=np.int64)
        first = int(np.searchsorted(times, since_ms))
        values = np.array(series.values, dtype=np.float64)
        return Readings(labels=dict(series.labels), times=times[first:], values=values[first:])


def rate(readings: Readings, *, end_ms: int, window_ms: int) -> float | None:
    """Per-second increase of a counter over the window that ends at `end_ms`; None with fewer than two samples.

    Prometheus's rule: a decrease is a restart from zero; the increase between the first and the last sample is
    stretched to the window's edges when these are about a sample away, else by half a mean distance, and never to
    before the counter was zero.
    """
    window = readings.between(end_ms - window_ms, end_ms)
    if len(window.times) < 2:  # noqa: PLR2004 - an increase needs two samples
        return None
    steps = np.diff(window.values)
    increase = float(np.where(steps < 0, window.values[1:], steps).sum())
    sampled = float(window.times[-1] - window.times[0])
    mean = sampled / (len(window.times) - 1)
    before = float(window.times[0]) - (end_ms - window_ms)
    after = end_ms - float(window.times[-1])
    if increase > 0:
        before = min(before, sampled * float(window.values[0]) / increase)
    stretched = sampled
    for gap in (before, after):
        stretched += gap if gap < EDGE * mean else mean / 2
    return increase * stretched / sampled / (window_ms / 1000)


def evaluate(rule: Rule, memory: Memory, *, at_ms: int, window_ms: int) -> list[tuple[dict[str, str], float]]:
    """The rule's samples at one moment: labels (with the record's name) and value; none for a group without traffic."""
    above = _sums(rule.numerator, rule, memory, at_ms=at_ms, window_ms=window_ms)
    if rule.denominator is None:
        return [({"__name__": rule.record, **dict(group)}, value) for group, value in above.items()]
    below = _sums(rule.denominator, rule, memory, at_ms=at_ms, window_ms=window_ms)
    return [
        ({"__name__": rule.record, **dict(group)}, value / below[group])
        for group, value in above.items()
        if below.get(group, 0.0) > 0
    ]


def _sums(
    selector: str, rule: Rule, memory: Memory, *, at_ms: int, window_ms: int
) -> dict[tuple[tuple[str, str], ...], float]:
    sums: dict[tuple[tuple[str, str], ...], float] = {}
    for readings in memory.select(parse_selector(selector), since_ms=at_ms - window_ms):
        value = rate(readings, end_ms=at_ms, window_ms=window_ms)
        if value is not None:
            group = tuple((label, readings.labels[label]) for label in rule.by if label in readings.labels)
            sums[group] = sums.get(group, 0.0) + value
    return sums
