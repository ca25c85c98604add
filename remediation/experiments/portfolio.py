"""What is proposed for a goal: at most three hypotheses, each new and whole; what was left out, and what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from cases.card import Card
from cases.goal import Goal
from cases.hypothesis import Hypothesis
from cases.outcome import Lesson
from cases.ports import LanguageModel
from config.settings import Settings
from remediation.experiments.built import lacking
from remediation.experiments.catalogue import catalogue
from remediation.experiments.imagined import Imagined, Wish, imagine
from remediation.experiments.levers import Refused, levers_of
from remediation.experiments.ranking import WEIGHTS, Ranked, ranked
from remediation.experiments.sifting import Known, sift

MOST = 3
"""Candidates of one portfolio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What is proposed.

    hypotheses  at most three: people's own first, then by value per dollar
    refused     what was left out, and why
    cost        of the model's answers, in USD; a question without a usable answer is in the purse alone
    why         for each hypothesis what it is expected to bring, and for how much; `weights` what that is reckoned with
    """

    hypotheses: tuple[Hypothesis, ...]
    refused: tuple[Refused, ...]
    cost: float = 0.0
    why: tuple[str, ...] = ()
    weights: str = str(WEIGHTS)


def candidates(  # noqa: PLR0913 - each is one thing that is known, the last by name
    goal: Goal,
    settings: Settings,
    lessons: Sequence[Lesson],
    live: Sequence[Hypothesis],
    rejected: Sequence[Hypothesis | str],
    model: LanguageModel | None = None,
    *,
    own: Sequence[Hypothesis] = (),
    cards: Sequence[Card] = (),
) -> Portfolio:
    """What is worth trying for a goal. The same arguments give the same portfolio, as far as the model's answers do.

    lessons   the newest first, of any goal; of experiments alone they are looked at
    live      hypotheses that wait for an answer or run, of any goal
    rejected  what people said no to, as hypotheses, ids or statements: it is excluded, also in other words
    cards     of segments: what was learnt of users like the goal's is cited, and counts more
    own       what people brought (`given`): first, and held to the same rules
    The question is paid for in the name of the goal's portfolio (`cases.goal.Pursued.portfolio`).
    """
    levers = levers_of(goal, settings)
    if levers.barred:
        return Portfolio(hypotheses=(), refused=levers.refused)
    whole, refused = _whole(own, goal)
    listed, left_out = catalogue(goal, settings, levers)
    rejected = _resolved(rejected, listed)
    said = Imagined()
    if model is not None and len(whole) < MOST:
        avoid = [*(one.statement for one in (*live, *whole, *listed)), *_statements(rejected)]
        wish = Wish(goal=goal, settings=settings, levers=levers, lessons=lessons, avoid=avoid, case=f"{goal.name}-1")
        said = imagine(model, wish)
    known = Known(live=live, rejected=rejected, lessons=lessons, cards=cards)
    found = sift((*whole, *listed, *said.hypotheses), goal, levers, known)
    order = _ordered(ranked(found.kept, goal, levers, lessons, cards=cards), [one.id for one in whole])
    chosen, others = _chosen(order)
    return Portfolio(
        hypotheses=tuple(row.hypothesis for row in chosen),
        refused=(*refused, *levers.refused, *left_out, *said.refused, *found.refused, *_beaten(others)),
        cost=said.usd,
        why=tuple(str(row) for row in chosen),
    )


def _whole(own: Sequence[Hypothesis], goal: Goal) -> tuple[tuple[Hypothesis, ...], tuple[Refused, ...]]:
    wrong = {one.id: lacking(one, goal) for one in own}
    refused = tuple(Refused(one.statement, "; ".join(wrong[one.id])) for one in own if wrong[one.id])
    return tuple(one for one in own if not wrong[one.id]), refused


def _resolved(rejected: Sequence[Hypothesis | str], listed: Sequence[Hypothesis]) -> tuple[Hypothesis | str, ...]:
    """The ids among what was rejected as the hypotheses of the catalogue that they are: then their turn is known."""
    by_id = {one.id: one for one in listed}
    return tuple(by_id.get(no, no) if isinstance(no, str) else no for no in rejected)


def _statements(rejected: Sequence[Hypothesis | str]) -> list[str]:
    return [no if isinstance(no, str) else no.statement for no in rejected]


def _ordered(rows: Sequence[Ranked], own: Sequence[str]) -> tuple[Ranked, ...]:
    """People's own first, in their order."""
    place = {name: number for number, name in enumerate(own)}
    return tuple(sorted(rows, key=lambda row: place.get(row.hypothesis.id, len(place))))


def _chosen(rows: Sequence[Ranked]) -> tuple[tuple[Ranked, ...], tuple[Ranked, ...]]:
    """The first three, of as many flags as there are: two values of one flag cannot be tried at once."""
    first: list[Ranked] = []
    again: list[Ranked] = []
    for row in rows:
        taken = row.hypothesis.turn.flag in [other.hypothesis.turn.flag for other in first]
        (again if taken else first).append(row)
    together = [*first, *again]
    chosen = [row for row in rows if row in together[:MOST]]
    return tuple(chosen), tuple(row for row in rows if row not in chosen)


def _beaten(rows: Sequence[Ranked]) -> tuple[Refused, ...]:
    why = f"{MOST} are proposed at a time, and more is expected of those"
    return tuple(Refused(row.hypothesis.statement, f"{why} ({row})") for row in rows)
