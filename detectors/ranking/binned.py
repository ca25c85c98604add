"""Binned: spans and log entries as series, so that a bundle without metrics can still be dated. Pure numpy."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from cases.bundle import Entry, Readings, Series, Span

_BINS = 90
_SHORTEST_MS = 5_000
_BEFORE_MS = 1_800_000
_FEWEST = 40  # events of a service that make a series
_FEWEST_A_BIN = 0.8  # of bins that hold a span at all


def of_spans(spans: Sequence[Span]) -> Series:
    """Share of failed spans, and median duration in ms, of each service: two series a service."""
    if not spans:
        return {}
    edges = _edges(min(span.at for span in spans), max(span.at for span in spans))
    by_service: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_service[span.service].append(span)
    found: dict[tuple[str, str], Readings] = {}
    for service, mine in by_service.items():
        if len(mine) < _FEWEST:
            continue
        places = np.digitize(np.array([span.at for span in mine], dtype=np.int64), edges) - 1
        counts = np.bincount(places, minlength=len(edges))
        there = np.flatnonzero(counts)
        if len(there) < _FEWEST_A_BIN * len(edges):
            continue
        failed = np.bincount(places, weights=[float(span.failed) for span in mine], minlength=len(edges))
        durations = np.array([span.duration for span in mine])
        order = np.argsort(places, kind="stable")
        parts = np.split(durations[order], np.cumsum(counts[there])[:-1])
        found[service, "span errors"] = Readings(times=edges[there], values=failed[there] / counts[there])
        found[service, "span duration"] = Readings(
            times=edges[there], values=np.array([float(np.median(part)) for part in parts])
        )
    return found


def of_entries(entries: Sequence[Entry], bad: frozenset[str], fired: int) -> Series:
    """How many entries of the severities `bad` each service wrote. Anybody can write them: they date only at last.

    Logs often hold nothing but the trouble: half an hour before the alert (`fired`, epoch ms) is looked at in any case.
    """
    if not entries:
        return {}
    edges = _edges(min(fired - _BEFORE_MS, *(entry.at for entry in entries)), max(entry.at for entry in entries))
    by_service: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        if entry.severity.lower() in bad or entry.error:
            by_service[entry.service].append(entry.at)
    return {
        (service, "bad log entries"): Readings(
            times=edges,
            values=np.bincount(np.digitize(np.array(times, dtype=np.int64), edges) - 1, minlength=len(edges)).astype(
                np.float64
            ),
        )
        for service, times in by_service.items()
    }


def _edges(first: int, last: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    width = max(_SHORTEST_MS, -(-(last - first + 1) // _BINS))
    return np.arange(first, last + 1, width, dtype=np.int64)
