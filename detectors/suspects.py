"""Suspects: which commit may have done it. No model is asked, and nobody is convicted: only the sandbox can prove it.

Three questions, in this order of weight:

- Did it run before the onset? A commit runs from the first deploy that carries it: of its own sha, or of a commit that
  comes after it on the watched branch. What ran later, or never as far as the markers show, cannot have done it. What
  first ran while the readings could still have been noise counts as if one more deploy had come between.
- How recent was that deploy at the onset? The last deploy before it is the likeliest; each one between halves that,
  and so does every six hours that all was well. A deploy that carried one commit alone leaves nobody else.
- Is it about the symptom? Words of the symptom (a route, a signal's name) in its title, paths and changed lines; and
  the stack traces of the errors that came with it, whose frames lead into its files or, better, its changed lines.

`weigh` is the one place where that is weighed: `detectors.ranking` does it by the same over many services.

Between equals the bigger change goes first: size is the steadiest predictor of defects that a commit carries with it
(Kamei et al., "A large-scale empirical study of just-in-time quality assurance", 2013).
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from cases.anomaly import Anomaly
from cases.diagnosis import Commit, Suspect
from cases.incident import Incident, telling_values
from cases.logs import Trace
from cases.telemetry import Deploy
from detectors.hunks import LONGEST_PATCH, THE_LINE, Reached, hunks, reached
from detectors.linking import SETTING, SHAPE, TRACE, WORDS, enclosing, inert, is_value, turned
from detectors.shapes import shaped
from detectors.words import Match, matches, telling, words_of

_BASE, _SIZE, _RECENT, _ABOUT, _ALONE = 0.10, 0.05, 0.35, 0.40, 0.10
_USUAL_SIZE = 20  # changed lines
_HALF_LIFE = timedelta(hours=6)
_AFTER, _NEVER = 0.10, 0.05  # the most that one can come to that ran after the onset, or never
# What one gains that changes the very file in which the error is raised (as much as names one suspect alone), the
# function, or wrote the very line.
_RAISED_THERE, _RAISED_NEAR, _RAISED_IN_THESE_LINES = 0.15, 0.30, 0.50
_TURNED = 0.20  # what one gains that turns a number the way that brings the symptom on
_SHAPED = 0.20  # the same of one whose lines do what a signal shows
_DOCUMENTATION = 0.2  # what is left of the score of a commit that changes no code
_EXCEPTION = re.compile(r"[A-Za-z_][\w.$:]{0,119}")
_PROSE = frozenset({".md", ".rst", ".txt", ".adoc", ".png", ".svg", ".jpg", ".gif"})
_PROSE_NAMES = frozenset({"license", "codeowners", "authors", "changelog", "contributing", "notice", ".gitignore"})
_PROSE_FOLDERS = frozenset({"doc", "docs"})
_NOT_PROSE = re.compile(r"(requirements|constraints|cmakelists).*\.txt$")


def incident(anomalies: Sequence[Anomaly], extra: Sequence[str] = ()) -> Incident:
    """The trouble as the ranking needs it. `extra` are words from elsewhere (an error's text), the most telling of all.

    Raises ValueError without an anomaly.
    """
    if not anomalies:
        raise ValueError("an incident has at least one anomaly")
    labels = telling_values(anomalies)
    service = anomalies[0].signal.service
    words = (*extra, *labels, *(a.signal.name for a in anomalies), service)
    onset = min(a.onset for a in anomalies)
    return Incident(service=service, anomalies=tuple(anomalies), onset=onset, words=tuple(dict.fromkeys(words)))


def rank(
    incident: Incident, repository: str, commits: Sequence[Commit], deploys: Sequence[Deploy]
) -> tuple[Suspect, ...]:
    """Rank the commits, given newest first as the watched branch has them. See `cases.ports.Ranker`.

    Scores are in [0, 1]. `mechanism` ends a sentence about the commit: what links it to the symptom, or for one that
    cannot have done it, why not; "" when nothing links it.
    """
    symptom = telling(incident.words, [incident.service, repository])
    about = matches(symptom, [words_in(commit) + enclosing(commit.patch) for commit in commits])
    carriers = _carriers(incident.service, commits, deploys)
    ran = sorted({c.deploy.started for c in carriers if c is not None and c.deploy.started <= incident.begun})
    suspects = [
        _suspect(incident, repository, commit, carrier, match, _since(carrier, ran, incident.onset))
        for commit, carrier, match in zip(commits, carriers, about, strict=True)
    ]
    order = sorted(
        range(len(suspects)),
        key=lambda i: (not suspects[i].before_onset, -suspects[i].score, not suspects[i].raised, i),
    )
    return tuple(suspects[i] for i in order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a change came to run.

    ago      how long before the onset
    between  how many deploys with something new came between its own and the onset
    alone    whether nothing else came with it
    """

    ago: timedelta
    between: int
    alone: bool


def weigh(ran: Ran, about: float, size: float, *, prose: bool = False) -> float:
    """The score in [0, 1] of a change that ran before the onset, before any trace: see the module's docstring.

    `about` in [0, 1] is how much it is about the symptom, `size` in [0, 1] how big it is.
    """
    halvings: float = ran.between + ran.ago / _HALF_LIFE
    alone = _ALONE if ran.alone else 0.0
    score = _BASE + _SIZE * size + _RECENT * math.pow(0.5, halvings) + _ABOUT * about + alone
    return score * _DOCUMENTATION if prose else score


def raised_in(commit: Commit, traces: Sequence[Trace]) -> tuple[Reached, Trace] | None:
    """Where the traces lead into a commit, the strongest of them, and by which trace."""
    if not traces:
        return None
    changes = hunks(commit.patch)
    found = [(place, trace) for trace in traces if (place := reached(trace, commit, changes)) is not None]
    return max(found, key=lambda pair: (pair[0].changed, pair[0].strength), default=None)


def _own(commit: Commit, traces: Sequence[Trace]) -> Iterator[Trace]:
    """The traces whose innermost frame stands on a line that the commit wrote."""
    changes = hunks(commit.patch)
    for trace in traces:
        place = reached(trace, commit, changes)
        if place is not None and place.changed and place.strength >= THE_LINE:
            yield trace


def gain(place: Reached) -> float:
    """What a trace that leads there adds to a score."""
    if not place.changed:
        return _RAISED_THERE
    return _RAISED_IN_THESE_LINES if place.strength >= THE_LINE else _RAISED_NEAR


def raised_words(place: Reached, trace: Trace) -> str:
    """The same as the end of a sentence about the commit."""
    exception = trace.exception if _EXCEPTION.fullmatch(trace.exception) else "an error"
    lines = ", in what it changed there" if place.changed else ""
    return f"it changes {place.path}, where {exception} is raised now{lines}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carrier:
    """The first deploy that carried a commit, and how many commits came with it for the first time."""

    deploy: Deploy
    load: int


def _carriers(service: str, commits: Sequence[Commit], deploys: Sequence[Deploy]) -> list[_Carrier | None]:
    """For each commit, the first deploy that carries it; None for one that no marker shows to have run."""
    first: list[Deploy | None] = [None] * len(commits)
    for deploy in sorted((d for d in deploys if d.service == service), key=lambda d: (d.started, d.commit)):
        tip = next((place for place, commit in enumerate(commits) if deploy.runs(commit.sha)), None)
        if tip is None:
            continue  # older than the list, or of no commit of this branch
        for place in range(tip, len(commits)):
            if first[place] is None:
                first[place] = deploy
    loads = Counter(id(deploy) for deploy in first if deploy is not None)
    return [None if deploy is None else _Carrier(deploy=deploy, load=loads[id(deploy)]) for deploy in first]


def _since(carrier: _Carrier | None, ran: Sequence[datetime], onset: datetime) -> int:
    """How many other deploys with something new came between a commit's deploy and the onset.

    For one that came after the onset as it was dated, but while that was in doubt: those until there was no doubt, and
    one for the doubt.
    """
    if carrier is None:
        return 0
    started = carrier.deploy.started
    if started > onset:
        return 1 + sum(at > started for at in ran)
    return sum(started < at <= onset for at in ran)


def _suspect(
    incident: Incident, repository: str, commit: Commit, carrier: _Carrier | None, match: Match, between: int
) -> Suspect:
    started = carrier.deploy.started if carrier is not None else None
    mechanism, linked_by = linked(match), ""
    own: tuple[str, ...] = ()
    if carrier is None:
        score, mechanism = _NEVER * match.strength, "no deploy marker shows that it ever ran"
    elif carrier.deploy.started > incident.begun:
        score = _AFTER * match.strength
        mechanism = f"it first ran {_ago(carrier.deploy.started - incident.onset)} after the onset"
    else:
        ago = max(incident.onset - carrier.deploy.started, timedelta())
        ran = Ran(ago=ago, between=between, alone=carrier.load == 1)
        idle = is_documentation(commit) or inert(commit)
        score = weigh(ran, match.strength, size_of(commit), prose=idle)
        mechanism = "" if idle or _elsewhere(commit, incident) else mechanism
        linked_by = WORDS if mechanism else ""
        raised = raised_in(commit, incident.raised)
        if setting := turned(commit, incident.anomalies):
            score += _TURNED
            mechanism, linked_by = "; ".join(filter(None, (setting, mechanism))), SETTING
        if not idle and (shape := shaped(commit, incident.anomalies)):
            score += _SHAPED
            mechanism = "; ".join(filter(None, (shape, mechanism)))
            linked_by = linked_by if linked_by == SETTING else SHAPE
        if raised is not None and not idle:
            score += gain(raised[0])
            own = tuple(dict.fromkeys(trace.fact for trace in _own(commit, incident.raised)))
            if raised[0].changed:
                mechanism, linked_by = "; ".join(filter(None, (raised_words(*raised), mechanism))), TRACE
        score = min(1.0, score)
    return Suspect(
        commit=commit,
        repository=repository,
        score=round(score, 6),
        deployed=started,
        before_onset=started is not None and started <= incident.begun,
        mechanism=mechanism,
        linked_by=linked_by,
        raised=tuple(filter(None, own)),
    )


def _elsewhere(commit: Commit, incident: Incident) -> bool:
    """Whether stack traces say which code is concerned, and it is a change to code: then they decide, not words."""
    return bool(incident.raised) and not any(is_value(path) for path in commit.files)


def linked(match: Match) -> str:
    """What words link a commit to the symptom, as the end of a sentence about it; "" for none."""
    if not match.words:
        return ""
    named = ", ".join(f'"{word}"' for word in match.words[:3])
    return f"it touches what the symptom names: {named}"


def size_of(commit: Commit) -> float:
    """How much it changes, from 0 for nothing towards 1 for very much, a half at a usual size."""
    changed = sum(1 for _ in _changed_lines(commit))
    return changed / (changed + _USUAL_SIZE)


def _changed_lines(commit: Commit) -> Iterator[str]:
    """The lines that its patch adds or takes away."""
    for line in commit.patch[:LONGEST_PATCH].splitlines():
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---")):
            yield line[1:]


def words_in(commit: Commit) -> Counter[str]:
    """The words of a commit with their weight: paths 3, the title 2, changed lines 1; context does not count."""
    counts: Counter[str] = Counter()
    for path in commit.files:
        for word in set(words_of(path)):
            counts[word] += 3
    for word in words_of(commit.title):
        counts[word] += 2
    for line in commit.patch[:LONGEST_PATCH].splitlines():
        if line.startswith("@@"):  # git names the enclosing function behind the second pair
            counts.update(words_of(line.rpartition("@@")[2]))
    for line in _changed_lines(commit):
        counts.update(words_of(line))
    return counts


def is_documentation(commit: Commit) -> bool:
    """Whether it changes nothing that runs: prose and pictures only, or no file at all."""
    return all(_is_prose(PurePosixPath(path.lower())) for path in commit.files)


def _is_prose(path: PurePosixPath) -> bool:
    if _NOT_PROSE.match(path.name):
        return False
    return path.suffix in _PROSE or path.name in _PROSE_NAMES or bool(_PROSE_FOLDERS.intersection(path.parts[:-1]))


def _ago(duration: timedelta) -> str:
    minutes = duration.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"  # noqa: PLR2004 - two hours
