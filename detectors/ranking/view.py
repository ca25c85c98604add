"""View: everything that a ranking reads from a bundle, once; what logs say is kept apart from what they cannot fake."""

from collections.abc import Sequence
from dataclasses import dataclass

from cases.bundle import Bundle
from cases.moments import milliseconds
from detectors.ranking.binned import of_entries, of_spans
from detectors.ranking.blame import Blame, Sources, blame
from detectors.ranking.calls import Calls, calls
from detectors.ranking.sayings import BAD, Sayings, sayings
from detectors.ranking.shifts import CLEAR, Shift, onset_of, shifts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """What is seen of an incident.

    services  those that the platform names; `blames` has those that only logs name as well
    onset     epoch milliseconds, `slack` how far off that may be, in ms
    told      whether the logs alone date the onset: whoever writes them then chooses what was before it
    """

    bundle: Bundle
    services: frozenset[str]
    moved: tuple[Shift, ...]
    spans: Calls
    said: Sayings
    blames: dict[str, Blame]
    onset: int
    slack: int
    told: bool
    use: Sources


@dataclass(frozen=True, slots=True)
class _Onset:
    at: int
    slack: int
    told: bool


def view_of(bundle: Bundle, use: Sources) -> View:
    """Read a bundle. `use` leaves evidence out."""
    fired = milliseconds(bundle.alert.fired)
    series = {**of_spans(bundle.spans), **bundle.series} if use.calls else dict(bundle.series)
    if not use.metrics:
        series = {key: value for key, value in series.items() if key not in bundle.series}
    moved = shifts(series, fired)
    onset = _onset(bundle, moved, fired)
    spans = calls(bundle.spans if use.calls else (), onset.at)
    said = sayings(bundle.entries if use.logs else (), onset.at - onset.slack)
    known = {service for service, _ in bundle.series} | {d.service for d in bundle.deploys} | {bundle.alert.service}
    services = frozenset({*known, *(f.service for f in bundle.flips), *(s.service for s in bundle.spans)})
    everybody = services | {saying.service for saying in said.new}
    return View(
        bundle=bundle,
        services=services,
        moved=moved,
        spans=spans,
        said=said,
        blames=blame(bundle.alert, moved, spans, said, everybody, use),
        onset=onset.at,
        slack=onset.slack,
        told=onset.told,
        use=use,
    )


def _onset(bundle: Bundle, moved: Sequence[Shift], fired: int) -> _Onset:
    """When it began, and how far off that may be; logs date it only where nothing else does."""
    by_key = {(shift.service, shift.metric): shift for shift in moved}
    slack = max((shift.step for shift in moved), default=60_000)
    at, told = onset_of(by_key, bundle.alert.service, bundle.alert.metric), False
    if at is None:
        at = min((s.onset for s in moved if s.onset is not None and s.score >= CLEAR), default=None)
    if at is None and not moved:
        dated = shifts(of_entries(bundle.entries, BAD, fired), fired)
        at = min((s.onset for s in dated if s.onset is not None and s.score >= CLEAR), default=None)
        slack, told = max((shift.step for shift in dated), default=slack), at is not None
    return _Onset(at=fired if at is None else min(at, fired), slack=slack, told=told)
