"""The log stand-in's memory: lines in the order of their time, and the labels that Loki adds to them."""

import json
import re
import threading
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from demo.loki.logql import LogQuery, MetricQuery

MOST = 200_000
"""Lines that are kept: the oldest go first."""

Labels = Mapping[str, str]

_NAMES = ("service", "app", "application", "name", "app_kubernetes_io_name", "container", "job")
_LEVEL = re.compile(r'(?:^|[\s,{])"?(?:level|lvl|severity|LEVEL|SEVERITY)"?\s*[=:]\s*"?([A-Za-z]+)')
_LEVELS = {"err": "error", "warning": "warn", "information": "info", "emergency": "fatal"}
_KNOWN = ("fatal", "critical", "error", "warn", "info", "debug", "trace")


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line at a time in nanoseconds. Lines of one time keep the order in which they came."""

    at: int
    number: int
    text: str = field(compare=False)
    stream: Labels = field(compare=False)
    metadata: Labels = field(compare=False)

    @property
    def labels(self) -> dict[str, str]:
        """All that a query shows: the stream's labels, what was pushed beside the line, and what is detected in it."""
        return {**self.stream, **self.metadata, "detected_level": detected_level(self.text)}


class LogMemory:
    """All lines, written and read by many requests."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lines: list[Line] = []
        self._known: set[tuple[int, str, str]] = set()
        self._number = 0
        self._lock = threading.Lock()

    def add(self, stream: Labels, lines: Sequence[tuple[int, str, Labels]]) -> None:
        """Store the lines of one stream; like Loki, drop a stream without labels, and a line that is there already."""
        if not stream:
            return
        named = {**stream, "service_name": next((stream[n] for n in _NAMES if n in stream), "unknown_service")}
        key = json.dumps(named, sort_keys=True)
        with self._lock:
            for at, text, metadata in lines:
                if (at, key, text) in self._known:
                    continue
                self._known.add((at, key, text))
                self._number += 1
                insort(self._lines, Line(at, self._number, text, named, metadata))
            for old in self._lines[: max(0, len(self._lines) - self._most)]:
                self._known.discard((old.at, json.dumps(old.stream, sort_keys=True), old.text))
            del self._lines[: max(0, len(self._lines) - self._most)]

    def streams(self) -> list[Labels]:
        """The labels of every stream, without what belongs to single lines."""
        with self._lock:
            found = {json.dumps(line.stream, sort_keys=True): line.stream for line in self._lines}
        return [found[key] for key in sorted(found)]

    def between(self, first: int, last: int) -> list[Line]:
        """The lines from `first` (included) to `last` (not), oldest first."""
        with self._lock:
            return self._lines[self._place(first) : self._place(last)]

    def _place(self, at: int) -> int:
        return bisect_left(self._lines, at, key=lambda line: line.at)

    def pick(
        self, query: LogQuery, first: int, last: int, *, limit: int, forward: bool
    ) -> Iterator[tuple[dict[str, str], Line]]:
        """The lines that the query lets through, in that direction, at most `limit` of them, with their labels."""
        lines = self.between(first, last)
        for line in lines if forward else reversed(lines):
            if limit == 0:
                return
            if not (query.picks(line.stream) and query.reads(line.text)):
                continue
            labels = query.passes(line.text, line.labels)
            if labels is not None:
                limit -= 1
                yield labels, line

    def count(self, query: MetricQuery, moments: Sequence[int]) -> list[tuple[dict[str, str], list[tuple[int, float]]]]:
        """The value of each series at each moment that has one: lines in the range that ends there."""
        first = moments[0] - query.range_ns + 1
        series: dict[str, tuple[dict[str, str], list[int]]] = {}
        for labels, line in self.pick(query.log, first, moments[-1] + 1, limit=-1, forward=True):
            kept = labels if query.by is None else {name: labels[name] for name in query.by if name in labels}
            series.setdefault(json.dumps(kept, sort_keys=True), (kept, []))[1].append(line.at)
        divisor = query.range_ns / 1e9 if query.function == "rate" else 1
        found: list[tuple[dict[str, str], list[tuple[int, float]]]] = []
        for key in sorted(series):
            labels, at = series[key]
            counts = [(m, bisect_left(at, m + 1) - bisect_left(at, m + 1 - query.range_ns)) for m in moments]
            found.append((labels, [(moment, count / divisor) for moment, count in counts if count]))
        return found


def detected_level(text: str) -> str:
    """The level that Loki would detect in a line."""
    named = _LEVEL.search(text)
    if named is not None:
        level = named[1].lower()
        level = _LEVELS.get(level, level)
        return level if level in _KNOWN else "unknown"
    return next((level for level in _KNOWN if level in text.lower()), "unknown")
