"""The evidence pack: facts with ids, from which every number in a pull request comes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from cases.anomaly import Anomaly, AnomalyKind
from cases.case import Case
from cases.diagnosis import Evidence, EvidenceKind, Suspect
from cases.logs import ErrorSeen
from cases.moments import iso
from cases.outcome import Lesson
from cases.symptom import OWN_WORDS, symptom
from cases.telemetry import Deploy
from remediation.edit.places import Place, exception_of
from remediation.neutral import neutral

SUSPECTS_SHOWN = 5
DEPLOYS_SHOWN = 8
LESSONS_SHOWN = 3
LONGEST_SAMPLE = 120
MOST_LABELS = 8
_TINY = 1e-12


class Pack:
    """Facts in the order they were added, behind those that are there; each gets the next id."""

    def __init__(self, facts: Sequence[Evidence] = ()) -> None:
        self.facts: list[Evidence] = list(facts)

    def add(
        self,
        fact: str,
        source: str,
        at: datetime,
        numbers: Mapping[str, float] | None = None,
        kind: EvidenceKind = EvidenceKind.OTHER,
    ) -> str:
        """Store a fact and return its id."""
        evidence = Evidence(
            id=f"E{len(self.facts) + 1}", fact=fact, source=source, at=at, numbers=numbers or {}, kind=kind
        )
        self.facts.append(evidence)
        return evidence.id

    def anomalies(self, anomalies: Sequence[Anomaly]) -> tuple[str, ...]:
        """The trouble itself: these facts come first. The id of each."""
        return tuple(self.anomaly(anomaly) for anomaly in anomalies)

    def anomaly(self, anomaly: Anomaly) -> str:
        """What is out of its range, and since when; the id of the first."""
        source = f"{anomaly.signal.source}: {anomaly.signal.query}"
        band = f"where {anomaly.expected:.4g} ({anomaly.low:.4g} to {anomaly.high:.4g}) was expected"
        seen = symptom(anomaly) if anomaly.kind in OWN_WORDS else f"reads {anomaly.value:.4g} {band}"
        first = self.add(
            f"{anomaly.signal.name} of {anomaly.signal.service} {seen}{_effect(anomaly)}{_labelled(anomaly.labels)}",
            source,
            anomaly.detected,
            {
                "value": anomaly.value,
                "expected": anomaly.expected,
                "low": anomaly.low,
                "high": anomaly.high,
                **effects(anomaly),
            },
            EvidenceKind.SYMPTOM,
        )
        if anomaly.kind is AnomalyKind.GOAL:
            return first  # nothing began
        self.add(
            f"it began at {iso(anomaly.onset)}, give or take {anomaly.give_or_take_s:.0f} s ({anomaly.detector})",
            source,
            anomaly.detected,
            {"onset_bound_s": anomaly.onset_bound_s, "onset_late_s": anomaly.onset_late_s},
            EvidenceKind.SYMPTOM,
        )
        return first

    def suspect(self, suspect: Suspect, now: datetime) -> Suspect:
        """When the suspect was committed and deployed, and what links it; returns it with the evidence's id."""
        commit = suspect.commit
        ran = f"deployed {iso(suspect.deployed)}" if suspect.deployed else "no marker shows it deployed"
        link = f"; {neutral(suspect.mechanism)}" if suspect.mechanism else ""
        evidence = self.add(
            f"{commit.short} “{neutral(commit.title, 80)}”, committed {iso(commit.at)}, {ran}{link}",
            f"{suspect.repository} {commit.short}",
            now,
            {"score": round(suspect.score, 3), "files": len(commit.files)},
            EvidenceKind.SUSPECT,
        )
        return replace(suspect, evidence=(*suspect.evidence, evidence))

    def error(self, seen: ErrorSeen, usual: float, places: Sequence[Place], now: datetime) -> str:
        """A kind of error that began with the trouble: how often, since when, where. Its text is data, capped."""
        if seen.news:
            return self.news(seen, now)
        where = f" in {places[0].path}:{places[0].line} {places[0].function}()" if places else ""
        what = exception_of(seen.trace) if seen.trace else "an error"
        said = seen.trace.message if seen.trace else seen.sample
        kind = "new in the logs" if usual * 10 <= seen.count else "far more frequent in the logs"
        return self.add(
            f"{kind}: {what} raised{where}, {seen.count} times, first {iso(seen.first)}, where "
            f"{usual:.1f} were usual; it says “{neutral(said, LONGEST_SAMPLE)}”",
            f"logs of {seen.service}",
            now,
            {"count": float(seen.count), "usual": round(usual, 3)},
            EvidenceKind.ERROR,
        )

    def news(self, seen: ErrorSeen, now: datetime) -> str:
        """A line of a kind that the log never had: no error, and rare. Its text is data, capped."""
        why = ", ".join(neutral(reason, LONGEST_SAMPLE) for reason in seen.news[:2])
        return self.add(
            f"a kind of line that the log never had: {seen.count} times, first {iso(seen.first)} ({why}); it says "
            f"“{neutral(seen.sample, LONGEST_SAMPLE)}”",
            f"logs of {seen.service}",
            now,
            {"count": float(seen.count)},
            EvidenceKind.ERROR,
        )

    def deploy(self, deploy: Deploy, now: datetime, where: str = "") -> str:
        """When a commit began to run; `where` is its service, if it is another than the case's."""
        begun = f"{neutral(deploy.commit[:10])} began to run{where and f' in {neutral(where, 60)}'} at"
        return self.add(f"{begun} {iso(deploy.started)}", deploy.source, now, kind=EvidenceKind.DEPLOY)


