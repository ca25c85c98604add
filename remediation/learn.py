"""The last step of every case: its outcome, and the lesson that the next diagnosis recalls."""

import hashlib
from datetime import datetime

from cases.case import Case
from cases.diagnosis import Commit
from cases.events import Closed, Event
from cases.moments import iso
from cases.outcome import Ending, Lesson, Outcome, Ruling
from cases.steps import StepResult
from cases.telemetry import Severity
from remediation.confidence import held
from remediation.neutral import neutral
from remediation.ports import Ports

ENDINGS = {
    Ruling.WORKED: Ending.WORKED,
    Ruling.HARMFUL: Ending.HARMFUL,
    Ruling.UNCHANGED: Ending.UNCHANGED,
    Ruling.INCONCLUSIVE: Ending.INCONCLUSIVE,
}


def learn(case: Case, ports: Ports) -> StepResult:
    """Close a case whose story has ended."""
    return closing(case, ports)


def closing(case: Case, ports: Ports, *, extra: tuple[Event, ...] = (), url: str = "") -> StepResult:
    """The closing events of a case, after `extra` ones that ended it just now."""
    outcome = outcome_of(case, ports, refused=bool(extra))
    lesson = lesson_of(case, outcome, url or (case.merge.url if case.merge else ""))
    told = ports.tell(
        f"{case.id}-closed",
        Severity.NOTE,
        f"{case.service}: {outcome.ending}",
        f"{outcome.because}\nCase {case.id}." + (f" Lesson {lesson.id}: {lesson.text}" if lesson else ""),
        case=case.id,
        link=lesson.pull_request if lesson else "",
    )
    return StepResult(events=(*extra, Closed(outcome=outcome, lesson=lesson)), effects=told)


def outcome_of(case: Case, ports: Ports, *, refused: bool = False) -> Outcome:
    """How the case ended, in one word and one sentence."""
    number = case.changes[-1].number if case.changes else 0
    judgement = case.judgement
    if refused:
        ending, because = Ending.CLOSED_UNMERGED, "a human closed the pull request without merging it"
    elif judgement is not None and case.change.rolls_back is not None:
        ending = Ending.ROLLED_BACK
        because = (
            f"change {case.change.rolls_back} was harmful and was rolled back; after the rollback: {judgement.because}"
        )
    elif judgement is not None:
        ending, because = ENDINGS[judgement.ruling], judgement.because
    elif case.recovered is not None:
        ending = Ending.RECOVERED
        because = f"the signals came back by themselves at {iso(case.recovered)}, before any change of ours ran"
    else:
        ending, because = Ending.DISMISSED, "a human closed the case"
    return Outcome(ending=ending, change=number, because=because, at=ports.now, judgement=judgement)


def lesson_of(case: Case, outcome: Outcome, url: str) -> Lesson | None:
    """What a tried change taught. Without a change there is nothing to learn but that it passed."""
    if not case.changes:
        return None
    blamed = case.change
    if blamed.rolls_back is not None:  # the lesson is about the change that did harm
        blamed = next(change for change in case.changes if change.number == blamed.rolls_back)
    culprit = _culprit(case, blamed.inverse_of or blamed.blames)
    subject = neutral(blamed.title, 80)
    if culprit or blamed.inverse_of:
        subject = f"{culprit.short} {neutral(culprit.title, 80)}" if culprit else (blamed.inverse_of or "")[:10]
    anomaly = case.anomaly
    text = (
        f"{anomaly.signal.name} of {case.service} went {anomaly.direction}; {blamed.kind} of {subject} ended: "
        f"{outcome.ending} ({outcome.because})"
    )
    return Lesson(
        id=hashlib.sha256(f"{case.id}-{blamed.number}".encode()).hexdigest()[:8],
        at=outcome.at,
        fingerprint=case.fingerprint,
        service=case.service,
        signal=anomaly.signal.key,
        strategy=blamed.origin,
        ending=outcome.ending,
        subject=subject,
        paths=blamed.lead.paths,
        text=text,
        case=case.id,
        pull_request=url,
        held=held(case, outcome.ending),
    )


def _culprit(case: Case, sha: str | None) -> Commit | None:
    suspects = case.diagnosis.suspects if case.diagnosis else ()
    return next((suspect.commit for suspect in suspects if suspect.commit.sha == sha), None)


def dismissal(case: Case, because: str, at: datetime) -> tuple[Outcome, Lesson | None]:
    """How a case ends that a human said no to before anything was opened."""
    number = case.changes[-1].number if case.changes else 0
    outcome = Outcome(ending=Ending.DISMISSED, change=number, because=because, at=at)
    return outcome, lesson_of(case, outcome, "")
