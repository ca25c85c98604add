"""The last step of every case: its outcome, and the lesson that the next diagnosis recalls."""

import hashlib
from dataclasses import replace
from datetime import datetime

from cases.case import Case
from cases.diagnosis import Commit
from cases.events import Closed, Entry, Event, Rejected
from cases.lifecycle import advance
from cases.moments import iso
from cases.outcome import NO_CHANGE, Ending, Judgement, Lesson, Outcome, Refusal, Ruling
from cases.pull_request_events import ClosedUnmerged
from cases.steps import KillFlag, StepResult
from cases.telemetry import Severity
from cases.verdict import Claim
from remediation.confidence import held
from remediation.grounds import grounds_of, plan_of
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
    for event in extra:
        case = advance(case, Entry(at=ports.now, actor="daemon", event=event))
    outcome = outcome_of(case, ports, refused=bool(extra))
    lesson = lesson_of(case, outcome, url or (case.merge.url if case.merge else ""))
    if case.hypothesis is not None and outcome.ending is Ending.WORKED and ports.spent is not None:
        from remediation.worth import worth_of  # with the first experiment that worked

        worth = worth_of(case, ports.settings, ports.spent(case.id))
        lesson = replace(lesson, text=f"{lesson.text}; {worth}") if worth is not None else lesson
    told = ports.tell(
        f"{case.id}-closed",
        Severity.NOTE,
        f"{case.service}: {outcome.ending}",
        f"{outcome.because}\nCase {case.id}."
        + (f" Lesson {lesson.id}: {lesson.text}" if lesson.strategy != NO_CHANGE else ""),
        case=case.id,
        link=lesson.pull_request,
    )
    return StepResult(
        events=(*extra, Closed(outcome=outcome, lesson=lesson)), effects=(*left_on(case, outcome.because), *told)
    )


def left_on(case: Case, because: str) -> tuple[KillFlag, ...]:
    """What an experiment that ends may not leave behind: a flag that shows some users what nobody looks after."""
    shown = case.shows
    if shown is None or shown.share >= 1:
        return ()
    return (KillFlag(key=f"{case.id}-flag-off", place=shown.flag, because=neutral(because, 200)),)


def outcome_of(case: Case, ports: Ports, *, refused: bool = False) -> Outcome:
    """How the case ended, in one word and one sentence."""
    number = case.changes[-1].number if case.changes else 0
    judgement, exonerated = case.judgement, False
    if refused and not _only_tidied(case):
        ending, because = Ending.CLOSED_UNMERGED, "a human closed the pull request without merging it" + _said(case)
    elif case.hypothesis is not None and (came := _came_of(case)) is not None:
        ending, because, judgement = came
    elif judgement is not None and case.change.rolls_back is not None:
        ending = Ending.ROLLED_BACK
        because = (
            f"change {case.change.rolls_back} was harmful and was rolled back; after the rollback: {judgement.because}"
        )
        exonerated = judgement.recovered is False and judgement.ruling is not Ruling.WORKED
        if exonerated:
            because += (
                f"; nothing recovered: change {case.change.rolls_back} is exonerated, the rollback was a false one"
            )
    elif judgement is not None:
        ending, because = ENDINGS[judgement.ruling], judgement.because
    elif case.recovered is not None:
        ending = Ending.RECOVERED
        because = f"the signals came back by themselves at {iso(case.recovered)}, before any change of ours ran"
    else:
        ending, because = Ending.DISMISSED, "a human closed the case"
    return Outcome(
        ending=ending, change=number, because=because, at=ports.now, judgement=judgement, exonerated=exonerated
    )


def _only_tidied(case: Case) -> bool:
    """Whether what was refused would have changed nothing for any user: what the experiment left behind."""
    return case.hypothesis is not None and bool(case.judgements) and case.change.experiment is None


def _came_of(case: Case) -> tuple[Ending, str, Judgement] | None:
    """How an experiment ended: by what was measured, and how far it was scaled; None where nothing was measured."""
    measured = next((one for one in case.judgements if one.effect is not None), None) or next(
        iter(case.judgements), None
    )
    if measured is None:
        return None
    last = case.judgements[-1]
    if last.ruling is Ruling.HARMFUL:
        return Ending.ROLLED_BACK, last.because, last
    if last is not measured and last.ruling is Ruling.WORKED:
        return Ending.WORKED, f"{measured.because}; {last.because}", measured
    return ENDINGS[measured.ruling], measured.because, measured


