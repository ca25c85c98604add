"""What is known widely is the prior of what is narrower."""

import pytest

from inference.strategies import PRIOR, STRENGTH, Tally, posterior


def test_nothing_known_is_the_prior() -> None:
    assert posterior([]).mean == posterior([Tally(), Tally()]).mean == PRIOR


def test_one_level_is_the_textbooks_beta_binomial() -> None:
    found = posterior([Tally(worked=3, tries=4)])
    assert found.mean == pytest.approx((PRIOR * STRENGTH + 3) / (STRENGTH + 4))
    assert found.strength == STRENGTH + 4


def test_one_success_here_moves_much_where_little_is_known_and_little_where_much_is() -> None:
    here = Tally(worked=1, tries=1)
    unknown = posterior([Tally(), Tally(), here]).mean - PRIOR
    bad = Tally(worked=1, tries=20)
    known = posterior([bad, Tally(), here]).mean - posterior([bad, Tally(), Tally()]).mean
    assert unknown == pytest.approx(0.1)
    assert posterior([bad, Tally(), here]).mean < PRIOR
    assert known > 0


def test_a_service_that_goes_its_own_way_is_believed_in_the_end() -> None:
    everywhere = Tally(worked=90, tries=100)
    here = Tally(worked=0, tries=20)
    assert posterior([everywhere, Tally(), here]).mean < 0.2


def test_more_successes_than_tries_are_refused() -> None:
    with pytest.raises(ValueError, match="as many successes"):
        Tally(worked=2, tries=1)
