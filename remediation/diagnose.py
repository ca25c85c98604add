"""OPEN → DIAGNOSED: gather evidence, rank suspects, recall what was learnt. No model is needed, nobody is accused."""

from collections.abc import Sequence
from datetime import datetime

from cases.case import Case
from cases.diagnosis import Diagnosis, Evidence, Finding, Suspect
from cases.events import Diagnosed, Escalated
from cases.moments import iso
from cases.outcome import Lesson
from cases.ports import Incident
from cases.steps import StepResult
from cases.telemetry import Deploy, Severity
from remediation.evidence import pack
from remediation.ports import Ports
from remediation.recall import reconsider

# How far the best suspect must stand out to be named alone rather than in a shortlist. The proof decides in any case.
CLEAR_LEAD = 0.15


def diagnose(case: Case, ports: Ports) -> StepResult:
    """Rank what changed before the onset. With nothing that fits, the case goes to a human with what was looked at."""
    service = ports.settings.service(case.service)
    now, onset = ports.now, onset_of(case)
    since = onset - ports.settings.diagnosis.look_back
    deploys = ports.changes.deploys(case.service, since, now)
    commits = ports.forge.commits(service.repository, since, now)
    incident = Incident(service=case.service, anomalies=case.anomalies, onset=onset, words=words(case))
    ranked = ports.rank(incident, service.repository, commits, deploys)
    lessons = ports.lessons.recall(case.fingerprint, case.service)
    ranked, remarks = reconsider(ranked, lessons)
    facts, suspects = pack(case, ranked, deploys, lessons, now)
    diagnosis = conclude(
        case, facts, suspects, remarks, lessons, blind=_blind(deploys, commits_seen=len(commits), since=since)
    )
    if any(fits(suspect) for suspect in suspects):
        return StepResult(events=(Diagnosed(diagnosis=diagnosis),))
    reason = f"no change explains it: {diagnosis.claim}"
    return StepResult(
        events=(Diagnosed(diagnosis=diagnosis), Escalated(reason=reason)),
        effects=ports.tell(
            f"{case.id}-escalated", Severity.PAGE, f"{case.service}: a human is needed", reason, case=case.id
        ),
    )


def onset_of(case: Case) -> datetime:
    """The earliest onset among the anomalies of a case."""
    return min(anomaly.onset for anomaly in case.anomalies)


def words(case: Case) -> tuple[str, ...]:
    """What names the symptom, most telling first: label values, signal names, the service."""
    labels = [value for anomaly in case.anomalies for key, value in sorted(anomaly.labels.items()) if key != "__name__"]
    signals = [anomaly.signal.name for anomaly in case.anomalies]
    return tuple(dict.fromkeys([*labels, *signals, case.service]))


def fits(suspect: Suspect) -> bool:
    """Whether it can have done it: it ran before the onset."""
    return suspect.deployed is not None and suspect.before_onset


def conclude(
    case: Case,
    facts: tuple[Evidence, ...],
    suspects: tuple[Suspect, ...],
    remarks: tuple[str, ...],
    lessons: Sequence[Lesson],
    *,
    blind: tuple[str, ...],
) -> Diagnosis:
    """Say how far the ranking goes, in words that never turn 'correlated' into 'caused'."""
    able = [suspect for suspect in suspects if fits(suspect)]
    anomaly = case.anomaly
    lead = able[0].score - able[1].score if len(able) > 1 else 1.0
    if not able:
        finding, claim, confidence = Finding.NOTHING, _nothing(suspects, blind), 0.0
    elif able[0].mechanism and lead >= CLEAR_LEAD:
        finding, confidence = Finding.SUSPECT, min(0.9, able[0].score)
        claim = f"{able[0].commit.short} was deployed before the onset, and {able[0].mechanism}"
    else:
        finding, confidence = Finding.SHORTLIST, min(0.5, able[0].score)
        claim = f"{len(able)} commits were deployed before the onset; {able[0].commit.short} fits best"
    set_aside = tuple(
        f"{suspect.commit.short}: {suspect.mechanism or 'nothing links it to the symptom'}"
        for suspect in suspects
        if not fits(suspect)
    )
    return Diagnosis(
        finding=finding,
        claim=claim,
        facts=facts,
        suspects=suspects,
        confidence=round(confidence, 2),
        disproof=(
            f"{anomaly.signal.name} stays {anomaly.direction} after the change runs, "
            "or the fault shows without the suspect"
        ),
        alternatives=(*remarks, *set_aside)[:6],
        recalled=tuple(lesson.id for lesson in lessons),
        blind=blind,
    )


def _nothing(suspects: Sequence[Suspect], blind: Sequence[str]) -> str:
    if blind:
        return "; ".join(blind)
    if not suspects:
        return "no commit was made in the window that was looked at"
    return f"none of {len(suspects)} recent commits was deployed before the onset"


def _blind(deploys: Sequence[Deploy], *, commits_seen: int, since: datetime) -> tuple[str, ...]:
    """What could not be seen, in words, with what would mend it."""
    blind: list[str] = []
    if not deploys:
        blind.append(
            f"no deploy marker since {iso(since)}, so nothing can be said to have been running; "
            "check `deploys` in the configuration against what the service exports"
        )
    if not commits_seen:
        blind.append(f"no commit on the watched branch since {iso(since)}")
    return tuple(blind)
