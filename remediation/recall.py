"""What earlier outcomes say about today's suspects. A remembered no stays a no; what worked is looked at first."""

from collections.abc import Sequence
from dataclasses import replace

from cases.diagnosis import Suspect
from cases.outcome import Ending, Lesson

# The endings after which blaming the same commit again needs new evidence, which a ranking alone is not.
REFUSED = frozenset({Ending.CLOSED_UNMERGED, Ending.DISMISSED, Ending.HARMFUL, Ending.ROLLED_BACK, Ending.UNCHANGED})
FAMILIAR = 1.15  # how much a suspect gains that touches the files which an earlier, working change mended


def reconsider(suspects: Sequence[Suspect], lessons: Sequence[Lesson]) -> tuple[tuple[Suspect, ...], tuple[str, ...]]:
    """Return the suspects in their new order, and a remark for each lesson that moved one."""
    remarks: list[str] = []
    weighed: list[Suspect] = []
    for suspect in suspects:
        score = suspect.score
        for lesson in lessons:
            if lesson.ending in REFUSED and lesson.subject.startswith(suspect.commit.short):
                remarks.append(
                    f"{suspect.commit.short} was blamed before, and that ended {lesson.ending} (lesson {lesson.id})"
                )
                score = 0.0
            elif lesson.ending is Ending.WORKED and set(lesson.paths) & set(suspect.commit.files):
                remarks.append(f"undoing a change to the same files worked before (lesson {lesson.id})")
                score = min(1.0, score * FAMILIAR)
        weighed.append(replace(suspect, score=score))
    weighed.sort(key=lambda suspect: -suspect.score)
    return tuple(weighed), tuple(dict.fromkeys(remarks))


def refused(suspect: Suspect, lessons: Sequence[Lesson]) -> bool:
    """Whether an earlier outcome says not to try this one again."""
    return any(lesson.ending in REFUSED and lesson.subject.startswith(suspect.commit.short) for lesson in lessons)
