"""Operational causes of a case: whether what nobody changed explains it, by its anomalies, its neighbours and its logs.

An anomaly shows a cause; log lines only say it, and anybody can have written them. A cause takes no suspect away and
stops nothing: it is told beside them, or in place of nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.anomaly import Anomaly, AnomalyKind
from cases.case import Case
from cases.operational import (
    BOTH,
    KINDS,
    NODE,
    RISE,
    SAID,
    SHARE,
    SHOWN,
    SURE_RISE,
    SURGE,
    is_traffic,
    says,
    shows,
)
from cases.telemetry import Direction
from remediation.evidence import Pack
from remediation.traces import Located

TOGETHER = timedelta(minutes=5)
"""How far apart the onsets of one trouble may be dated."""
SILENT_AT_ONCE = 3
"""Services that fall silent together: they may have shared a machine."""

_MOST_SHOWN = 3
_TINY = 1e-9
_TROUBLE = frozenset(
    {"err", "fail", "5xx", "lat", "slow", "dur", "time", "refus", "reject"}
)  # of requests, not traffic
_FORECASTS = frozenset({AnomalyKind.SATURATION, AnomalyKind.DRIFT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """`strength` in (0, 1]; `sure` when more than log lines show it; `evidence` are ids of facts."""

    kind: str
    strength: float
    sure: bool
    told: str
    evidence: tuple[str, ...]

    @property
    def claim(self) -> str:
        """The cause with what speaks for it."""
        return f"{self.kind}: {self.told} ({', '.join(self.evidence)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptoms:
    """What a cause is looked for in. `facts` are the ids of what is stored: of each anomaly, and of each error."""

    case: Case
    others: Sequence[Anomaly]  # of other cases that are open
    errors: Sequence[Located]
    facts: Sequence[str]
    told: Sequence[str]

    @property
    def onset(self) -> datetime:
        """The earliest of the case."""
        return min(anomaly.onset for anomaly in self.case.anomalies)


def causes(seen: Symptoms, pack: Pack) -> tuple[Cause, ...]:
    """Every cause that something speaks for, the strongest first. What other cases tell of it is added to the pack."""
    near = [(anomaly, "") for anomaly in seen.others if abs(anomaly.onset - seen.onset) <= TOGETHER]
    own = [*zip(seen.case.anomalies, seen.facts, strict=True)]
    found = [*_surge(own, seen.onset), *_gone(own, near, pack), *_named(own, near, seen, pack)]
    return tuple(sorted(found, key=lambda cause: (-cause.strength, cause.kind)))


def _surge(own: Sequence[tuple[Anomaly, str]], onset: datetime) -> Iterator[Cause]:
    """More traffic to the service itself, no later than the trouble: what comes later are retries."""
    risen = [
        (anomaly, fact)
        for anomaly, fact in own
        if is_traffic(anomaly.signal.name)
        and not any(word in anomaly.signal.name.lower() for word in _TROUBLE)
        and anomaly.direction is Direction.UP
        and anomaly.value >= RISE * max(anomaly.expected, _TINY)
        and anomaly.onset - onset <= timedelta(seconds=anomaly.onset_bound_s)
    ]
    if risen:
        ratio = max(anomaly.value / max(anomaly.expected, _TINY) for anomaly, _ in risen)
        strength = BOTH if ratio >= SURE_RISE else SHOWN
        yield _cause(SURGE, strength, risen)


def _gone(own: Sequence[tuple[Anomaly, str]], near: Sequence[tuple[Anomaly, str]], pack: Pack) -> Iterator[Cause]:
    """Several services fall silent at once, this one among them."""
    silent = {a.signal.service: (a, fact) for a, fact in (*near, *own) if a.kind is AnomalyKind.ABSENCE}
    if len(silent) >= SILENT_AT_ONCE and any(a.kind is AnomalyKind.ABSENCE for a, _ in own):
        shown = [(a, fact or pack.anomaly(a)) for a, fact in list(silent.values())[:_MOST_SHOWN]]
        names = ", ".join(sorted(silent)[:_MOST_SHOWN])
        told = f"{len(silent)} services fell silent at once ({names}): they may have shared a machine"
        yield Cause(kind=NODE, strength=BOTH, sure=True, told=told, evidence=tuple(fact for _, fact in shown))


def _named(
    own: Sequence[tuple[Anomaly, str]], near: Sequence[tuple[Anomaly, str]], seen: Symptoms, pack: Pack
) -> Iterator[Cause]:
    """What signals and logs call by its name."""
    new = sum(error.seen.count for error in seen.errors)
    for kind in KINDS:
        shown = [(a, fact) for a, fact in (*own, *near) if _shows(kind, a)][:_MOST_SHOWN]
        told = [
            (error, fact)
            for error, fact in zip(seen.errors, seen.told, strict=True)
            if not error.seen.news and says(kind, _text(error))
        ]
        said = bool(told) and sum(error.seen.count for error, _ in told) >= SHARE * new
        if not shown and not said:
            continue
        facts = [(a, fact or pack.anomaly(a)) for a, fact in shown]
        strength = BOTH if shown and said else SHOWN if shown else SAID
        errors = [fact for _, fact in told] if said else []
        count = sum(error.seen.count for error, _ in told)
        yield _cause(kind, strength, facts, errors, f"{count} lines of the log say so" if said else "")


def _cause(
    kind: str,
    strength: float,
    shown: Sequence[tuple[Anomaly, str]],
    errors: Sequence[str] = (),
    said: str = "",
) -> Cause:
    read = [
        f"{a.signal.name} of {a.signal.service} reads {a.value:.4g} where {a.expected:.4g} was usual" for a, _ in shown
    ]
    return Cause(
        kind=kind,
        strength=strength,
        sure=bool(shown),
        told="; ".join(filter(None, (*read, said))),
        evidence=tuple(dict.fromkeys([*(fact for _, fact in shown), *errors])),
    )


def _shows(kind: str, anomaly: Anomaly) -> bool:
    if anomaly.kind is AnomalyKind.ABSENCE or anomaly.kind in _FORECASTS:
        return False
    return shows(kind, anomaly.signal.name, up=anomaly.direction is Direction.UP)


def _text(error: Located) -> str:
    trace = error.seen.trace
    return f"{trace.exception}: {trace.message}" if trace is not None else error.seen.sample
