"""OPEN → DIAGNOSED: gather evidence, rank suspects, recall what was learnt. Nobody is accused.

No model is needed. One is asked only where no change fits, and then it must cite facts and name code that exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cases.case import Case
from cases.diagnosis import AS_WELL, Commit, Diagnosis, Evidence, Finding, Hypothesis, Suspect
from cases.events import Diagnosed, Escalated
from cases.incident import Incident
from cases.moments import iso
from cases.outcome import Lesson
from cases.steps import StepResult
from cases.telemetry import Deploy, Severity
from remediation.edit.brief import reader
from remediation.edit.hypotheses import consult
from remediation.edit.locate import Located, located
from remediation.evidence import Pack, pack
from remediation.operational import Cause, Symptoms, causes
from remediation.playbooks import plugged
from remediation.playbooks.python_edit import in_question
from remediation.playbooks.tune import rules
from remediation.ports import Ports
from remediation.recall import reconsider
from remediation.traces import Traces, traces

# How far the best suspect must stand out to be named alone rather than in a shortlist. The proof decides in any case.
CLEAR_LEAD = 0.15
MOST_CAUSES = 2  # operational causes that are told beside a suspect


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a conclusion is drawn from. `remarks` are what was set aside, `blind` what could not be seen."""

    facts: tuple[Evidence, ...]
    suspects: tuple[Suspect, ...]
    hypotheses: tuple[Hypothesis, ...]
    remarks: tuple[str, ...]
    causes: tuple[Cause, ...]  # operational ones, the strongest first
    lessons: Sequence[Lesson]
    unseen: tuple[str, ...]  # of changes and deploys
    blind: tuple[str, ...]  # of logs and models


def diagnose(case: Case, ports: Ports) -> StepResult:
    """Rank what changed before the onset, and where the logs point. With nothing that fits, a human gets the case."""
    service = ports.settings.service(case.service)
    now, onset = ports.now, onset_of(case)
    since = onset - ports.settings.diagnosis.look_back
    deploys = ports.changes.deploys(case.service, since, now)
    commits = ports.forge.commits(service.repository, since, now)
    logs = traces(case, ports, service.repository)
    incident = Incident(
        service=case.service,
        anomalies=case.anomalies,
        onset=onset,
        words=words(case, logs.words),
        raised=logs.raised,
    )
    ranked = ports.rank(incident, service.repository, commits, deploys)
    lessons = ports.lessons.recall(case.fingerprint, case.service)
    ranked, remarks = reconsider(ranked, lessons)
    gathered = Pack()
    symptoms = gathered.anomalies(case.anomalies)
    hypotheses, told = logs.facts(gathered, ports)
    others = [had for other in ports.cases.active() if other.id != case.id for had in other.anomalies]
    seen = Symptoms(case=case, others=others, errors=logs.errors, facts=symptoms, told=told)
    operational = causes(seen, gathered)
    facts, suspects = pack(case, ranked, deploys, lessons, now, gathered)
    running = () if deploys else ports.changes.running(case.service, onset)
    findings = Findings(
        facts=facts,
        suspects=suspects,
        hypotheses=hypotheses,
        remarks=remarks,
        causes=operational,
        lessons=lessons,
        unseen=_unseen(deploys, running, commits, since),
        blind=(logs.blind,) if logs.blind else (),
    )
    if any(fits(suspect) for suspect in suspects):
        return StepResult(events=(Diagnosed(diagnosis=conclude(case, findings)),))
    return _without_suspect(case, ports, findings, logs)


def onset_of(case: Case) -> datetime:
    """The earliest onset among the anomalies of a case."""
    return min(anomaly.onset for anomaly in case.anomalies)


