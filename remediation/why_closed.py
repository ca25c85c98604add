"""The one question after a silent close: why. Five labels to pick from; the answer is kept with the lesson, as data."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from cases.case import Case
from cases.outcome import Lesson, Refusal
from cases.pull_request import Comment
from cases.pull_request_events import ClosedUnmerged, Explained
from cases.steps import PostComment
from remediation.neutral import neutral

SILENT = "closed without a word"
LABELS = tuple(reason for reason in Refusal if reason)
MOST_SAID = 200  # characters of what somebody said before they closed it


def said_before(comments: Iterable[Comment]) -> str:
    """The last word of somebody who may write, that is no command; "" when there is none."""
    words = [
        f"{neutral(one.author, 40)} said “{neutral(one.body, MOST_SAID)}”"
        for one in comments
        if one.may_write and one.body.strip() and not one.body.lstrip().startswith("/")
    ]
    return words[-1] if words else ""


def question(case: Case) -> PostComment:
    """What is asked, once, where nobody said anything."""
    listed = " · ".join(f"**{number}** {label}" for number, label in enumerate(LABELS, start=1))
    text = (
        f"**Closed without a word**, which is a no that is remembered. Which was it? {listed}. A comment with its "
        "number or name is kept with the lesson; this is not asked again."
    )
    part, number = case.change.lead, case.change.number
    branch = case.change.branch(case.id)
    return PostComment(key=f"{case.id}-{number}-why", repository=part.repository, branch=branch, body=text)


def asked(case: Case) -> bool:
    """Whether the question was asked of a closed case, and nobody answered yet."""
    closed = any(isinstance(e.event, ClosedUnmerged) and e.event.because == SILENT for e in case.history)
    return closed and not case.active and not any(isinstance(e.event, Explained) for e in case.history)


def answer(comment: Comment) -> Refusal | None:
    """The label that a comment picks by its number or its name; None for anything else."""
    first = comment.body.strip().partition("\n")[0].strip().strip("*.` ").lower()
    if first in {str(number) for number in range(1, len(LABELS) + 1)}:
        return LABELS[int(first) - 1]
    return next((label for label in LABELS if first == label), None)


def explained_by(case: Case, comment: Comment, why: Refusal) -> Explained:
    """The event, with a lesson beside that of the case."""
    by = neutral(comment.author, 60)
    return Explained(why=why, by=by, comment=comment.id, lesson=_lesson(case, comment, why))


def _lesson(case: Case, comment: Comment, why: Refusal) -> Lesson | None:
    if case.lesson is None:
        return None
    name = hashlib.sha256(f"{case.id}-{case.change.number}-why".encode()).hexdigest()[:8]
    text = f"{case.lesson.text}; {neutral(comment.author, 60)} says why: {why}"
    return replace(case.lesson, id=name, at=max(case.lesson.at, comment.at), text=text, refusal=why, held=None)
