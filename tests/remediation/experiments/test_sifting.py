"""What is there already, was not wanted, or failed before is taken out, with the reason."""

from dataclasses import replace

import pytest

from cases.hypothesis import Hypothesis, Turn, identity
from cases.outcome import Ending, Lesson, Refusal
from remediation.experiments.catalogue import catalogue
from remediation.experiments.levers import levers_of
from remediation.experiments.marks import grounds_of_idea, mark_in, mark_of
from remediation.experiments.sifting import Known, sift
from remediation.turned import turn_of
from tests.parts.ideas import GOAL, SLOW, a_shop, a_tried

SHOP = a_shop()
LEVERS = levers_of(GOAL, SHOP)
LISTED = catalogue(GOAL, SHOP, LEVERS)[0]
NOW, BUY = LISTED[:2]
PATCH = "--- a/checkout/form.py\n+++ b/checkout/form.py\n@@ -1 +1,2 @@\n x = 1\n+y = 2\n"


def a_patch(statement: str, patch: str = PATCH, flag: str = "a-form") -> Hypothesis:
    turn = Turn(lever="", flag=flag, control="false", treated="true", patch=patch)
    return replace(BUY, id=identity(GOAL.name, statement, turn), statement=statement, turn=turn, origin="user:ann")


SHORTER = a_patch("Build a shorter payment form for phones, and they pay")


def why(one: Hypothesis, known: Known) -> str:
    """Why it is taken out; "" where it stays."""
    found = sift([one], GOAL, LEVERS, known)
    assert len(found.kept) + len(found.refused) == 1
    return found.refused[0].why if found.refused else ""


def reworded(one: Hypothesis, statement: str) -> Hypothesis:
    return replace(one, statement=statement, id=identity(one.goal, statement, one.turn), origin="model:talker")


def test_what_is_new_stays_as_it_is() -> None:
    assert sift(LISTED, GOAL, LEVERS, Known()).kept == LISTED


def test_the_same_turn_in_other_words_is_one_idea() -> None:
    other = reworded(NOW, "Build a clearer button for buyers, and they go on")
    found = sift([NOW, other], GOAL, LEVERS, Known())
    assert found.kept == (NOW,)
    assert found.refused[0].why == f"the same turn is among them already (hypothesis {NOW.id})"
    assert why(other, Known(live=[NOW])) == f"the same turn is there already (hypothesis {NOW.id} of {GOAL.name})"


def test_the_same_statement_is_one_idea_whatever_its_code() -> None:
    other = a_patch(SHORTER.statement.upper() + ".", PATCH.replace("y", "z"), "other")
    assert why(other, Known(live=[SHORTER])).startswith("the same statement is there already")


def test_a_paraphrase_of_one_that_is_live_is_refused() -> None:
    other = a_patch("Cut the fields of the payment form for phones, and they leave less", PATCH.replace("y", "z"), "b")
    assert why(other, Known(live=[SHORTER])).startswith("much the same idea is there already")
    longer = a_patch("Build a longer payment form for phones, and they pay", PATCH.replace("y", "z"), "b")
    assert why(longer, Known(live=[SHORTER])) == ""


def test_the_same_patch_is_known_when_what_is_around_it_moved() -> None:
    moved = a_patch(
        "Open a gate for horses, and they run", PATCH.replace("@@ -1 +1,2 @@\n x = 1", "@@ -7 +9,2 @@\n z = 1")
    )
    assert "the same turn" in why(moved, Known(live=[SHORTER]))


def test_one_flag_carries_one_experiment_at_a_time() -> None:
    assert (
        why(BUY, Known(live=[NOW]))
        == f"the flag pay-button is taken by hypothesis {NOW.id} of {GOAL.name}: one at a time"
    )
    elsewhere = replace(NOW, prediction=replace(NOW.prediction, signal="search/clicks"))
    assert why(BUY, Known(live=[elsewhere])) == ""


