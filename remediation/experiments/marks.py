"""What a lesson keeps of a hypothesis, so that the same idea is known again: grounds of five more kinds.

goal: checkout-abandonment     for which goal it was tried
kind: copy                     what kind of lever was pulled; `code` for a patch
lever: button                  which one; empty for a patch
turn: 1f0c9a5e77b2             the digest of what was turned
segment: {"country": ["de"]}   whom it was tried on; none where that was everybody
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cases.change import ChangeClass
from cases.hypothesis import Hypothesis
from cases.outcome import Lesson
from remediation.experiments.levers import Levers
from remediation.turned import CATALOGUE, CODE, turn_of, untold


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known of an idea; "" for what nobody kept."""

    goal: str = ""
    kind: str = ""
    lever: str = ""
    turn: str = ""
    segment: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def mark_of(hypothesis: Hypothesis, levers: Levers) -> Mark:
    """The mark of a hypothesis of the goal whose levers these are."""
    lever = levers.named(hypothesis.turn.lever)
    kind = lever.kind if lever is not None else CODE if hypothesis.turn.patch else ""
    turn = turn_of(hypothesis.prediction.signal, hypothesis.turn)
    return Mark(goal=hypothesis.goal, kind=kind, lever=hypothesis.turn.lever, turn=turn)


def grounds_of_idea(hypothesis: Hypothesis, levers: Levers) -> tuple[str, ...]:
    """What the lesson of its experiment keeps among its grounds."""
    mark = mark_of(hypothesis, levers)
    return (f"goal: {mark.goal}", f"kind: {mark.kind}", f"lever: {mark.lever}", f"turn: {mark.turn}")


def mark_in(lesson: Lesson) -> Mark:
    """The mark that a lesson kept. One of the catalogue has its kind in the strategy as well."""
    kept = {name: text for name, _, text in (ground.partition(": ") for ground in lesson.grounds)}
    kind = lesson.strategy.removeprefix(CATALOGUE) if lesson.strategy.startswith(CATALOGUE) else ""
    return Mark(
        goal=kept.get("goal", ""),
        kind=kept.get("kind", kind),
        lever=kept.get("lever", ""),
        turn=kept.get("turn", ""),
        segment=untold(kept.get("segment", "")),
    )


def of_experiments(lessons: Iterable[Lesson]) -> tuple[Lesson, ...]:
    """Those that experiments taught."""
    return tuple(
        lesson
        for lesson in lessons
        if lesson.action == ChangeClass.EXPERIMENT or lesson.strategy.startswith(CATALOGUE) or mark_in(lesson).turn
    )
