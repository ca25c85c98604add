"""Blame: how much of the trouble arises in each service, by metrics, by calls and by what the logs say.

Latency and errors run up the calls: a caller of a service that has them is excused as far as that service is blamed.
What a service uses up by itself (memory, processor, connections) is its own.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cases.bundle import Alert
from detectors.ranking.calls import Calls
from detectors.ranking.sayings import Sayings
from detectors.ranking.shifts import CLEAR, Shift

SYMPTOM = re.compile(r"lat|dur|time|p\d\d|err|fail|5xx|success|avail|queue|slow", re.IGNORECASE)
"""Names of metrics that a caller has from its callees."""

_EXCUSED = 0.75
_LATE_MS = 180_000.0  # a service that follows the first one by so long is blamed by a third
_METRIC_FULL = math.log1p(200.0)  # deviations that say all a metric can say
_BESIDE = 0.5  # of a metric's strength that it has by how far it went beside the same metric elsewhere
_LEAST = 1e-9
_ALERTED = 0.25  # what the alert's own service has without any evidence; what it calls, by half
_WEIGHTS = {"metrics": 0.40, "calls": 0.45, "logs": 0.15}


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """One service's share, each in [0, 1]. `sure` is what cannot be written into a log; `total` is all of it."""

    service: str
    sure: float
    total: float
    metrics: float
    calls: float
    logs: float
    shift: Shift | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Which evidence is used: all, unless an ablation leaves some out."""

    metrics: bool = True
    onset: bool = True
    calls: bool = True
    logs: bool = True
    stacks: bool = True
    words: bool = True
    deploys: bool = True


def blame(
    alert: Alert, moved: Sequence[Shift], spans: Calls, said: Sayings, services: frozenset[str], use: Sources
) -> dict[str, Blame]:
    """Every service's, by its name."""
    metrics = _by_metrics(moved, spans, use) if use.metrics else {}
    called = spans.blame if use.calls else {}
    logged = _by_logs(said) if use.logs else {}
    near = {**dict.fromkeys(spans.below(alert.service), _ALERTED / 2), alert.service: _ALERTED}
    weights = {
        "metrics": _WEIGHTS["metrics"] if metrics else 0.0,
        "calls": _WEIGHTS["calls"] if any(called.values()) else 0.0,
        "logs": _WEIGHTS["logs"] if logged else 0.0,
    }
    sure_weight = weights["metrics"] + weights["calls"]
    farthest = {shift.service: shift for shift in reversed(moved)}
    found: dict[str, Blame] = {}
    for service in sorted(services):
        sure = weights["metrics"] * metrics.get(service, 0.0) + weights["calls"] * called.get(service, 0.0)
        total = sure + weights["logs"] * logged.get(service, 0.0)
        whole = sure_weight + weights["logs"]
        prior = near.get(service, 0.0)
        found[service] = Blame(
            service=service,
            sure=_or(prior, sure / sure_weight if sure_weight else 0.0),
            total=_or(prior, total / whole if whole else 0.0),
            metrics=metrics.get(service, 0.0),
            calls=called.get(service, 0.0),
            logs=logged.get(service, 0.0),
            shift=farthest.get(service),
        )
    return found


def _or(prior: float, evidence: float) -> float:
    """Being near the alert counts little where there is evidence."""
    return evidence + prior * 0.2 if evidence > 0 else prior


def _by_metrics(moved: Sequence[Shift], spans: Calls, use: Sources) -> dict[str, float]:
    clear = [shift for shift in moved if shift.score >= CLEAR and (shift.onset is not None or not use.onset)]
    if not clear:
        return {}
    first = min((shift.onset for shift in clear if shift.onset is not None), default=0)
    farthest = _farthest(clear)
    own: dict[str, float] = defaultdict(float)
    handed: dict[str, float] = defaultdict(float)
    for shift in clear:
        strength = min(1.0, math.log1p(shift.score) / _METRIC_FULL)
        beside = [size / most for size, most in zip(_sizes(shift), farthest[shift.metric, shift.up], strict=True)]
        strength *= 1.0 - _BESIDE + _BESIDE * sum(beside) / len(beside)
        if use.onset and shift.onset is not None:
            strength *= math.exp(-max(0, shift.onset - first - shift.step) / _LATE_MS)
        side = handed if SYMPTOM.search(shift.metric) else own
        side[shift.service] = max(side[shift.service], strength)
    return {
        service: max(own[service], handed[service] * (1.0 - _EXCUSED * _excuse(service, own, handed, spans)))
        for service in {*own, *handed}
    }


def _farthest(clear: Sequence[Shift]) -> dict[tuple[str, bool], tuple[float, float]]:
    found: dict[tuple[str, bool], tuple[float, float]] = {}
    for shift in clear:
        key, (difference, ratio) = (shift.metric, shift.up), _sizes(shift)
        most = found.get(key, (_LEAST, _LEAST))
        found[key] = max(most[0], difference), max(most[1], ratio)
    return found


def _sizes(shift: Shift) -> tuple[float, float]:
    """How far it went, as the same metric of two services compares: by its difference, and by its ratio.

    Where errors arise more of the calls fail than further up. Of delays neither tells for sure: a share is of one scale
    everywhere, so that its difference counts alone.
    """
    difference = abs(shift.after - shift.before)
    if min(shift.before, shift.after) >= 0.0 and max(shift.before, shift.after) <= 1.0:
        return difference, difference
    low, high = sorted((abs(shift.before), abs(shift.after)))
    return difference, math.log((high + _LEAST) / (low + _LEAST))


def _excuse(service: str, own: Mapping[str, float], handed: Mapping[str, float], spans: Calls) -> float:
    below = spans.below(service) - {service}
    return max((max(own.get(s, 0.0), handed.get(s, 0.0)) for s in below if service not in spans.below(s)), default=0.0)


def _by_logs(said: Sayings) -> dict[str, float]:
    """By kinds and traces, not by mere numbers: a flood of one line is one kind."""
    found: dict[str, float] = defaultdict(float)
    for saying in said.new:
        if saying.bad:
            found[saying.service] += 2.0 if saying.trace is not None else 1.0
    most = max(found.values(), default=0.0)
    return {service: min(1.0, value / max(most, 2.0)) for service, value in found.items()}
