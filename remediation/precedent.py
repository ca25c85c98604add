"""Precedent: the change that ended the very same trouble before. It is tried first, and no model is asked the way.

Only a lesson of the same fingerprint whose change was merged and judged to have worked is one, and only while it is the
newest of that fingerprint: whatever ended otherwise since then takes its word away. It changes what is tried first and
what is asked before that; what is drafted passes the same proof and the same gate.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cases.case import Case
from cases.change import ChangeClass, Patch
from cases.diagnosis import Hypothesis, Suspect
from cases.errors import PermanentError
from cases.outcome import Ending, Lesson
from remediation.grounds import plan_of
from remediation.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """The lesson, and what the ledger still has of its case.

    change  what was merged then; None where the lesson came from another ledger, or its case was removed
    merges  the commits that brought changes of that case: they mended the trouble, and are nobody to blame
    """

    lesson: Lesson
    change: Patch | None = None
    merges: frozenset[str] = frozenset()

    @property
    def edit(self) -> Patch | None:
        """The change, where it was an edit of the code, which can be made once more."""
        return self.change if self.change is not None and self.change.kind is ChangeClass.EDIT else None

    def touches(self, suspect: Suspect) -> bool:
        """Whether the suspect changed a file that was mended then, and is not that mending."""
        return suspect.commit.sha not in self.merges and bool(set(suspect.commit.files) & set(self.lesson.paths))

    def leads(self, hypotheses: Collection[Hypothesis]) -> bool:
        """Whether the errors are raised in a file that was mended then."""
        return any(hypothesis.path in self.lesson.paths for hypothesis in hypotheses)


def precedent(case: Case, ports: Ports, lessons: Sequence[Lesson]) -> Precedent | None:
    """The precedent of a case among what was recalled, newest first; None where there is none, or it lost its word."""
    newest = next((one for one in lessons if one.fingerprint == case.fingerprint and one.case != case.id), None)
    if newest is None or newest.ending is not Ending.WORKED or not newest.merged or newest.service != case.service:
        return None
    try:
        earlier = ports.cases.load(newest.case)
    except PermanentError:
        return Precedent(lesson=newest)
    merges = frozenset(merge.sha for merge in earlier.merges)
    change = next((one for one in reversed(earlier.changes) if plan_of(one) == newest.plan), None)
    return Precedent(lesson=newest, change=change, merges=merges)
