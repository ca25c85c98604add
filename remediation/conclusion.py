"""Conclusion: how far a diagnosis goes, in words that never turn "correlated" into "caused". Pure.

One suspect is named alone only by what code can show: it ran before the onset, something links it to the symptom, it
stands out, and no operational cause explains the trouble. What a language model says moves nothing of that: it orders
suspects that are alike otherwise, and is told beside them. The sandbox decides what is proved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cases.case import Case
from cases.diagnosis import AS_WELL, Diagnosis, Evidence, Finding, Hypothesis, Link, Suspect, TrackRecord
from cases.outcome import Lesson
from remediation.confidence import calibrated, of_cause, of_place, of_suspect
from remediation.operational import Cause

CLEAR_LEAD = 0.15
"""How far the best suspect must stand out to be named alone rather than in a shortlist."""
MOST_CAUSES = 2  # operational causes that are told beside a suspect
_ALONE, _AMONG_OTHERS = 0.9, 0.5  # the most that a ranking alone may be sure


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a conclusion is drawn from. `remarks` are what was set aside, `blind` what could not be seen."""

    facts: tuple[Evidence, ...]
    suspects: tuple[Suspect, ...]  # as they were ranked
    hypotheses: tuple[Hypothesis, ...]
    remarks: tuple[str, ...]
    causes: tuple[Cause, ...]  # operational ones, the strongest first
    lessons: Sequence[Lesson]
    unseen: tuple[str, ...]  # of changes and deploys
    blind: tuple[str, ...]  # of logs and models
    links: tuple[Link, ...] = ()  # what a model says of suspects and causes
    cited: tuple[str, ...] = ()  # the ids of the lessons that moved a suspect
    outcomes: Sequence[Lesson] = ()  # those that say what became of earlier claims


def fits(suspect: Suspect) -> bool:
    """Whether it can have done it: it ran before the onset."""
    return suspect.deployed is not None and suspect.before_onset


def convicted(suspects: Sequence[Suspect], causes: Sequence[Cause]) -> Suspect | None:
    """The suspect that stands out by what code can show; None when none does. No model's word is asked for."""
    able = [suspect for suspect in suspects if fits(suspect)]
    if not able or not able[0].mechanism or causes:
        return None  # whatever else may explain it: a log line may be written to look like a trace
    lead = able[0].score - max((suspect.score for suspect in able[1:]), default=-1.0)
    return able[0] if lead >= CLEAR_LEAD else None


def ordered(suspects: Sequence[Suspect], links: Sequence[Link]) -> tuple[Suspect, ...]:
    """The suspects with those first that a model names, among those that are alike otherwise.

    What did not run before the onset stays behind what did, and what nothing links by code behind what something does.
    """
    if not links:
        return tuple(suspects)
    named = {link.about: place for place, link in reversed([*enumerate(links)])}
    return tuple(
        sorted(suspects, key=lambda each: (not fits(each), not each.mechanism, named.get(each.commit.sha, len(named))))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    finding: Finding
    text: str
    record: TrackRecord | None = None


def conclude(case: Case, findings: Findings) -> Diagnosis:
    """Say how far it goes, and how sure that is by what became of claims like it."""
    alone = convicted(findings.suspects, findings.causes)
    suspects = findings.suspects if alone is not None else ordered(findings.suspects, findings.links)
    claim = _claim(findings, [each for each in suspects if fits(each)], alone)
    confidence, record = calibrated(claim.record, findings.outcomes) if claim.record is not None else (0.0, None)
    return Diagnosis(
        finding=claim.finding,
        claim=claim.text,
        facts=findings.facts,
        suspects=suspects,
        confidence=round(confidence, 2),
        disproof=_disproof(case, findings, claim.finding),
        alternatives=_alternatives(findings, claim.text),
        recalled=tuple(lesson.id for lesson in findings.lessons),
        cited=_cited(case, findings),
        blind=(*findings.unseen, *findings.blind),
        hypotheses=findings.hypotheses,
        links=findings.links,
        record=record,
    )


def _cited(case: Case, findings: Findings) -> tuple[str, ...]:
    """The lessons that a reader is pointed to: those of the same trouble, and those that moved a suspect."""
    same = (lesson.id for lesson in findings.lessons if lesson.fingerprint == case.fingerprint)
    return tuple(dict.fromkeys((*same, *findings.cited)))


def _claim(findings: Findings, able: Sequence[Suspect], alone: Suspect | None) -> _Claim:
    cause = findings.causes[0] if findings.causes else None
    if alone is not None:
        text = f"{alone.commit.short} was deployed before the onset, and {alone.mechanism}"
        return _Claim(finding=Finding.SUSPECT, text=text, record=of_suspect(alone, min(_ALONE, alone.score)))
    if able:
        text = f"{len(able)} commits were deployed before the onset; {able[0].commit.short} fits best"
        record = of_suspect(able[0], min(_AMONG_OTHERS, able[0].score))
        return _Claim(finding=Finding.SHORTLIST, text=text, record=record)
    if cause is not None and (cause.sure or not findings.hypotheses):
        record = of_cause(cause.kind, cause.strength, sure=cause.sure)
        return _Claim(finding=Finding.OPERATIONAL, text=cause.claim, record=record)
    if findings.hypotheses:
        best = findings.hypotheses[0]
        return _Claim(finding=Finding.HYPOTHESIS, text=best.statement, record=of_place(best))
    return _said_operational(findings) or _Claim(finding=Finding.NOTHING, text=nothing(findings))


def _said_operational(findings: Findings) -> _Claim | None:
    """What only a model calls an operational cause, as its word."""
    shas = {suspect.commit.sha for suspect in findings.suspects}
    said = next((link for link in findings.links if link.about not in shas), None)
    if said is None:
        return None
    text = f"{said.about}: “{said.statement}” ({', '.join(said.evidence)}), as {said.origin} reads the facts"
    record = TrackRecord(like=("operational", said.about, said.origin), raw=said.confidence, about=said.about)
    return _Claim(finding=Finding.OPERATIONAL, text=text, record=record)


def _disproof(case: Case, findings: Findings, finding: Finding) -> str:
    anomaly = case.anomaly
    if finding is Finding.OPERATIONAL:
        return f"{anomaly.signal.name} stays {anomaly.direction} when that is over"
    able = any(fits(suspect) for suspect in findings.suspects)
    otherwise = "the fault shows without the suspect" if able else "the error is raised elsewhere as well"
    return f"{anomaly.signal.name} stays {anomaly.direction} after the change runs, or {otherwise}"


def _alternatives(findings: Findings, claim: str) -> tuple[str, ...]:
    set_aside = (
        f"{suspect.commit.short}: {suspect.mechanism or 'nothing links it to the symptom'}"
        for suspect in findings.suspects
        if not fits(suspect)
    )
    beside = [f"{each.claim} {AS_WELL}" for each in findings.causes if each.claim != claim]
    return (*beside[:MOST_CAUSES], *findings.remarks, *set_aside)[:6]


def nothing(findings: Findings) -> str:
    """Why no change explains it."""
    if findings.unseen:
        return "; ".join(findings.unseen)
    if not findings.suspects:
        return "no commit was made in the window that was looked at"
    return f"none of {len(findings.suspects)} recent commits was deployed before the onset"
