"""Calls: who calls whom, and where in the calls the trouble arises: self time, and errors that nobody below explains.

From spans alone. A span's self time is its duration less that of its children; an error arises in the deepest span that
failed. A callee that fell silent is blamed for the errors of those who called it before.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cases.bundle import Span

_MOST_SPANS = 60_000  # the newest are looked at
_FEWEST = 5  # spans of an operation on either side
_ERRORS, _HALF = 3.0, 0.7  # what a share of errors weighs, and the sum that makes a half
_SLOWER = 1.3  # times the usual self time from which on it counts
_SMALLEST_MS = 0.5
_GONE = 0.5  # the share of a callee's calls that are missing from which on it counts as silent
_FELT_MS = 5.0  # a tenfold self time of a tenth of a millisecond delays nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of one service, before the onset and after.

    Median self time in ms, the share of spans that failed by themselves, and how many spans there are a minute.
    """

    service: str
    name: str
    before_ms: float
    after_ms: float
    before_failed: float
    after_failed: float
    before_rate: float
    after_rate: float

    @property
    def slower(self) -> float:
        """How many times as slow by itself as before, at least 1."""
        return max(1.0, self.after_ms / max(self.before_ms, _SMALLEST_MS))

    @property
    def strength(self) -> float:
        """How much of the trouble arises here, in [0, 1)."""
        errors = max(0.0, self.after_failed - self.before_failed)
        slow = math.log(self.slower) if self.slower >= _SLOWER else 0.0
        extra = max(0.0, self.after_ms - self.before_ms)
        raw = _ERRORS * errors + slow * extra / (extra + _FELT_MS)
        return raw / (raw + _HALF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What spans say. `callees` are services by their caller. `roots` are services that nobody calls."""

    operations: tuple[Operation, ...] = ()
    callees: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    silent: Mapping[str, float] = field(default_factory=dict[str, float])
    roots: frozenset[str] = frozenset()

    @property
    def blame(self) -> dict[str, float]:
        """How much of the trouble arises in each service, in [0, 1)."""
        found: dict[str, float] = dict(self.silent)
        for operation in self.operations:
            found[operation.service] = max(found.get(operation.service, 0.0), operation.strength)
        return found

    def below(self, service: str) -> frozenset[str]:
        """All that a service calls, and what that calls; cycles end."""
        seen: set[str] = set()
        ahead = [service]
        while ahead:
            for callee in self.callees.get(ahead.pop(), ()):
                if callee not in seen:
                    seen.add(callee)
                    ahead.append(callee)
        return frozenset(seen)


def calls(spans: Sequence[Span], onset: int) -> Calls:
    """Compare the spans before the onset (epoch ms) with those after. Nothing without spans on both sides."""
    spans = sorted(spans, key=lambda span: span.at)[-_MOST_SPANS:] if len(spans) > _MOST_SPANS else spans
    known = {(span.trace, span.id): span for span in spans}
    below_ms: dict[tuple[str, str], float] = defaultdict(float)
    below_failed: set[tuple[str, str]] = set()
    edges: dict[str, set[str]] = defaultdict(set)
    called: set[str] = set()
    used: dict[tuple[str, str], set[str]] = defaultdict(set)  # (service, operation) → callees before
    children: dict[tuple[str, str], set[str]] = defaultdict(set)  # (trace, span) → services below it
    for span in spans:
        parent = known.get((span.trace, span.parent)) if span.parent else None
        if parent is None or parent is span:
            continue
        key = (parent.trace, parent.id)
        below_ms[key] += span.duration
        if span.failed:
            below_failed.add(key)
        children[key].add(span.service)
        if parent.service != span.service:
            edges[parent.service].add(span.service)
            called.add(span.service)
            if parent.at < onset:
                used[parent.service, parent.name].add(span.service)
    silent = _silent(spans, onset, children, used, below_failed)
    return Calls(
        operations=_operations(spans, onset, below_ms, below_failed),
        callees={caller: frozenset(callees) for caller, callees in edges.items()},
        silent=silent,
        roots=frozenset(span.service for span in spans if not span.parent) - called,
    )


def _operations(
    spans: Sequence[Span],
    onset: int,
    below_ms: Mapping[tuple[str, str], float],
    below_failed: set[tuple[str, str]],
) -> tuple[Operation, ...]:
    self_ms: dict[tuple[str, str], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    failed: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for span in spans:
        key, side = (span.trace, span.id), int(span.at >= onset)
        operation = (span.service, span.name)
        self_ms[operation][side].append(max(0.0, span.duration - below_ms.get(key, 0.0)))
        failed[operation][side] += span.failed and key not in below_failed
    first, last = (min(s.at for s in spans), max(s.at for s in spans)) if spans else (onset, onset)
    minutes = (max(1.0, (onset - first) / 60_000), max(1.0, (last - onset) / 60_000))
    found: list[Operation] = []
    for (service, name), (before, after) in self_ms.items():
        if len(after) < _FEWEST:
            continue
        bad = failed[service, name]
        fresh = len(before) < _FEWEST
        found.append(
            Operation(
                service=service,
                name=name,
                before_ms=float(np.median(after if fresh else before)),
                after_ms=float(np.median(after)),
                before_failed=0.0 if fresh else bad[0] / len(before),
                after_failed=bad[1] / len(after),
                before_rate=len(before) / minutes[0],
                after_rate=len(after) / minutes[1],
            )
        )
    return tuple(sorted(found, key=lambda operation: (-operation.strength, operation.service, operation.name)))


def _silent(
    spans: Sequence[Span],
    onset: int,
    children: Mapping[tuple[str, str], set[str]],
    used: Mapping[tuple[str, str], set[str]],
    below_failed: set[tuple[str, str]],
) -> dict[str, float]:
    """Services that answered before, and of which the failed calls of their callers have no span now."""
    failures: dict[tuple[str, str], int] = defaultdict(int)
    without: dict[tuple[str, str, str], int] = defaultdict(int)
    for span in spans:
        key = (span.trace, span.id)
        if span.at < onset or not span.failed or key in below_failed:
            continue
        operation = (span.service, span.name)
        failures[operation] += 1
        for callee in used.get(operation, set()) - children.get(key, set()):
            without[*operation, callee] += 1
    calm = Counter(span.service for span in spans if span.at < onset)
    late = Counter(span.service for span in spans if span.at >= onset)
    before = {service: count / calm.total() for service, count in calm.items()}
    after = {service: late[service] / max(1, late.total()) for service in before}
    found: dict[str, float] = {}
    for (service, name, callee), count in without.items():
        gone = 1.0 - min(1.0, after[callee] / before[callee]) if before.get(callee) else 0.0
        if count >= _FEWEST and gone > _GONE:
            found[callee] = max(found.get(callee, 0.0), gone * count / failures[service, name])
    return found