def lesson_of(case: Case, outcome: Outcome, url: str) -> Lesson:
    """What a case taught: of its change, or that it passed without one."""
    anomaly = case.anomaly
    trouble = f"{anomaly.signal.name} of {case.service} went {anomaly.direction}"
    lesson = Lesson(
        id=hashlib.sha256(f"{case.id}-0".encode()).hexdigest()[:8],
        at=outcome.at,
        fingerprint=case.fingerprint,
        service=case.service,
        signal=anomaly.signal.key,
        strategy=NO_CHANGE,
        ending=outcome.ending,
        subject="",
        paths=(),
        text=f"{trouble}; no change was drafted, and it ended: {outcome.ending} ({neutral(outcome.because, 300)})",
        case=case.id,
        pull_request="",
        detector=anomaly.detector,
        grounds=grounds_of(case, ""),
    )
    if case.hypothesis is not None and case.goal is not None:
        from remediation.taught import taught  # needed with the first that ends

        return taught(case, case.goal, case.hypothesis, outcome, lesson, url)
    return lesson if not case.changes else _of_change(case, outcome, lesson, trouble, url)


def _of_change(case: Case, outcome: Outcome, lesson: Lesson, trouble: str, url: str) -> Lesson:
    """The lesson of the change that was tried last; of the harmful one where that was its rollback."""
    blamed = case.change
    if blamed.rolls_back is not None:
        blamed = next(change for change in case.changes if change.number == blamed.rolls_back)
    culprit = _culprit(case, blamed.inverse_of or blamed.blames)
    subject = neutral(blamed.title, 80)
    if culprit or blamed.inverse_of:
        subject = f"{culprit.short} {neutral(culprit.title, 80)}" if culprit else (blamed.inverse_of or "")[:10]
    disproved = {trial.change for trial in case.trials if trial.claim is Claim.DISPROVED}
    judgement = next((j for j in reversed(case.judgements) if j.change == blamed.number), None)
    return replace(
        lesson,
        id=hashlib.sha256(f"{case.id}-{blamed.number}".encode()).hexdigest()[:8],
        strategy=blamed.origin,
        subject=subject,
        paths=blamed.lead.paths,
        text=f"{trouble}; {blamed.kind} of {subject} ended: {outcome.ending} ({outcome.because})",
        pull_request=url,
        held=held(case, outcome.ending),
        action=blamed.kind.value,
        lines=sum(part.added + part.removed for part in blamed.parts),
        disproved=tuple(dict.fromkeys(change.origin for change in case.changes if change.number in disproved)),
        plan=plan_of(blamed),
        grounds=grounds_of(case, blamed.blames or blamed.inverse_of or ""),
        refusal=_refusal(case, outcome),
        merged=any(merge.change == blamed.number for merge in case.merges),
        effect=judgement.effect if judgement is not None else None,
    )


def _refusal(case: Case, outcome: Outcome) -> Refusal:
    """Why a human said no, in their own words where they said any."""
    if outcome.ending not in {Ending.CLOSED_UNMERGED, Ending.DISMISSED}:
        return Refusal.UNSAID
    said = [outcome.because]
    said += [e.event.because for e in case.history if isinstance(e.event, ClosedUnmerged | Rejected)]
    return next((reason for reason in map(Refusal.of, said) if reason), Refusal.UNSAID)


def _said(case: Case) -> str:
    """Why, where whoever closed it said so."""
    said = next((e.event.because for e in reversed(case.history) if isinstance(e.event, ClosedUnmerged)), "")
    return f": {said}" if Refusal.of(said) else ""


def _culprit(case: Case, sha: str | None) -> Commit | None:
    suspects = case.diagnosis.suspects if case.diagnosis else ()
    return next((suspect.commit for suspect in suspects if suspect.commit.sha == sha), None)


def dismissal(case: Case, because: str, at: datetime) -> tuple[Outcome, Lesson]:
    """How a case ends that a human said no to before anything was opened."""
    number = case.changes[-1].number if case.changes else 0
    came = _came_of(case) if _only_tidied(case) else None
    if came is None:
        outcome = Outcome(ending=Ending.DISMISSED, change=number, because=because, at=at)
    else:
        ending, measured, judgement = came
        said = f"{measured}; its clean-up was dropped: {because}"
        outcome = Outcome(ending=ending, change=number, because=said, at=at, judgement=judgement)
    return outcome, lesson_of(case, outcome, "")
