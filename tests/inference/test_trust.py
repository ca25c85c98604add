"""A run of outcomes buys as much trust as it supports, and no more."""

import pytest

from inference.trust import ELIGIBLE, HARM, REFUSAL, Bar, scored, too_many_bad, wanting


def test_the_factors_are_those_that_were_designed() -> None:
    assert round(HARM.good, 3) == 1.042
    assert HARM.bad == pytest.approx(1 / 5)
    assert (REFUSAL.good, REFUSAL.bad) == (pytest.approx(1.6), pytest.approx(0.4))


def test_seventy_three_clean_merges_in_a_row_are_eligible_and_one_fewer_is_not() -> None:
    assert scored([True] * 72, HARM) < ELIGIBLE <= scored([True] * 73, HARM)
    assert scored([True] * 6, REFUSAL) < ELIGIBLE <= scored([True] * 7, REFUSAL)
    assert (wanting(1.0, HARM), wanting(1.0, REFUSAL), wanting(20.0, HARM)) == (73, 7, 0)
    assert wanting(scored([True] * 40 + [False], HARM), HARM) == 72  # one bad one took back thirty-nine


@pytest.mark.parametrize("bar", [HARM, REFUSAL])
def test_at_the_rate_that_is_to_be_refuted_the_score_is_worth_one_on_average(bar: Bar) -> None:
    assert (1 - bar.most) * bar.good + bar.most * bar.bad == pytest.approx(1.0)


def test_two_bad_ones_among_any_last_ten_are_too_many() -> None:
    assert too_many_bad([False, *[True] * 9, False]) is False
    assert too_many_bad([True, False, *[True] * 8, False])
    assert too_many_bad([False, False])
    assert not too_many_bad([])


@pytest.mark.parametrize(("most", "hoped"), [(0.01, 0.05), (1.0, 0.5), (0.5, 0.0)])
def test_a_bar_that_makes_no_sense_is_refused(most: float, hoped: float) -> None:
    with pytest.raises(ValueError, match="a bar needs"):
        Bar(most=most, hoped=hoped)
