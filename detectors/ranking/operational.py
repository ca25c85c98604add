"""Operational causes: what breaks a system though nobody changed it. Each check has a mechanism and its evidence.

A metric, spans or a series that ends are sure; what logs say is not, and counts only beside a metric that moved: a line
that says "certificate has expired" is written as easily as any other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cases.bundle import Series
from cases.operational import (
    BOTH,
    KINDS,
    NODE,
    PROVIDER,
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
from detectors.ranking.calls import Calls
from detectors.ranking.sayings import Saying, Sayings
from detectors.ranking.shifts import CLEAR, Shift

_GONE_AT_ONCE = 3  # services whose series end together
_ENOUGH_BLAME = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """An operational cause: `strength` in (0, 1]; `sure` when more than log lines show it. `service` may be ""."""

    kind: str
    strength: float
    sure: bool
    service: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What the checks look at; `onset` in epoch ms, `known` are the services that are ours."""

    series: Series
    moved: Sequence[Shift]
    spans: Calls
    said: Sayings
    onset: int
    known: frozenset[str]


def causes(seen: Seen) -> tuple[Cause, ...]:
    """Every operational cause that something speaks for, the strongest first."""
    found = [*_surge(seen), *_named(seen), *_outside(seen), *_gone(seen)]
    best: dict[str, Cause] = {}
    for cause in sorted(found, key=lambda cause: (-cause.strength, cause.kind, cause.service)):
        best.setdefault(cause.kind, cause)
    return tuple(best.values())


def _surge(seen: Seen) -> Iterator[Cause]:
    """More traffic where it enters, no later than the trouble. Retries among services do not enter anywhere."""
    traffic = [shift for shift in seen.moved if is_traffic(shift.metric)]
    entering = [shift for shift in traffic if shift.service in seen.spans.roots] or traffic
    risen = [
        shift
        for shift in entering
        if shift.up
        and shift.score >= CLEAR
        and shift.after >= RISE * max(shift.before, 1e-9)
        and shift.onset is not None
        and shift.onset <= seen.onset + 2 * shift.step
    ]
    if len(risen) * 2 > len(entering):
        most = max(risen, key=lambda shift: shift.after / max(shift.before, 1e-9))
        ratio = most.after / max(most.before, 1e-9)
        yield Cause(
            kind=SURGE,
            strength=BOTH if ratio >= SURE_RISE else SHOWN,
            sure=True,
            service=most.service,
            evidence=tuple(_rose(shift) for shift in risen[:3]),
        )
        return
    if traffic:
        return
    for operation in seen.spans.operations:
        if operation.service in seen.spans.roots and operation.before_rate > 0:
            ratio = operation.after_rate / operation.before_rate
            if ratio >= SURE_RISE:
                told = f"{operation.name} of {operation.service} is called {ratio:.1f} times as often as before"
                yield Cause(kind=SURGE, strength=SHOWN, sure=True, service=operation.service, evidence=(told,))


def _named(seen: Seen) -> Iterator[Cause]:
    """What metrics and logs call by its name."""
    for kind in KINDS:
        shown = [shift for shift in seen.moved if _is_of(kind, shift, seen.onset)]
        told = [
            saying for saying in seen.said.new if saying.bad and (says(kind, saying.sample) or says(kind, saying.error))
        ]
        by_service: dict[str, float] = {}
        for saying in told:
            by_service[saying.service] = by_service.get(saying.service, 0.0) + saying.share
        told = [saying for saying in told if by_service[saying.service] >= SHARE]
        moving = {shift.service for shift in seen.moved if shift.score >= CLEAR and shift.onset is not None}
        told = [saying for saying in told if saying.service in moving] if seen.moved else told
        if not shown and not told:
            continue
        where = shown[0].service if shown else told[0].service
        yield Cause(
            kind=kind,
            strength=BOTH if shown and told else SHOWN if shown else SAID,
            sure=bool(shown),
            service=told[0].service if told else where,
            evidence=(*(_rose(shift) for shift in shown[:3]), *(_quoted(saying) for saying in told[:2])),
        )


def _is_of(kind: str, shift: Shift, onset: int) -> bool:
    moved = shift.score >= CLEAR and shift.onset is not None and shift.onset <= onset + 3 * shift.step
    return moved and shows(kind, shift.metric, up=shift.up)


def _outside(seen: Seen) -> Iterator[Cause]:
    """The trouble arises in a service that is called, and is not ours: it has neither series nor deploys."""
    for service, strength in seen.spans.blame.items():
        if service in seen.known or strength < _ENOUGH_BLAME:
            continue
        ours = max((value for name, value in seen.spans.blame.items() if name in seen.known), default=0.0)
        if strength > ours:
            told = f"errors or delays arise in {service}, which is called and not ours"
            yield Cause(kind=PROVIDER, strength=BOTH, sure=True, service=service, evidence=(told,))


def _gone(seen: Seen) -> Iterator[Cause]:
    """Several services fall silent at once."""
    ends: dict[str, int] = {}
    for (service, _), readings in seen.series.items():
        if len(readings.times):
            ends[service] = max(ends.get(service, 0), int(readings.times[-1]))
    latest = max(ends.values(), default=0)
    step = max((shift.step for shift in seen.moved), default=60_000)
    gone = sorted(s for s, end in ends.items() if end < latest - 3 * step and abs(end - seen.onset) <= 5 * step)
    if len(gone) >= _GONE_AT_ONCE:
        told = f"the readings of {', '.join(gone[:5])} end at once: they may have shared a machine"
        yield Cause(kind=NODE, strength=BOTH, sure=True, service=gone[0], evidence=(told,))


def _rose(shift: Shift) -> str:
    went = "rose" if shift.up else "fell"
    return f"{shift.metric} of {shift.service} {went} from {shift.before:.4g} to {shift.after:.4g}"


def _quoted(saying: Saying) -> str:
    return f"new in the log of {saying.service}, {saying.count} times: “{saying.sample[:120]}”"
