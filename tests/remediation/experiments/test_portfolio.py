"""What is proposed: at most three, new and whole, people's own first; and what was left out, with the reason."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.errors import PermanentError
from cases.hypothesis import Hypothesis
from cases.outcome import Ending
from remediation.experiments.built import lacking
from remediation.experiments.catalogue import catalogue
from remediation.experiments.levers import levers_of
from remediation.experiments.portfolio import Portfolio, candidates
from tests.parts.ideas import BUTTON, GOAL, LEVERS, METHODS, PROVIDER, SLOW, a_given, a_shop, a_tried, said
from tests.parts.models import TalkingModel

SHOP = a_shop()
LISTED = catalogue(GOAL, SHOP, levers_of(GOAL, SHOP))[0]
OWN = a_given("one-page.yaml")


def proposed(model: TalkingModel | None = None, **more: Any) -> Portfolio:  # noqa: ANN401 - arguments of candidates
    given: dict[str, Any] = {"lessons": (), "live": (), "rejected": (), **more}
    return candidates(GOAL, SHOP, given.pop("lessons"), given.pop("live"), given.pop("rejected"), model, **given)


def test_without_a_model_the_levers_give_three_of_three_flags() -> None:
    found = proposed()
    assert [one.turn.lever for one in found.hypotheses] == ["methods", "button", "provider"]
    assert found.cost == 0
    assert len(found.why) == 3
    assert "% of the way per $100" in found.why[0]
    assert found.weights.startswith("reckoned at $")
    assert len(found.refused) == 2
    assert all("3 are proposed at a time" in refused.why for refused in found.refused)
    assert found == proposed()


def test_fewer_flags_than_three_give_several_values_of_one() -> None:
    found = candidates(SLOW, SHOP, (), (), ())
    assert [one.turn.lever for one in found.hypotheses] == ["prices", "prices", "provider"]


def test_people_come_first() -> None:
    small = replace(OWN, prediction=replace(OWN.prediction, size=0.011))
    found = proposed(own=[small])
    assert found.hypotheses[0] == small
    assert len(found.hypotheses) == 3


def test_three_of_people_ask_no_model() -> None:
    model = TalkingModel({"experiment": [said(BUTTON)]})
    own = [OWN, LISTED[0], LISTED[2]]
    assert proposed(model, own=own).hypotheses == tuple(own)
    assert model.asked == []


def test_one_of_people_that_is_not_whole_is_refused() -> None:
    broken = replace(OWN, mechanism="", shares=(0.5,))
    found = proposed(own=[broken])
    assert found.refused[0] == (OWN.statement, "it has no mechanism; its shares do not come to everybody")
    assert broken not in found.hypotheses


def test_a_models_ideas_stand_beside_the_others_and_are_paid_for() -> None:
    larger = BUTTON | {"size": 0.05}
    model = TalkingModel({"experiment": [said(larger, METHODS, PROVIDER | {"size": 9}), said(PROVIDER)]})
    found = proposed(model)
    assert found.hypotheses[0].origin == "model:talker"
    assert found.hypotheses[0].prediction.size == 0.05
    assert found.cost == 0.02
    assert any("it was asked for again" in refused.why for refused in found.refused)
    assert model.asked[0].case == "checkout-abandonment-1"
    assert all(one.statement in model.told("experiment") for one in LISTED)


def test_a_model_that_repeats_the_catalogue_adds_nothing() -> None:
    same = METHODS | {"value": '["wallet","card","invoice"]', "size": 0.05}
    found = proposed(TalkingModel({"experiment": [said(same)]}))
    assert found.hypotheses == proposed().hypotheses
    assert any("the same turn is among them already" in refused.why for refused in found.refused)


def test_a_model_that_is_away_leaves_the_catalogue() -> None:
    found = proposed(TalkingModel({"experiment": [PermanentError("gone")]}))
    assert found.hypotheses == proposed().hypotheses
    assert found.refused[0].what == "the model's ideas"


@pytest.mark.parametrize("form", ["id", "statement", "whole"])
def test_again_excludes_what_was_rejected_whoever_has_the_idea(form: str) -> None:
    no = proposed().hypotheses[0]
    rejected: Hypothesis | str = {"id": no.id, "statement": no.statement, "whole": no}[form]
    echo = METHODS | {"value": '["wallet","card","invoice"]'}
    model = TalkingModel({"experiment": [said(echo | ({} if form != "statement" else {"statement": no.statement}))]})
    found = proposed(model, rejected=[rejected])
    assert no.turn.treated not in [one.turn.treated for one in found.hypotheses]
    assert [refused.what for refused in found.refused if "rejected before" in refused.why]
    assert len(found.hypotheses) == 3
    assert no.statement in model.told("experiment")


def test_a_failed_idea_is_suppressed_and_cited() -> None:
    lesson = a_tried(Ending.UNCHANGED, LISTED[4].statement)
    found = proposed(lessons=[lesson])
    assert (LISTED[4].statement, "the same idea ended unchanged before (lesson tried123)") in found.refused
    assert LISTED[4] not in found.hypotheses


def test_what_worked_elsewhere_is_cited_and_rises() -> None:
    lessons = [a_tried(Ending.WORKED, LISTED[1].statement, id=f"w{n}", signal="search/clicks", service="search")
               for n in range(3)]  # fmt: skip
    found = proposed(lessons=lessons)
    buy = next(one for one in found.hypotheses if one.turn.treated == '"Buy"')
    assert buy.cited == ("w0", "w1", "w2")


def test_a_flag_that_is_taken_is_left_alone() -> None:
    found = proposed(live=[LISTED[0]])
    assert "pay-button" not in [one.turn.flag for one in found.hypotheses]


def test_where_nothing_can_be_tried_it_is_said_and_nothing_is_asked() -> None:
    model = TalkingModel({"experiment": [said(BUTTON)]})
    found = candidates(GOAL, a_shop(services=[]), (), (), (), model, own=[OWN])
    assert found.hypotheses == ()
    assert "does not say how it is experimented with" in found.refused[0].why
    assert model.asked == []


FIELDS = {
    "lever": st.sampled_from(["button", "provider", "methods", "prices", "x"]) | st.text(max_size=20),
    "value": st.sampled_from(['"Buy"', '"Next"', "700", "9000", '["invoice","card","wallet"]', "null", "NaN", "{}"])
    | st.text(max_size=40),
    "statement": st.sampled_from([idea["statement"] for idea in (BUTTON, PROVIDER, METHODS)]) | st.text(max_size=80),
    "mechanism": st.sampled_from(["Because.", ""]) | st.text(max_size=40),
    "signal": st.just("shop/abandonment") | st.text(max_size=20),
    "size": st.sampled_from([0.01, 0.02, 0.12]) | st.floats(),
    "effort": st.sampled_from(["small", "medium", "large", "none"]),
    "risk": st.sampled_from(["low", "medium", "high", ""]),
}
IDEAS = st.lists(st.fixed_dictionaries(FIELDS), max_size=3)


@settings(max_examples=80, deadline=None)
@given(first=IDEAS, second=IDEAS)
def test_whatever_a_model_says_what_is_proposed_is_whole(
    first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    found = proposed(TalkingModel({"experiment": [said(*first), said(*second)]}))
    assert len(found.hypotheses) == 3
    for one in found.hypotheses:
        assert lacking(one, GOAL) == ()
        assert one.turn.flag in {lever["flag"] for lever in LEVERS}
        assert one.turn.patch == ""
        assert 0.01 <= one.prediction.size <= 0.12
        assert one.plan == LISTED[0].plan
        assert one.shares == (0.5, 1.0)
    assert len({one.turn.treated for one in found.hypotheses}) == 3
    assert all(refused.what and refused.why for refused in found.refused)
