"""Ranking: the suspects of a bundle, best first, and how far one may go in saying so. Pure.

A change is weighed as the daemon weighs one of a single service (`detectors.suspects.weigh`), times how much of the
trouble arises in its service, plus what a mechanism adds. Three verdicts:

convicted          It ran before the onset, a mechanism leads to what it changed, and what no log line can fake
                   (deploys, series, spans) puts it first as well, by a margin; and no other cause explains it.
operational cause  Nobody changed anything that does it: a surge, a certificate, a name server, a provider, a machine,
                   bad data.
shortlist          Anything else.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from cases.bundle import Bundle
from cases.moments import from_milliseconds, iso, milliseconds
from detectors.ranking.binned import of_entries, of_spans
from detectors.ranking.blame import Blame, Sources, blame
from detectors.ranking.calls import Calls, calls
from detectors.ranking.candidates import Candidate, candidates
from detectors.ranking.mechanisms import Mechanism, Scene, mechanisms
from detectors.ranking.operational import Cause, Seen, causes
from detectors.ranking.sayings import BAD, Sayings, sayings
from detectors.ranking.shifts import CLEAR, Shift, onset_of, shifts
from detectors.suspects import Ran, is_documentation, size_of, weigh, words_in
from detectors.words import Match, matches, telling, words_of

_OWN = 0.85  # of a change's weight that it has by the blame of its service
_GUESSED = 0.6  # of one that no deploy names
_ALREADY_OUT = 0.35  # of one whose service had left its range before it ran
_SOON, _JUST_BEFORE = 0.20, timedelta(minutes=20)
_SAID = 0.6  # how far words of the log count beside those of the alert
_FULL = 2.0  # the sum of all that can speak for a change
_AFTER, _NEVER = 0.05, 0.02
_FOLLOWS = timedelta(hours=1)  # an onset so long after a deploy may still be laid to it
_OLD = 0.2  # of a mechanism's gain that is left to what ran long before the onset
_LEAD, _LEAST_BLAME, _FIRST = 0.05, 0.30, 0.9
_OPERATIONAL, _DOUBT = 0.5, 0.35
_SHARED = 0.7  # what is left of an unsure operational cause where a change ran just before in the same service
_MOST_SERVICES = 10


class Verdict(StrEnum):
    """How far the ranking goes."""

    CONVICTED = "convicted"
    SHORTLIST = "shortlist"
    OPERATIONAL = "operational cause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One suspect. `kind` is commit, flag, operational or service; `sure` the score without what logs say.

    able   whether it ran before the onset
    fresh  whether so shortly before that the onset may be laid to it
    company  how many other commits came with the same deploy
    """

    id: str
    kind: str
    service: str
    score: float
    evidence: tuple[str, ...]
    sure: float = 0.0
    able: bool = True
    fresh: bool = False
    company: int = 0
    mechanisms: tuple[Mechanism, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """`suspects` best first. `unread`: log entries that were left out to stay within bounds."""

    suspects: tuple[Ranked, ...]
    verdict: Verdict
    why: str
    onset: int
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """Everything that was read from the bundle, once."""

    bundle: Bundle
    services: frozenset[str]
    moved: tuple[Shift, ...]
    spans: Calls
    said: Sayings
    blames: dict[str, Blame]
    onset: int
    slack: int
    use: Sources


def rank_bundle(bundle: Bundle, use: Sources | None = None) -> Ranking:
    """Rank the suspects of one incident. `use` leaves evidence out, for an ablation."""
    view = _view(bundle, use or Sources())
    ranked = _changes(view)
    found = _causes(view, ranked)
    verdict, why = _verdict(view, ranked, found)
    ordered = [*(_operational(cause) for cause in found), *(r for r in ranked if r.able)]
    if verdict is not Verdict.OPERATIONAL:
        ordered.sort(key=lambda each: -each.score)
    if verdict is not Verdict.OPERATIONAL and ordered and ordered[0].kind == "operational":
        ordered.sort(key=lambda each: each.kind == "operational")
    ordered += [*_services(view), *(r for r in ranked if not r.able)]
    return Ranking(suspects=tuple(ordered), verdict=verdict, why=why, onset=view.onset, unread=view.said.unread)


def _view(bundle: Bundle, use: Sources) -> _View:
    fired = milliseconds(bundle.alert.fired)
    series = {**of_spans(bundle.spans), **bundle.series} if use.calls else dict(bundle.series)
    if not use.metrics:
        series = {key: value for key, value in series.items() if key not in bundle.series}
    moved = shifts(series, fired)
    onset, slack = _onset(bundle, moved, fired)
    spans = calls(bundle.spans if use.calls else (), onset)
    said = sayings(bundle.entries if use.logs else (), onset - slack)
    known = {service for service, _ in bundle.series} | {d.service for d in bundle.deploys} | {bundle.alert.service}
    services = frozenset(
        {*known, *(f.service for f in bundle.flips), *(s.service for s in bundle.spans), *(s.service for s in said.new)}
    )
    blames = blame(bundle.alert, moved, spans, said, services, use)
    return _View(
        bundle=bundle,
        services=services,
        moved=moved,
        spans=spans,
        said=said,
        blames=blames,
        onset=onset,
        slack=slack,
        use=use,
    )


def _onset(bundle: Bundle, moved: Sequence[Shift], fired: int) -> tuple[int, int]:
    """When it began, in epoch ms, and how far off that may be; logs date it only where nothing else does."""
    by_key = {(shift.service, shift.metric): shift for shift in moved}
    slack = max((shift.step for shift in moved), default=60_000)
    onset = onset_of(by_key, bundle.alert.service, bundle.alert.metric)
    if onset is None:
        onset = min((s.onset for s in moved if s.onset is not None and s.score >= CLEAR), default=None)
    if onset is None and not moved:
        told = shifts(of_entries(bundle.entries, BAD, fired), fired)
        onset = min((s.onset for s in told if s.onset is not None and s.score >= CLEAR), default=None)
        slack = max((shift.step for shift in told), default=slack)
    return (fired if onset is None else min(onset, fired)), slack


def _changes(view: _View) -> list[Ranked]:
    """Every change with its score, best first."""
    found = candidates(view.bundle, view.services)
    sure, told = _about(view, found)
    most = max((each.total for each in view.blames.values()), default=0.0)
    most_sure = max((each.sure for each in view.blames.values()), default=0.0)
    scene = Scene(said=view.said, spans=view.spans, moved=view.moved, services=view.services, stacks=view.use.stacks)
    ranked: list[Ranked] = []
    for candidate, known, said in zip(found, sure, told, strict=True):
        if not _able(candidate, view):
            ranked.append(_unable(candidate, view, known))
            continue
        linked = mechanisms(candidate, scene)
        about = 1 - (1 - known.strength) * (1 - _SAID * said.strength)
        where = view.blames.get(candidate.service)
        total = where.total / most if where is not None and most else 0.0
        trusted = where.sure / most_sure if where is not None and most_sure else 0.0
        ranked.append(
            Ranked(
                id=candidate.id,
                kind="commit" if candidate.commit is not None else "flag",
                service=candidate.service,
                score=_score(candidate, view, found, about, total, linked),
                sure=_score(candidate, view, found, known.strength, trusted, [m for m in linked if m.sure]),
                evidence=tuple(_evidence(candidate, view, known, said, linked)),
                fresh=_is_fresh(candidate, view),
                company=candidate.company,
                mechanisms=linked,
            )
        )
    ranked.sort(key=lambda each: (not each.able, -each.score, each.id))
    return _once(ranked)


def _once(ranked: Sequence[Ranked]) -> list[Ranked]:
    """A commit that runs in several services is one suspect: where it is suspected most."""
    seen: set[tuple[str, str]] = set()
    kept: list[Ranked] = []
    for each in ranked:
        if (each.kind, each.id) not in seen:
            seen.add((each.kind, each.id))
            kept.append(each)
    return kept


def _able(candidate: Candidate, view: _View) -> bool:
    """Whether it ran before the onset, as far as that can be dated."""
    if candidate.started is None:
        return False
    return not view.use.deploys or milliseconds(candidate.started) <= view.onset + view.slack


def _is_fresh(candidate: Candidate, view: _View) -> bool:
    return candidate.started is not None and from_milliseconds(view.onset) - candidate.started <= _FOLLOWS


def _about(view: _View, found: Sequence[Candidate]) -> tuple[tuple[Match, ...], tuple[Match, ...]]:
    """How much each is about the symptom: by the alert and the spans, and by what is new in the logs."""
    texts = [words_in(c.commit) if c.commit is not None else _flag_words(c) for c in found]
    if not view.use.words:
        nothing = tuple(Match(strength=0.0, words=()) for _ in found)
        return nothing, nothing
    alert = view.bundle.alert
    operations = [o.name for o in view.spans.operations if o.strength >= _DOUBT][:3]
    metrics = [s.metric for s in view.moved[:3] if s.service == alert.service]
    sure = telling([*operations, alert.summary, alert.metric, *metrics], view.services)
    new = [text for saying in view.said.new[:6] if saying.bad for text in (saying.error, saying.sample)]
    return matches(sure, texts), matches(telling(new, view.services), texts)


def _flag_words(candidate: Candidate) -> Counter[str]:
    flip = candidate.flip
    return Counter(words_of(f"{flip.flag} {flip.flag} {flip.change}")) if flip is not None else Counter()


def _score(
    candidate: Candidate,
    view: _View,
    found: Sequence[Candidate],
    about: float,
    blamed: float,
    linked: Sequence[Mechanism],
) -> float:
    if candidate.started is None:
        return 0.0
    ago = max(timedelta(), from_milliseconds(view.onset) - candidate.started)
    if not view.use.deploys:
        ago = timedelta()
    others = {
        other.started
        for other in found
        if other.service == candidate.service and other.started is not None and other.started > candidate.started
        if milliseconds(other.started) <= view.onset + view.slack
    }
    commit = candidate.commit
    prose = commit is not None and bool(commit.files) and is_documentation(commit)
    size = size_of(commit) if commit is not None else 0.5
    ran = Ran(ago=ago, between=len(others), alone=candidate.company == 0 and candidate.named)
    weight = weigh(ran, about, size, prose=prose) + _SOON * math.pow(0.5, ago / _JUST_BEFORE)
    weight *= 1 - _OWN + _OWN * blamed
    if not candidate.named:
        weight *= _GUESSED
    shift = view.blames[candidate.service].shift if candidate.service in view.blames else None
    out = shift.onset if shift is not None and shift.score >= CLEAR and view.use.onset else None
    if shift is not None and out is not None and milliseconds(candidate.started) > out + 2 * shift.step:
        weight *= _ALREADY_OUT
    fresh = _OLD + (1.0 - _OLD) * math.pow(0.5, ago / _FOLLOWS)
    gains = 0.0 if prose else fresh * sum(mechanism.gain for mechanism in linked)
    return round(min(1.0, (weight + gains) / _FULL), 4)


def _unable(candidate: Candidate, view: _View, about: Match) -> Ranked:
    started = candidate.started
    if started is None:
        score, why = _NEVER * about.strength, "nothing shows that it ever ran"
    else:
        late = (started - from_milliseconds(view.onset)).total_seconds()
        score, why = _AFTER * about.strength, f"it first ran {late:.0f} s after the onset"
    kind = "commit" if candidate.commit is not None else "flag"
    return Ranked(
        id=candidate.id, kind=kind, service=candidate.service, score=round(score, 4), evidence=(why,), able=False
    )


def _evidence(
    candidate: Candidate, view: _View, known: Match, said: Match, linked: Sequence[Mechanism]
) -> Iterator[str]:
    if candidate.started is not None:
        ago = (from_milliseconds(view.onset) - candidate.started).total_seconds()
        how = "" if candidate.named else ", as its paths and the next deploy suggest"
        yield f"it began to run in {candidate.service} at {iso(candidate.started)}, {ago:.0f} s before the onset{how}"
    for mechanism in linked:
        yield mechanism.told
    where = view.blames.get(candidate.service)
    if where is not None and where.shift is not None and where.shift.score >= CLEAR:
        shift = where.shift
        yield f"{shift.metric} of {shift.service} went from {shift.before:.4g} to {shift.after:.4g}"
    if where is not None and where.calls >= _DOUBT:
        yield f"by the spans the trouble arises in {candidate.service}"
    words = dict.fromkeys([*known.words[:3], *said.words[:3]])
    if words:
        yield "it touches what the symptom names: " + ", ".join(f'"{word}"' for word in words)


def _causes(view: _View, ranked: Sequence[Ranked]) -> list[Cause]:
    """The operational causes; one that rests on logs alone weighs less where a change ran just before in its service.

    Only a change with a mechanism counts: that a wrong host cannot be resolved is no failure of the name servers.
    """
    seen = Seen(
        series=view.bundle.series,
        moved=view.moved,
        spans=view.spans,
        said=view.said,
        onset=view.onset,
        known=frozenset(s for s, _ in view.bundle.series) | {d.service for d in view.bundle.deploys},
    )
    changed = {each.service for each in ranked if each.able and each.fresh and any(m.convicts for m in each.mechanisms)}
    return [
        cause
        if cause.sure or cause.service not in changed
        else Cause(
            kind=cause.kind,
            strength=cause.strength * _SHARED,
            sure=False,
            service=cause.service,
            evidence=cause.evidence,
        )
        for cause in causes(seen)
    ]


def _verdict(view: _View, ranked: Sequence[Ranked], found: Sequence[Cause]) -> tuple[Verdict, str]:
    able = [each for each in ranked if each.able]
    best = able[0] if able else None
    cause = found[0] if found and found[0].strength >= _OPERATIONAL else None
    doubt = _doubt(view, able, found) if best is not None else ""
    if best is not None and not doubt:
        told = next(m.told for m in best.mechanisms if m.convicts)
        return Verdict.CONVICTED, f"{best.id} ran before the onset at {iso(from_milliseconds(view.onset))}; {told}"
    if cause is not None:
        beside = f"; {best.id} fits the times as well, but {doubt}" if best is not None else ""
        return Verdict.OPERATIONAL, f"{cause.kind}: {'; '.join(cause.evidence[:2])}{beside}"
    if best is None:
        return Verdict.SHORTLIST, "no change that is known of ran before the onset"
    return Verdict.SHORTLIST, f"{best.id} fits best of {len(able)} that ran before the onset, but {doubt}"


def _doubt(view: _View, able: Sequence[Ranked], found: Sequence[Cause]) -> str:
    """Why the best suspect is not convicted; "" when nothing is left in doubt."""
    best = able[0]
    where = view.blames[best.service]
    first = max(each.sure for each in view.blames.values())
    others = [each for each in able[1:] if (each.kind, each.id) != (best.kind, best.id)]
    if not any(m.convicts for m in best.mechanisms):
        return "nothing shows how it would do it"
    if any(any(m.convicts and m.kind != "template" for m in each.mechanisms) for each in others):
        return "another change has a mechanism as well"
    if found and found[0].strength >= _DOUBT:
        return f"a {found[0].kind} may explain it"
    if not best.fresh:
        return "it had run too long before the onset"
    if max(where.metrics, where.calls) < _LEAST_BLAME or where.sure < _FIRST * first:
        return f"neither series nor spans say that the trouble arises in {best.service}"
    if best.company and not any(m.convicts and m.sure for m in best.mechanisms):
        return "other commits came with the same deploy, and only the logs tell it from them"
    if any(each.sure > best.sure - _LEAD for each in others):
        return "without what the logs say another change fits as well"
    return ""


def _operational(cause: Cause) -> Ranked:
    return Ranked(
        id=cause.kind,
        kind="operational",
        service=cause.service,
        score=round(min(1.0, cause.strength), 4),
        evidence=cause.evidence,
    )


def _services(view: _View) -> list[Ranked]:
    """Services by blame, behind every change that fits: where to look when none is it."""
    first = sorted(view.blames.values(), key=lambda each: (-each.total, each.service))[:_MOST_SERVICES]
    return [
        Ranked(
            id=each.service,
            kind="service",
            service=each.service,
            score=round(0.2 * min(1.0, each.total), 4),
            evidence=tuple(_where(each)),
        )
        for each in first
        if each.total > 0
    ]


def _where(each: Blame) -> Iterator[str]:
    if each.shift is not None and each.shift.score >= CLEAR:
        yield f"{each.shift.metric} went from {each.shift.before:.4g} to {each.shift.after:.4g}"
    if each.calls >= _DOUBT:
        yield "by the spans the trouble arises here"
