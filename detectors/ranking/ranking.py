"""Ranking: the suspects of a bundle, best first, and how far one may go in saying so. Pure.

A change is weighed as the daemon weighs one of a single service (`detectors.suspects.weigh`), times how much of the
trouble arises in its service, plus what a mechanism adds. Three verdicts (`detectors.ranking.verdict`):

convicted          It ran before the onset, and what no log line can fake (deploys, series, spans) puts it first by a
                   margin and shows how it does it; and no other cause explains it.
operational cause  Nobody changed anything that does it: a surge, a certificate, a name server, a provider, a machine,
                   bad data.
shortlist          Anything else.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cases.bundle import Bundle
from cases.moments import from_milliseconds, iso, milliseconds
from detectors.ranking.blame import Blame, Sources
from detectors.ranking.candidates import Candidate, candidates
from detectors.ranking.mechanisms import Mechanism, Scene, mechanisms
from detectors.ranking.operational import Cause, Seen, causes
from detectors.ranking.ranked import Ranked
from detectors.ranking.shifts import CLEAR
from detectors.ranking.verdict import Verdict, rule
from detectors.ranking.view import View, view_of
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
_DOUBT = 0.35  # how strong an operation's or a service's trouble must be to be told of
_SHARED = 0.7  # what is left of an unsure operational cause where a change ran just before in the same service
_MOST_SERVICES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """`suspects` best first. `unread`: log entries that were left out to stay within bounds."""

    suspects: tuple[Ranked, ...]
    verdict: Verdict
    why: str
    onset: int
    unread: int


def rank_bundle(bundle: Bundle, use: Sources | None = None) -> Ranking:
    """Rank the suspects of one incident. `use` leaves evidence out, for an ablation."""
    view = view_of(bundle, use or Sources())
    ranked = _changes(view)
    found = _causes(view, ranked)
    able = [each for each in ranked if each.able]
    ruling = rule(view, able, found)
    ordered = [*(_operational(cause) for cause in found), *able]
    if ruling.verdict is not Verdict.OPERATIONAL:
        ordered.sort(key=lambda each: -each.score)
    if ruling.verdict is not Verdict.OPERATIONAL and ordered and ordered[0].kind == "operational":
        ordered.sort(key=lambda each: each.kind == "operational")
    if ruling.culprit is not None:
        ordered.sort(key=lambda each: each is not ruling.culprit)
    ordered += [*_services(view), *(each for each in ranked if not each.able)]
    return Ranking(
        suspects=tuple(ordered), verdict=ruling.verdict, why=ruling.why, onset=view.onset, unread=view.said.unread
    )


def _changes(view: View) -> list[Ranked]:
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
    """A commit that runs in several services is one suspect: where what cannot be faked suspects it most."""
    best: dict[tuple[str, str], Ranked] = {}
    for each in ranked:
        had = best.get((each.kind, each.id))
        if had is None or each.sure > had.sure:
            best[each.kind, each.id] = each
    return [each for each in ranked if best[each.kind, each.id] is each]


def _able(candidate: Candidate, view: View) -> bool:
    """Whether it ran before the onset, as far as that can be dated."""
    if candidate.started is None:
        return False
    return not view.use.deploys or milliseconds(candidate.started) <= view.onset + view.slack


def _is_fresh(candidate: Candidate, view: View) -> bool:
    return candidate.started is not None and from_milliseconds(view.onset) - candidate.started <= _FOLLOWS


def _about(view: View, found: Sequence[Candidate]) -> tuple[tuple[Match, ...], tuple[Match, ...]]:
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
    view: View,
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


def _unable(candidate: Candidate, view: View, about: Match) -> Ranked:
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
    candidate: Candidate, view: View, known: Match, said: Match, linked: Sequence[Mechanism]
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


def _causes(view: View, ranked: Sequence[Ranked]) -> list[Cause]:
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


def _operational(cause: Cause) -> Ranked:
    return Ranked(
        id=cause.kind,
        kind="operational",
        service=cause.service,
        score=round(min(1.0, cause.strength), 4),
        evidence=cause.evidence,
    )


def _services(view: View) -> list[Ranked]:
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
