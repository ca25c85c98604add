"""What earlier outcomes say about today's suspects and ideas. What worked is looked at first.

A remembered no stays a no, also in other words, until there is evidence that it did not know.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from cases.case import Case
from cases.change import Patch
from cases.diagnosis import Suspect
from cases.outcome import Ending, Lesson, Refusal
from remediation.grounds import ALIKE, alike, ground_of, grounds_of, is_new, plan_of

# The endings after which the same idea needs new evidence, which a ranking alone is not.
REFUSED = frozenset({Ending.CLOSED_UNMERGED, Ending.DISMISSED, Ending.HARMFUL, Ending.ROLLED_BACK, Ending.UNCHANGED})
OF_THE_CHANGE = frozenset({Refusal.WRONG_CHANGE, Refusal.STYLE})
"""The reasons that say no to what was done, and nothing of whom it blamed."""
FAMILIAR = 1.15  # how much a suspect gains that touches the files which an earlier, working change mended


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconsidered:
    """The suspects in their new order, a remark for each lesson that moved one, and the ids of these."""

    suspects: tuple[Suspect, ...]
    remarks: tuple[str, ...]
    cited: tuple[str, ...]


def reconsider(suspects: Sequence[Suspect], lessons: Sequence[Lesson], mended: Collection[str] = ()) -> Reconsidered:
    """Order the suspects by what earlier outcomes taught. `mended`: commits that brought what worked then."""
    remarks: list[str] = []
    cited: list[str] = []
    weighed: list[Suspect] = []
    for suspect in suspects:
        score = suspect.score
        for lesson in lessons:
            if _about(lesson, suspect):
                cited.append(lesson.id)
                before = f"{suspect.commit.short} was blamed before, and that ended {lesson.ending}"
                if is_new((ground_of(suspect),), lesson):
                    remarks.append(f"{before}; what links it now was not known then (lesson {lesson.id})")
                else:
                    remarks.append(f"{before} (lesson {lesson.id})")
                    score = 0.0
            elif _mends(lesson, suspect) and suspect.commit.sha not in mended:
                cited.append(lesson.id)
                remarks.append(f"undoing a change to the same files worked before (lesson {lesson.id})")
                score = min(1.0, score * FAMILIAR)
        weighed.append(replace(suspect, score=score))
    weighed.sort(key=lambda suspect: -suspect.score)
    return Reconsidered(
        suspects=tuple(weighed), remarks=tuple(dict.fromkeys(remarks)), cited=tuple(dict.fromkeys(cited))
    )


def refused(suspect: Suspect, lessons: Sequence[Lesson]) -> bool:
    """Whether an earlier outcome says not to blame this one again for what is known of it."""
    return any(_about(lesson, suspect) and not is_new((ground_of(suspect),), lesson) for lesson in lessons)


def said_no(case: Case, change: Patch, lessons: Sequence[Lesson]) -> str:
    """Why this very idea, or the same in other words, is not proposed again; "" where nothing speaks against it."""
    plan, grounds = plan_of(change), grounds_of(case, change.blames or change.inverse_of or "")
    for lesson in lessons:
        if lesson.ending not in REFUSED or lesson.case == case.id or is_new(grounds, lesson):
            continue
        ended = f"ended {lesson.ending}" + (f" ({lesson.refusal})" if lesson.refusal else "")
        if lesson.plan and lesson.plan == plan:
            return f"{change.title}: the same change {ended} before (lesson {lesson.id}), and nothing new speaks for it"
        if _is_paraphrase(change, lesson):
            return (
                f"{change.title}: much the same idea {ended} before (lesson {lesson.id}), and nothing new speaks for it"
            )
    return ""


def _about(lesson: Lesson, suspect: Suspect) -> bool:
    """Whether the lesson says no to blaming this commit."""
    return (
        lesson.ending in REFUSED
        and lesson.refusal not in OF_THE_CHANGE
        and lesson.subject.startswith(suspect.commit.short)
    )


def _mends(lesson: Lesson, suspect: Suspect) -> bool:
    """Whether a change to what this commit touched worked."""
    return lesson.ending is Ending.WORKED and bool(set(lesson.paths) & set(suspect.commit.files))


def _is_paraphrase(change: Patch, lesson: Lesson) -> bool:
    """Whether it does the same kind of thing to the same files, and says so in much the same words.

    To undo another commit is another idea, however alike their titles are: that one came after the no.
    """
    if change.inverse_of is not None and not lesson.subject.startswith(change.inverse_of[:10]):
        return False
    same_files = bool(lesson.paths) and set(lesson.paths) == set(change.lead.paths)
    return same_files and lesson.action == change.kind.value and alike(change.title, lesson.subject) >= ALIKE