@pytest.mark.parametrize(
    ("rejected", "said"),
    [
        (NOW.id, f"it was rejected before (hypothesis {NOW.id})"),
        (NOW, f"it was rejected before (hypothesis {NOW.id})"),
        (reworded(NOW, "Build a clearer button for buyers, and they go on"), "the same turn was rejected before"),
        (NOW.statement.replace("“", '"').replace("”", '"') + ".", "much the same was rejected before"),
        ("Label the button “Pay now” for everybody, and they go on", "much the same was rejected before"),
        (BUY, ""), (BUY.id, ""), (BUY.statement, ""),
    ],
)  # fmt: skip
def test_what_was_rejected_does_not_come_again(rejected: Hypothesis | str, said: str) -> None:
    assert why(NOW, Known(rejected=[rejected])).startswith(said)
    assert bool(why(NOW, Known(rejected=[rejected]))) is bool(said)


@pytest.mark.parametrize("ending", [Ending.UNCHANGED, Ending.HARMFUL, Ending.ROLLED_BACK, Ending.CLOSED_UNMERGED])
def test_an_idea_that_failed_is_suppressed_and_the_lesson_cited(ending: Ending) -> None:
    kept = a_tried(ending, "Whatever it was called", grounds=grounds_of_idea(NOW, LEVERS))
    assert why(NOW, Known(lessons=[kept])) == f"the same idea ended {ending} before (lesson tried123)"
    assert why(BUY, Known(lessons=[kept])) == ""
    told = a_tried(ending, "Cut the fields of the payment form for phones")
    assert "(lesson tried123)" in why(SHORTER, Known(lessons=[told]))


@pytest.mark.parametrize(
    "lesson",
    [
        a_tried(Ending.INCONCLUSIVE, NOW.statement),
        a_tried(Ending.UNCHANGED, NOW.statement, refusal=Refusal.STYLE),
        a_tried(Ending.UNCHANGED, NOW.statement, signal="shop/orders"),  # it did nothing for orders
        a_tried(Ending.UNCHANGED, NOW.statement, action="revert"),  # no experiment
        a_tried(Ending.UNCHANGED, BUY.statement),
    ],
    ids=["no verdict", "style", "another signal", "no experiment", "another value"],
)
def test_what_did_not_fail_here_is_not_suppressed(lesson: Lesson) -> None:
    assert why(NOW, Known(lessons=[lesson])) == ""


def test_harm_counts_whatever_it_was_meant_for() -> None:
    lesson = a_tried(Ending.HARMFUL, NOW.statement, signal="shop/orders")
    assert "ended harmful before" in why(NOW, Known(lessons=[lesson]))
    assert why(NOW, Known(lessons=[replace(lesson, service="search", signal="search/clicks")])) == ""


def test_a_statement_that_a_lesson_cut_short_is_known() -> None:
    lesson = a_tried(Ending.UNCHANGED, NOW.statement[:79] + "…")
    assert "(lesson tried123)" in why(NOW, Known(lessons=[lesson]))


def test_what_worked_for_another_goal_is_cited_and_for_this_one_is_done() -> None:
    worked = a_tried(Ending.WORKED, "x", grounds=grounds_of_idea(replace(NOW, goal=SLOW.name), LEVERS))
    found = sift([NOW, BUY], GOAL, LEVERS, Known(lessons=[worked]))
    assert [one.cited for one in found.kept] == [("tried123",), ()]
    here = replace(worked, grounds=grounds_of_idea(NOW, LEVERS))
    assert why(NOW, Known(lessons=[here])) == "it worked for this outcome already (lesson tried123)"


def test_a_lesson_gives_back_what_it_kept() -> None:
    lesson = a_tried(Ending.WORKED, "x", grounds=("place: a b c", *grounds_of_idea(NOW, LEVERS)))
    assert mark_in(lesson) == mark_of(NOW, LEVERS)
    assert mark_of(NOW, LEVERS).kind == "copy"
    assert mark_of(SHORTER, LEVERS).kind == "code"
    assert mark_in(a_tried(Ending.WORKED, "x", strategy="catalogue:cache")).kind == "cache"
    same = replace(NOW.turn, treated='"Pay  now"')
    assert turn_of(NOW.prediction.signal, same) != turn_of(NOW.prediction.signal, NOW.turn)
