"""Ideas that are there already, that people did not want, or that failed before: taken out, each with its reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cases.card import Card
from cases.goal import Goal
from cases.hypothesis import Hypothesis, normalised, stated
from cases.outcome import Ending, Lesson
from remediation.experiments.alike import same_idea
from remediation.experiments.kindred import kindred
from remediation.experiments.levers import Levers, Refused
from remediation.experiments.marks import Mark, mark_in, mark_of, of_experiments
from remediation.recall import OF_THE_CHANGE, REFUSED
from remediation.turned import turn_of

_HARM = frozenset({Ending.HARMFUL, Ending.ROLLED_BACK})
_CUT = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What candidates are held against.

    live      hypotheses that wait for an answer or run, of any goal
    rejected  what people said no to: hypotheses, or their ids or statements
    lessons   what was learnt, of any goal
    cards     of segments: they tell whether what was learnt of some users may tell of others
    """

    live: Sequence[Hypothesis] = ()
    rejected: Sequence[Hypothesis | str] = ()
    lessons: Sequence[Lesson] = ()
    cards: Sequence[Card] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """What is left, in its order, with the lessons that speak for each cited; and what was taken out, with the why."""

    kept: tuple[Hypothesis, ...]
    refused: tuple[Refused, ...]


def sift(candidates: Sequence[Hypothesis], goal: Goal, levers: Levers, known: Known) -> Sifted:
    """Take out what is not new. Of two candidates that are one idea the first stays."""
    kept: list[Hypothesis] = []
    refused: list[Refused] = []
    lessons = of_experiments(known.lessons)
    for one in candidates:
        mark = mark_of(one, levers)
        because = (
            _rejected(one, known.rejected, goal)
            or _live(one, known.live, goal)
            or _twice(one, kept, goal)
            or _failed(one, mark, lessons, goal, known.cards)
        )
        if because:
            refused.append(Refused(one.statement, because))
        else:
            cited = (
                lesson.id
                for lesson in lessons
                if lesson.ending is Ending.WORKED
                and _is(lesson, one, mark, goal)
                and kindred(mark_in(lesson).segment, goal.segment, known.cards)
            )
            kept.append(replace(one, cited=tuple(dict.fromkeys((*one.cited, *cited)))))
    return Sifted(kept=tuple(kept), refused=tuple(refused))


def gist(statement: str) -> str:
    """What a statement says is built: without for whom, and what comes of it."""
    parts = stated(statement)
    if parts is not None:
        return parts.build
    whole, cut = statement.rstrip(_CUT), statement.endswith(_CUT)
    return whole.rpartition(" for ")[0] or whole if cut else whole


def _rejected(one: Hypothesis, rejected: Sequence[Hypothesis | str], goal: Goal) -> str:
    for no in rejected:
        if isinstance(no, Hypothesis):
            if how := "it" if no.id == one.id else _same(one, no, goal):
                return f"{how} was rejected before (hypothesis {no.id})"
        elif one.id == no:
            return f"it was rejected before (hypothesis {no})"
        elif normalised(no) == normalised(one.statement) or same_idea(
            gist(no), gist(one.statement), _common(goal), goal.why
        ):
            return "much the same was rejected before"
    return ""


def _live(one: Hypothesis, live: Sequence[Hypothesis], goal: Goal) -> str:
    for other in live:
        if how := _same(one, other, goal):
            return f"{how} is there already (hypothesis {other.id} of {other.goal})"
        if _flag(one) == _flag(other):
            return f"the flag {one.turn.flag} is taken by hypothesis {other.id} of {other.goal}: one at a time"
    return ""


def _twice(one: Hypothesis, kept: Sequence[Hypothesis], goal: Goal) -> str:
    for other in kept:
        if how := _same(one, other, goal):
            return f"{how} is among them already (hypothesis {other.id})"
    return ""


def _failed(one: Hypothesis, mark: Mark, lessons: Sequence[Lesson], goal: Goal, cards: Sequence[Card]) -> str:
    service = goal.signal.partition("/")[0]
    for lesson in lessons:
        if not _is(lesson, one, mark, goal):
            continue
        if lesson.ending is Ending.UNCHANGED and not kindred(mark_in(lesson).segment, goal.segment, cards):
            continue  # what leaves some users cold may move others
        harmful = lesson.ending in _HARM and lesson.service == service
        if lesson.ending in REFUSED and lesson.refusal not in OF_THE_CHANGE:
            # What did nothing for one signal may move another; what did harm did it to users.
            if lesson.signal == goal.signal or harmful:
                said = f" ({lesson.refusal})" if lesson.refusal else ""
                return f"the same idea ended {lesson.ending}{said} before (lesson {lesson.id})"
        elif lesson.ending is Ending.WORKED and (mark_in(lesson).goal, mark_in(lesson).turn) == (goal.name, mark.turn):
            return f"it worked for this outcome already (lesson {lesson.id})"
    return ""


def _is(lesson: Lesson, one: Hypothesis, mark: Mark, goal: Goal) -> bool:
    """Whether a lesson is about this idea: the same turn, or the same in other words where turns do not tell."""
    kept = mark_in(lesson)
    if kept.turn == mark.turn:
        return True
    if kept.lever and mark.lever and lesson.service == goal.signal.partition("/")[0]:
        return False  # two values, or two levers
    return same_idea(gist(lesson.subject), gist(one.statement), _common(goal), goal.why)


def _same(one: Hypothesis, other: Hypothesis, goal: Goal) -> str:
    """How two hypotheses are one idea, as the subject of a sentence; "" where they are two."""
    if turn_of(one.prediction.signal, one.turn) == turn_of(other.prediction.signal, other.turn):
        return "the same turn"
    if one.goal == other.goal and normalised(one.statement) == normalised(other.statement):
        return "the same statement"
    if one.turn.lever and other.turn.lever:
        return ""  # what they turn tells them apart, whatever they say
    if same_idea(gist(one.statement), gist(other.statement), _common(goal), goal.why):
        return "much the same idea"
    return ""


def _flag(one: Hypothesis) -> tuple[str, str]:
    return one.prediction.signal.partition("/")[0], one.turn.flag


def _common(goal: Goal) -> Iterator[str]:
    """What every statement for a goal may say."""
    yield goal.signal
    for name, values in goal.segment.items():
        yield name
        yield from values
