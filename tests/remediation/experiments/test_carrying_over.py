"""What one outcome taught of its users, and where it surfaces: in outcomes of users like them, and not of others."""

from dataclasses import replace

import pytest

from cases.goal import Goal
from cases.lifecycle import opened
from cases.outcome import Ending, Lesson, Outcome
from remediation.experiments.catalogue import catalogue
from remediation.experiments.levers import levers_of
from remediation.experiments.marks import mark_in
from remediation.experiments.portfolio import Portfolio, candidates
from remediation.experiments.ranking import ranked
from remediation.experiments.words import portfolio_question
from remediation.taught import taught
from remediation.turned import told, untold
from tests.parts.cards import CARDS
from tests.parts.ideas import GOAL, a_shop
from tests.parts.nouns import NOW as AT
from tests.parts.nouns import a_lesson, an_entry, an_opened

SHOP = a_shop()
FIRST = replace(GOAL, segment={"plan": ("starter",)})
LEVERS = levers_of(FIRST, SHOP)
NOW = catalogue(FIRST, SHOP, LEVERS)[0][0]


def learnt(ending: Ending = Ending.WORKED, first: Goal = FIRST) -> Lesson:
    """The lesson of the first outcome's experiment, as its case leaves it."""
    case = replace(opened(an_entry(an_opened())), goal=first, hypothesis=NOW)
    outcome = Outcome(ending=ending, change=1, because="the interval says so", at=AT)
    plain = replace(a_lesson(), ending=ending, signal=first.signal, service="shop")
    return taught(case, first, NOW, outcome, plain, "https://forge.example/7")


def second(segment: dict[str, tuple[str, ...]], lesson: Lesson) -> Portfolio:
    """What is proposed for another outcome, about other users."""
    goal = replace(GOAL, name="second", segment=segment)
    return candidates(goal, SHOP, [lesson], (), (), cards=CARDS)


def cited(found: Portfolio) -> dict[str, tuple[str, ...]]:
    return {one.turn.treated: one.cited for one in found.hypotheses if one.turn.flag == NOW.turn.flag}


def test_it_surfaces_for_users_like_those() -> None:
    lesson = learnt()
    assert mark_in(lesson).segment == {"plan": ("starter",)}
    found = second({"plan": ("mobile",)}, lesson)
    assert cited(found)[NOW.turn.treated] == (lesson.id,)
    one = next(one for one in found.hypotheses if one.cited)
    case = replace(opened(an_entry(an_opened())), goal=GOAL, hypothesis=one)
    assert f"rests on lessons {lesson.id}" in portfolio_question(case)
    assert "1 of 1 for this" in " ".join(found.why)


@pytest.mark.parametrize("plan", ["enterprise", "collector", "unheard"])
def test_it_does_not_for_others(plan: str) -> None:
    lesson = learnt()
    found = second({"plan": (plan,)}, lesson)
    assert not any(one.cited for one in found.hypotheses)
    assert "for this" not in " ".join(found.why)


def test_it_surfaces_for_everybody_and_what_was_learnt_of_everybody_for_all() -> None:
    lesson = learnt()
    assert (lesson.id,) in cited(second({}, lesson)).values()
    lesson = learnt(first=replace(GOAL, segment={}))
    assert not any(ground.startswith("segment") for ground in lesson.grounds)
    assert (lesson.id,) in cited(second({"plan": ("collector",)}, lesson)).values()


def test_what_left_some_cold_is_tried_on_others_and_what_harmed_is_not() -> None:
    def refused(plan: str, ending: Ending) -> bool:
        return any("the same idea ended" in why for _, why in second({"plan": (plan,)}, learnt(ending)).refused)

    assert refused("mobile", Ending.UNCHANGED)
    assert not refused("collector", Ending.UNCHANGED)
    assert refused("mobile", Ending.HARMFUL)
    assert refused("collector", Ending.HARMFUL)


def test_the_record_of_others_counts_less() -> None:
    def chance(plan: str) -> float:
        goal = replace(GOAL, name="second", segment={"plan": (plan,)})
        return ranked([NOW], goal, LEVERS, [learnt()], cards=CARDS)[0].chance

    assert chance("enterprise") < chance("mobile")


def test_a_segment_is_kept_in_a_line() -> None:
    segment = {"plan": ("b; c", "a=,"), "country": ("de",)}
    assert told(segment) == '{"country": ["de"], "plan": ["a=,", "b; c"]}'
    assert untold(told(segment)) == {"country": ("de",), "plan": ("a=,", "b; c")}
    assert untold("") == untold("no JSON") == untold("[1]") == {}
