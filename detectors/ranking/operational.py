"""Operational causes: what breaks a system though nobody changed it. Each check has a mechanism and its evidence.

A metric, spans or a series that ends are sure; what logs say is not, and counts only beside a metric that moved: a line
that says "certificate has expired" is written as easily as any other.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cases.bundle import Series
from detectors.ranking.calls import Calls
from detectors.ranking.sayings import Saying, Sayings
from detectors.ranking.shifts import CLEAR, Shift

TRAFFIC = re.compile(
    r"traffic|requests?$|request_(rate|count)|requests_(total|per_second)|rps|qps|throughput", re.IGNORECASE
)

SURGE, CERTIFICATE, DNS = "traffic surge", "certificate expiry", "DNS failure"
PROVIDER, NODE, DATA = "provider outage", "node failure", "bad data"

_SAYS: Mapping[str, re.Pattern[str]] = {
    CERTIFICATE: re.compile(
        r"certificate (has )?expired|cert\w* expired|CERT_HAS_EXPIRED|x509: certificate|certificate verify failed"
        r"|certificate is not yet valid|NotAfter",
        re.IGNORECASE,
    ),
    DNS: re.compile(
        r"no such host|NXDOMAIN|name resolution|getaddrinfo|EAI_AGAIN|ENOTFOUND|SERVFAIL|server misbehaving"
        r"|could not resolve|UnknownHost|name or service not known|nodename nor servname",
        re.IGNORECASE,
    ),
    PROVIDER: re.compile(
        r"(provider|third[- ]party|vendor|external|partner|gateway at \S+|https?://\S+|api\.\S+)\b.{0,80}"
        r"(unavailable|outage|incident|5\d\d|#|bad gateway|timed? ?out|refused|overloaded)",
        re.IGNORECASE,
    ),
    NODE: re.compile(
        r"OOM-?Killed|out of memory|oom-kill|exit(ed)? (with )?(code|status) 137|no space left|disk (is )?full|ENOSPC"
        r"|node \S* ?(is )?(not ready|lost|unreachable|down)|NodeNotReady|evicted|DiskPressure|MemoryPressure"
        r"|read-only file system",
        re.IGNORECASE,
    ),
    DATA: re.compile(
        r"malformed|schema (mismatch|violation|version|validation)|unexpected (token|field|column|type|format)"
        r"|invalid (json|csv|xml|utf-?8|date|payload|format|record|row)|could not (parse|decode|convert)"
        r"|cannot (parse|deserialize|decode)"
        r"|failed to (parse|decode|deserialize)|missing (required )?(field|column)|parse error|JSONDecodeError"
        r"|UnicodeDecodeError",
        re.IGNORECASE,
    ),
}
_SHOWS: Mapping[str, re.Pattern[str]] = {
    CERTIFICATE: re.compile(r"cert|tls|ssl", re.IGNORECASE),
    DNS: re.compile(r"dns|resolv|nxdomain|servfail", re.IGNORECASE),
    PROVIDER: re.compile(r"provider|external|third_?party|vendor|partner", re.IGNORECASE),
    NODE: re.compile(r"node_|oom|evict|disk|filesystem|inode|host_|machine|not_ready", re.IGNORECASE),
    DATA: re.compile(r"malformed|invalid|reject|schema|parse|decode|dead_?letter|dlq|bad_record", re.IGNORECASE),
}
_ENDS_AT_ZERO = re.compile(r"expir|days|valid|ready|node_up|free|available", re.IGNORECASE)
_HOUSEKEEPING = re.compile(r"disk_(io|read|write)", re.IGNORECASE)
_RISE, _SURE_RISE = 1.5, 2.0
_SHOWN, _SAID, _BOTH = 0.7, 0.55, 0.9
_SHARE = 0.3  # of all that is new in a service's log
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
    traffic = [shift for shift in seen.moved if TRAFFIC.search(shift.metric)]
    entering = [shift for shift in traffic if shift.service in seen.spans.roots] or traffic
    risen = [
        shift
        for shift in entering
        if shift.up
        and shift.score >= CLEAR
        and shift.after >= _RISE * max(shift.before, 1e-9)
        and shift.onset is not None
        and shift.onset <= seen.onset + 2 * shift.step
    ]
    if len(risen) * 2 > len(entering):
        most = max(risen, key=lambda shift: shift.after / max(shift.before, 1e-9))
        ratio = most.after / max(most.before, 1e-9)
        yield Cause(
            kind=SURGE,
            strength=_BOTH if ratio >= _SURE_RISE else _SHOWN,
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
            if ratio >= _SURE_RISE:
                told = f"{operation.name} of {operation.service} is called {ratio:.1f} times as often as before"
                yield Cause(kind=SURGE, strength=_SHOWN, sure=True, service=operation.service, evidence=(told,))


def _named(seen: Seen) -> Iterator[Cause]:
    """What metrics and logs call by its name."""
    for kind, says in _SAYS.items():
        shown = [shift for shift in seen.moved if _is_of(kind, shift, seen.onset)]
        told = [
            saying
            for saying in seen.said.new
            if saying.bad and (says.search(saying.sample) or says.search(saying.error))
        ]
        by_service: dict[str, float] = {}
        for saying in told:
            by_service[saying.service] = by_service.get(saying.service, 0.0) + saying.share
        told = [saying for saying in told if by_service[saying.service] >= _SHARE]
        moving = {shift.service for shift in seen.moved if shift.score >= CLEAR and shift.onset is not None}
        told = [saying for saying in told if saying.service in moving] if seen.moved else told
        if not shown and not told:
            continue
        where = shown[0].service if shown else told[0].service
        yield Cause(
            kind=kind,
            strength=_BOTH if shown and told else _SHOWN if shown else _SAID,
            sure=bool(shown),
            service=told[0].service if told else where,
            evidence=(*(_rose(shift) for shift in shown[:3]), *(_quoted(saying) for saying in told[:2])),
        )


def _is_of(kind: str, shift: Shift, onset: int) -> bool:
    if not _SHOWS[kind].search(shift.metric) or shift.score < CLEAR or shift.onset is None:
        return False
    if shift.onset > onset + 3 * shift.step or _HOUSEKEEPING.search(shift.metric):
        return False
    return not shift.up if _ENDS_AT_ZERO.search(shift.metric) else shift.up


def _outside(seen: Seen) -> Iterator[Cause]:
    """The trouble arises in a service that is called, and is not ours: it has neither series nor deploys."""
    for service, strength in seen.spans.blame.items():
        if service in seen.known or strength < _ENOUGH_BLAME:
            continue
        ours = max((value for name, value in seen.spans.blame.items() if name in seen.known), default=0.0)
        if strength > ours:
            told = f"errors or delays arise in {service}, which is called and not ours"
            yield Cause(kind=PROVIDER, strength=_BOTH, sure=True, service=service, evidence=(told,))


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
        yield Cause(kind=NODE, strength=_BOTH, sure=True, service=gone[0], evidence=(told,))


def _rose(shift: Shift) -> str:
    went = "rose" if shift.up else "fell"
    return f"{shift.metric} of {shift.service} {went} from {shift.before:.4g} to {shift.after:.4g}"


def _quoted(saying: Saying) -> str:
    return f"new in the log of {saying.service}, {saying.count} times: “{saying.sample[:120]}”"
