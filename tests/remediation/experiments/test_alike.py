"""Paraphrases: how many of them are told, and how many others are taken for one."""

from itertools import combinations

import pytest

from remediation.experiments.alike import PARAPHRASE, same_idea, similarity
from remediation.grounds import ALIKE, alike
from tests.remediation.experiments.pairs import ABOUT, HELD, ONE_OUTCOME, TUNED


def figures(pairs: list[tuple[str, str, bool]]) -> tuple[float, float]:
    """Precision and recall."""
    found = [(same_idea(one, other), same) for one, other, same in pairs]
    hits = sum(told and same for told, same in found)
    return hits / sum(told for told, _ in found), hits / sum(same for _, same in found)


@pytest.mark.parametrize(
    ("pairs", "precision", "recall"), [(TUNED, 1.0, 0.85), (HELD, 0.78, 0.55)], ids=["tuned", "held out"]
)
def test_precision_and_recall_on_made_up_pairs(
    pairs: list[tuple[str, str, bool]], precision: float, recall: float
) -> None:
    """Half of the pairs are variants that differ in a word: the hardest there are."""
    got = figures(pairs)
    assert got[0] >= precision
    assert got[1] >= recall


def test_it_tells_more_paraphrases_than_the_share_of_common_stems() -> None:
    plain = sum(alike(one, other) >= ALIKE for one, other, same in HELD if same)
    assert sum(same_idea(one, other) for one, other, same in HELD if same) > 2 * plain


def test_ideas_that_have_nothing_to_do_with_each_other_are_never_one() -> None:
    firsts = [one for one, _, same in (*TUNED, *HELD) if same]
    taken = [(one, other) for one, other in combinations(firsts, 2) if same_idea(one, other)]
    assert len(firsts) == 40
    assert taken == []


def test_two_ideas_for_one_outcome_share_what_they_are_about_and_are_two() -> None:
    taken = [pair for pair in combinations(ONE_OUTCOME, 2) if same_idea(*pair, about=ABOUT)]
    assert taken == []
    assert same_idea("Keep what is typed in the payment form", ONE_OUTCOME[2], about=ABOUT)


def test_it_is_the_same_both_ways_and_whole_with_itself() -> None:
    for one, other, _ in (*TUNED, *HELD):
        assert similarity(one, other) == pytest.approx(similarity(other, one))
        assert similarity(one, one) == pytest.approx(1)


def test_words_that_all_statements_of_a_goal_have_tell_little() -> None:
    one, other = "Ask for the vehicle registration in Austria", "Open a shop in Austria for vehicle parts"
    assert similarity(one, other, ("vehicle", "Austria")) < similarity(one, other) < PARAPHRASE
    assert similarity("the", "of") == 0
