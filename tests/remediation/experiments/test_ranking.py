"""What is tried first: what may be expected of it for a dollar, and what that rests on."""

from dataclasses import replace

import pytest

from cases.hypothesis import Effort, Peril
from cases.outcome import Ending
from remediation.experiments.catalogue import catalogue
from remediation.experiments.levers import levers_of
from remediation.experiments.marks import grounds_of_idea
from remediation.experiments.ranking import PRIOR, WEIGHTS, Weights, ranked
from tests.parts.ideas import GOAL, a_shop, a_tried

SHOP = a_shop()
LEVERS = levers_of(GOAL, SHOP)
NOW, BUY, SHORT, LONG, WALLET = catalogue(GOAL, SHOP, LEVERS)[0]


def test_with_no_record_the_size_and_the_cost_decide() -> None:
    rows = ranked([NOW, SHORT, WALLET], GOAL, LEVERS, ())
    assert [row.hypothesis for row in rows] == [WALLET, NOW, SHORT]
    assert {row.chance for row in rows} == {PRIOR}
    assert rows[0].value == pytest.approx(100 * 0.5 / 3 / rows[0].usd)


def test_what_costs_more_comes_later() -> None:
    large, risky = replace(NOW, id="1", effort=Effort.LARGE), replace(NOW, id="2", risk=Peril.HIGH)
    long = replace(NOW, id="3", plan=replace(NOW.plan, days=60))
    many = replace(NOW, id="4", plan=replace(NOW.plan, users=NOW.plan.users * 10))
    for worse in (large, risky, long, many):
        assert [row.hypothesis for row in ranked([worse, NOW], GOAL, LEVERS, ())] == [NOW, worse]


def test_a_kind_that_worked_rises_and_one_that_did_not_falls() -> None:
    copies = [a_tried(Ending.WORKED, "x", id=f"l{n}", strategy="catalogue:copy") for n in range(3)]
    first = ranked([replace(WALLET, prediction=NOW.prediction), NOW], GOAL, LEVERS, copies)
    assert first[0].hypothesis == NOW
    assert "3 of 3 for copy here" in first[0].record
    failed = [replace(lesson, ending=Ending.UNCHANGED) for lesson in copies]
    fallen = next(row for row in ranked([NOW], GOAL, LEVERS, failed))
    assert fallen.chance < PRIOR


def test_the_narrower_record_counts_more() -> None:
    def chance(**more: object) -> float:
        return ranked([NOW], GOAL, LEVERS, [a_tried(Ending.WORKED, "x", **more)])[0].chance

    other_kind = chance(strategy="catalogue:cache")
    elsewhere = chance(strategy="catalogue:copy", signal="search/clicks")
    here = chance(strategy="catalogue:copy")
    assert PRIOR < other_kind < elsewhere < here


def test_what_worked_elsewhere_and_is_cited_ranks_up() -> None:
    worked = a_tried(Ending.WORKED, "x", grounds=grounds_of_idea(replace(BUY, goal="other"), LEVERS))
    cited = replace(BUY, cited=(worked.id,))
    rows = ranked([NOW, cited], GOAL, LEVERS, [worked])
    assert [row.hypothesis for row in rows] == [cited, NOW]
    assert "1 of 1 for this" in rows[0].record


def test_alike_ones_stay_in_their_order_and_the_weights_are_told() -> None:
    assert [row.hypothesis for row in ranked([NOW, BUY], GOAL, LEVERS, ())] == [NOW, BUY]
    assert [row.hypothesis for row in ranked([BUY, NOW], GOAL, LEVERS, ())] == [BUY, NOW]
    assert str(WEIGHTS) == (
        "reckoned at $0.001 a user (low times 1, medium times 2, high times 5), $1 a day, "
        "effort small $10, medium $80, large $400"
    )
    free = Weights(user=0.0, day=1.0)
    assert ranked([LONG], GOAL, LEVERS, (), free)[0].usd == 28 + 10
    assert str(ranked([NOW], GOAL, LEVERS, ())[0]).startswith("33% of the way to the target with a chance of 0.33")