def pack(
    case: Case,
    suspects: Sequence[Suspect],
    deploys: Sequence[Deploy],
    lessons: Sequence[Lesson],
    now: datetime,
    facts: Pack | None = None,
) -> tuple[tuple[Evidence, ...], tuple[Suspect, ...]]:
    """Number the facts of a case behind those that are there, and give the best suspects the ids that speak of them."""
    facts = facts or Pack()
    if not facts.facts:
        facts.anomalies(case.anomalies)
    for deploy in deploys[-DEPLOYS_SHOWN:]:
        facts.deploy(deploy, now)
    named = tuple(facts.suspect(suspect, now) for suspect in suspects[:SUSPECTS_SHOWN])
    for lesson in lessons[:LESSONS_SHOWN]:
        text = f"lesson {lesson.id}: {neutral(lesson.text, 300)}"
        facts.add(text, f"case {lesson.case}", lesson.at, kind=EvidenceKind.LESSON)
    return tuple(facts.facts), (*named, *suspects[SUSPECTS_SHOWN:])


def _labelled(labels: Mapping[str, str]) -> str:
    shown = [f"{neutral(key, 60)}={neutral(value, 60)}" for key, value in sorted(labels.items()) if key != "__name__"]
    more = [f"{len(shown) - MOST_LABELS} more labels"] if len(shown) > MOST_LABELS else []
    return f" ({', '.join([*shown[:MOST_LABELS], *more])})" if shown else ""


def effects(anomaly: Anomaly) -> Mapping[str, float]:
    """How large the departure is: `times` the expected, and how many `half_bands` away from it.

    What cannot be reckoned is left out; of the kinds that have figures of their own neither says anything.
    """
    if anomaly.kind in OWN_WORDS:
        return {}
    found: dict[str, float] = {}
    half = (anomaly.high - anomaly.low) / 2
    if anomaly.expected > _TINY and anomaly.value > _TINY:
        found["times"] = anomaly.value / anomaly.expected
    if half > _TINY:
        found["half_bands"] = abs(anomaly.value - anomaly.expected) / half
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _effect(anomaly: Anomaly) -> str:
    found = effects(anomaly)
    said = [f"{found['times']:.3g} times as much"] if "times" in found else []
    said += [f"{found['half_bands']:.3g} half bands away"] if "half_bands" in found else []
    return f", {', '.join(said)}" if said else ""
