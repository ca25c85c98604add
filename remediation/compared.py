"""What sets changes that worked apart from those that did not: by strategy, path, detector and segment; and over time.

Pure. A change counts once it was judged, or was closed by a human. What a human never saw, and what could not be told,
counts in neither column, and is said as such.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cases.change import ChangeClass
from cases.outcome import NO_CHANGE, Ending, Lesson
from inference.shares import Share, share
from remediation.strategies import strategy_of
from remediation.turned import untold

WORKED = frozenset({Ending.WORKED})
FAILED = frozenset({Ending.UNCHANGED, Ending.HARMFUL, Ending.ROLLED_BACK})
CLOSED = frozenset({Ending.CLOSED_UNMERGED})
TOP = "(top)"
EVERYBODY = "everybody"
"""The segment of experiments that are about no users in particular."""
_SEGMENT = "segment: "
_Groups: TypeAlias = Callable[[Lesson], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One group of changes.

    worked    of those that were judged, and had worked or not
    accepted  of those that a human answered, by merging or by closing
    untold    ended so that neither can be said
    lessons   the ids that it rests on
    """

    of: str
    worked: Share
    accepted: Share
    untold: int
    lessons: tuple[str, ...]


def compared(lessons: Iterable[Lesson]) -> Mapping[str, tuple[Row, ...]]:
    """The rows by strategy, path and detector, and of experiments by segment, those with most changes first."""
    tried = [lesson for lesson in lessons if lesson.strategy != NO_CHANGE]
    return {
        "strategy": _rows(tried, lambda lesson: (strategy_of(lesson.strategy),)),
        "path": _rows(tried, _folders),
        "detector": _rows(tried, lambda lesson: (lesson.detector or "unknown",)),
        "segment": _rows(tried, _segments),
    }


def trends(lessons: Iterable[Lesson]) -> Mapping[str, tuple[Row, ...]]:
    """What humans accepted and what worked, a row a month and strategy, and a month and segment; oldest first."""
    tried = [lesson for lesson in lessons if lesson.strategy != NO_CHANGE]
    groups: Mapping[str, _Groups] = {
        "month and strategy": lambda lesson: (strategy_of(lesson.strategy),),
        "month and segment": _segments,
    }
    return {name: _by_month(tried, of) for name, of in groups.items()}


def _by_month(lessons: Sequence[Lesson], of: _Groups) -> tuple[Row, ...]:
    rows = _rows(lessons, lambda lesson: [f"{lesson.at:%Y-%m} {group}" for group in of(lesson)])
    return tuple(sorted(rows, key=lambda row: row.of))


def _segments(lesson: Lesson) -> tuple[str, ...]:
    """Whom an experiment was about; nobody's for any other change."""
    if lesson.action != ChangeClass.EXPERIMENT:
        return ()
    kept = next((text for text in lesson.grounds if text.startswith(_SEGMENT)), "")
    named = untold(kept.removeprefix(_SEGMENT))
    return (", ".join(f"{name}={'/'.join(values)}" for name, values in sorted(named.items())) or EVERYBODY,)


def _folders(lesson: Lesson) -> tuple[str, ...]:
    """The folders that a change touched, each once: two names deep at the most."""
    return tuple(dict.fromkeys("/".join(path.split("/")[:-1][:2]) or TOP for path in lesson.paths))


def _rows(lessons: Sequence[Lesson], groups: _Groups) -> tuple[Row, ...]:
    by: dict[str, list[Lesson]] = {}
    for lesson in lessons:
        for group in groups(lesson):
            by.setdefault(group, []).append(lesson)
    rows = [_row(group, mine) for group, mine in by.items()]
    return tuple(sorted(rows, key=lambda row: (-len(row.lessons), row.of)))


def _row(of: str, lessons: Sequence[Lesson]) -> Row:
    worked = sum(lesson.ending in WORKED for lesson in lessons)
    judged = worked + sum(lesson.ending in FAILED for lesson in lessons)
    merged = sum(lesson.merged for lesson in lessons)
    closed = sum(lesson.ending in CLOSED and not lesson.merged for lesson in lessons)
    return Row(
        of=of,
        worked=share(worked, judged),
        accepted=share(merged, merged + closed),
        untold=len(lessons) - judged - closed,
        lessons=tuple(lesson.id for lesson in lessons),
    )
