"""How sure a diagnosis may say that it is: its own figure, held against what became of claims like it.

Like it is first what has the same kind, link and source (a change, by words, of the ranking), then what shares the
first two, then the first. The widest pulls first and the narrowest last. With no outcome the figure stands as it is,
and says so.
"""

from collections.abc import Sequence
from dataclasses import replace

from cases.case import Case
from cases.change import Change, ChangeClass
from cases.diagnosis import Diagnosis, Hypothesis, Suspect, TrackRecord
from cases.outcome import Ending, Held, Lesson
from cases.verdict import Claim
from inference.calibration import outcomes, pulled
from remediation.neutral import neutral

MOST_LESSONS = 500
"""The newest lessons that are looked at."""

CHANGE, CODE, OPERATIONAL = "change", "code", "operational"

# What the end of a case says of the claim that its change answers: right or not, and how much that counts.
_SAYS = {
    Ending.WORKED: (True, 1.0),
    Ending.UNCHANGED: (False, 1.0),
    Ending.HARMFUL: (False, 1.0),
    Ending.ROLLED_BACK: (False, 1.0),
    Ending.CLOSED_UNMERGED: (False, 0.5),  # a no may be for the cause, the change, or its moment
    Ending.DISMISSED: (False, 0.5),
}


def of_suspect(suspect: Suspect, raw: float) -> TrackRecord:
    """The claim that a suspect did it."""
    return TrackRecord(like=(CHANGE, suspect.linked_by or "timing", "ranking"), raw=raw, about=suspect.commit.sha)


def of_place(place: Hypothesis) -> TrackRecord:
    """The claim that a place in the code is wrong."""
    link = "trace" if place.exception else "reading"
    return TrackRecord(like=(CODE, link, place.origin), raw=place.confidence, about=place.path)


def of_cause(kind: str, raw: float, *, sure: bool) -> TrackRecord:
    """The claim that nobody changed it."""
    return TrackRecord(like=(OPERATIONAL, kind, "signals" if sure else "logs"), raw=raw, about=kind)


def calibrated(record: TrackRecord, lessons: Sequence[Lesson]) -> tuple[float, TrackRecord]:
    """The figure to state, in [0, 1], and the record with the outcomes that it rests on."""
    known = [lesson.held for lesson in lessons if lesson.held is not None]
    figure = record.raw
    for shared in range(1, len(record.like) + 1):
        like = [held for held in known if _shared(held.like, record.like) == shared]
        if like:
            seen = outcomes([(held.raw, held.right, held.weight) for held in like])
            figure = pulled(figure, record.raw, seen)
            record = replace(record, n=seen.n, right=seen.hits, of=", ".join(record.like[:shared]))
    return figure, record


def confidence_said(diagnosis: Diagnosis) -> str:
    """The stated confidence with its n, as a line of a pull request: what it is without the sandbox."""
    stated, record = f"confidence before the sandbox: {diagnosis.confidence:.0%}", diagnosis.record
    if record is None or not record.of:
        return f"{stated}, the ranking's own figure: no outcome of a claim like it is known yet (n = 0)"
    known = f"n = {record.n:g} outcomes of claims like it ({neutral(record.of, 80)}), {record.right:g} of them right"
    return f"{stated}; {record.raw:.0%} by the ranking alone, {known}"


def held(case: Case, ending: Ending) -> Held | None:
    """What the end of a case says of the first claim of its diagnosis; None when it says nothing."""
    record = case.diagnosis.record if case.diagnosis is not None else None
    if record is None or record.like[0] == OPERATIONAL:
        return None
    disproved = {trial.change for trial in case.trials if trial.claim is Claim.DISPROVED}
    answering = {change.number for change in case.changes if _answers(record, change)}
    tried = next((change for change in reversed(case.changes) if change.rolls_back is None), None)
    if tried is not None and tried.number in answering:
        said = _SAYS.get(ending) if tried.number not in disproved else (False, 1.0)
    elif answering & disproved or (not answering and ending is Ending.WORKED):
        said = False, 1.0
    else:
        said = None
    return None if said is None else Held(like=record.like, raw=record.raw, right=said[0], weight=said[1])


def _answers(record: TrackRecord, change: Change) -> bool:
    """Whether a change does what the claim calls for."""
    if record.like[0] == CHANGE:
        return record.about in {change.blames, change.inverse_of}
    return record.like[0] == CODE and change.kind is ChangeClass.EDIT and record.about in change.lead.paths


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two kinds of claim share from the first on."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