def words(case: Case, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """What names the symptom, most telling first: what the logs name, label values, signal names, the service."""
    labels = [value for anomaly in case.anomalies for key, value in sorted(anomaly.labels.items()) if key != "__name__"]
    signals = [anomaly.signal.name for anomaly in case.anomalies]
    return tuple(dict.fromkeys([*extra, *labels, *signals, case.service]))


def fits(suspect: Suspect) -> bool:
    """Whether it can have done it: it ran before the onset."""
    return suspect.deployed is not None and suspect.before_onset


def _without_suspect(case: Case, ports: Ports, findings: Findings, logs: Traces) -> StepResult:
    """No change fits. A rule to tune by goes on to a draft, as does a place in the code with a model; else a human."""
    if rules(case, ports.settings.service(case.service)):
        return StepResult(events=(Diagnosed(diagnosis=conclude(case, findings)),))
    remark = ""
    if ports.model is not None and logs.errors and not _is_operational(findings):
        repository = ports.settings.service(case.service).repository
        read = reader(ports.forge, repository, ports.forge.head(repository))
        mapped = Located(places=logs.places)
        if not logs.places:
            mapped = located(case, ports, ports.model, findings.facts, words(case, logs.words))
        opinion = consult(ports.model, case.id, findings.facts, mapped.places, read)
        findings = replace(
            findings,
            hypotheses=_joined(opinion.hypotheses, findings.hypotheses),
            blind=(*findings.blind, *filter(None, (mapped.because, opinion.because))),
        )
        if opinion.usable:
            return StepResult(events=(Diagnosed(diagnosis=conclude(case, findings)),))
        remark = opinion.because
    diagnosis = conclude(case, findings)
    patterned = in_question(findings.hypotheses, ports.settings, case.service)
    if (patterned or plugged.drafters()) and not _is_operational(findings):
        return StepResult(events=(Diagnosed(diagnosis=diagnosis),))
    place = f"; {diagnosis.hypotheses[0].statement}" if diagnosis.hypotheses else ""
    named = diagnosis.finding in {Finding.NOTHING, Finding.OPERATIONAL}
    shown = diagnosis.claim if named else _nothing(findings)
    reason = f"no change explains it: {shown}{place}" + (f"; {remark}" if remark else "")
    return StepResult(
        events=(Diagnosed(diagnosis=diagnosis), Escalated(reason=reason)),
        effects=ports.tell(
            f"{case.id}-escalated", Severity.PAGE, f"{case.service}: a human is needed", reason, case=case.id
        ),
    )


def _is_operational(findings: Findings) -> bool:
    """Whether more than log lines show that nobody changed it: no edit is asked of a model for that."""
    return bool(findings.causes) and findings.causes[0].sure


def _joined(said: tuple[Hypothesis, ...], traced: tuple[Hypothesis, ...]) -> tuple[Hypothesis, ...]:
    """A model's hypotheses and then the traces' own. Both stay: only a trace names the exception."""
    return (*said, *traced)


def conclude(case: Case, findings: Findings) -> Diagnosis:
    """Say how far the ranking goes, in words that never turn 'correlated' into 'caused'."""
    suspects = findings.suspects
    able = [suspect for suspect in suspects if fits(suspect)]
    anomaly = case.anomaly
    lead = able[0].score - able[1].score if len(able) > 1 else 1.0
    cause = findings.causes[0] if findings.causes else None
    if not able and cause is not None and (cause.sure or not findings.hypotheses):
        finding, claim, confidence = Finding.OPERATIONAL, cause.claim, cause.strength
    elif not able and findings.hypotheses:
        best = findings.hypotheses[0]
        finding, claim, confidence = Finding.HYPOTHESIS, best.statement, best.confidence
    elif not able:
        finding, claim, confidence = Finding.NOTHING, _nothing(findings), 0.0
    elif able[0].mechanism and lead >= CLEAR_LEAD and not findings.causes:
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
    beside = tuple(f"{each.claim} {AS_WELL}" for each in findings.causes if each.claim != claim)[:MOST_CAUSES]
    return Diagnosis(
        finding=finding,
        claim=claim,
        facts=findings.facts,
        suspects=suspects,
        confidence=round(confidence, 2),
        disproof=(
            f"{anomaly.signal.name} stays {anomaly.direction} after the change runs, "
            + ("or the fault shows without the suspect" if able else "or the error is raised elsewhere as well")
            if finding is not Finding.OPERATIONAL
            else f"{anomaly.signal.name} stays {anomaly.direction} when that is over"
        ),
        alternatives=(*beside, *findings.remarks, *set_aside)[:6],
        recalled=tuple(lesson.id for lesson in findings.lessons),
        blind=(*findings.unseen, *findings.blind),
        hypotheses=findings.hypotheses,
    )


def _nothing(findings: Findings) -> str:
    if findings.unseen:
        return "; ".join(findings.unseen)
    if not findings.suspects:
        return "no commit was made in the window that was looked at"
    return f"none of {len(findings.suspects)} recent commits was deployed before the onset"


def _unseen(
    deploys: Sequence[Deploy], running: Sequence[str], commits: Sequence[Commit], since: datetime
) -> tuple[str, ...]:
    """What could not be seen of changes, in words, with what would mend it."""
    unseen: list[str] = []
    if not deploys and not running:
        unseen.append(
            f"no deploy marker since {iso(since)}, so nothing can be said to have been running; "
            "check `deploys` in the configuration against what the service exports"
        )
    if not commits:
        unseen.append(f"no commit on the watched branch since {iso(since)}")
    return tuple(unseen)
