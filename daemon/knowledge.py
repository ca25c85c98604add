"""What is known about something, in sentences that each cite the lessons they rest on. Nothing is said without one."""

from collections.abc import Sequence
from dataclasses import dataclass

from cases.moments import iso
from cases.outcome import NO_CHANGE, Ending, Recalled
from cases.stores import LessonStore
from remediation.neutral import neutral

MOST = 12
"""How many lessons an answer rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One sentence, and the ids of the lessons that it rests on."""

    sentence: str
    lessons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.sentence} [{', '.join(self.lessons)}]"


def known(lessons: LessonStore, about: str) -> tuple[Known, ...]:
    """What the lessons that share words with `about` say: by strategy what became of it, then the newest in words."""
    found = [one for one in lessons.search(about, limit=MOST) if one.lesson.id]
    return (*_by_strategy(found), *_in_words(found))


def _by_strategy(found: Sequence[Recalled]) -> list[Known]:
    strategies = dict.fromkeys(one.lesson.strategy for one in found if one.lesson.strategy != NO_CHANGE)
    said: list[Known] = []
    for strategy in strategies:
        mine = [one.lesson for one in found if one.lesson.strategy == strategy]
        worked = [lesson for lesson in mine if lesson.ending is Ending.WORKED]
        rest = {lesson.ending.value for lesson in mine if lesson.ending is not Ending.WORKED}
        others = f"; otherwise it ended {', '.join(sorted(rest))}" if rest else ""
        sentence = f"{neutral(strategy, 80)} worked {len(worked)} of {len(mine)} times{others}"
        said.append(Known(sentence=sentence, lessons=tuple(lesson.id for lesson in mine)))
    return said


def _in_words(found: Sequence[Recalled]) -> list[Known]:
    return [
        Known(
            sentence=f"{iso(one.lesson.at)}: {neutral(one.lesson.text, 300)}; quality {one.quality.score:.2f} "
            f"(cited with success {one.quality.helped} times, in vain {one.quality.misled})",
            lessons=(one.lesson.id,),
        )
        for one in found
    ]
