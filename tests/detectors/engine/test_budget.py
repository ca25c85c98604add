"""The alert budget: what was asked for is what is given."""

import numpy as np
import pytest

from detectors.engine.budget import START, Spent, thresholds


@pytest.mark.parametrize("budget", [0.5, 1.0, 5.0])
def test_the_budget_asked_for_is_given_on_the_weeks_that_follow(budget: float) -> None:
    rng = np.random.default_rng(1)
    services, spent, given = 40, Spent.nothing(40), 0
    for week in range(16):
        count = rng.poisson(60, services)
        service = np.repeat(np.arange(services), count)
        score = 1 / (1 + np.exp(-0.4 * rng.standard_exponential(len(service)) + 1.2))
        if week >= 8:
            given += int(np.sum(score >= thresholds(spent, budget)[service]))
        spent = spent.after(service, score, weeks=1.0)
    assert budget / 1.5 < given / (8 * services) < budget * 1.5


def test_a_noisier_service_has_a_higher_threshold_and_a_new_one_the_first() -> None:
    rng = np.random.default_rng(2)
    service = np.repeat([0, 1], [500, 50])
    spent = Spent.nothing(3).after(service, rng.uniform(0.3, 0.8, 550), weeks=4.0)
    quiet = thresholds(spent, 1.0)
    assert quiet[0] > quiet[1]
    assert quiet[2] == START


def test_what_is_no_budget_is_refused() -> None:
    for budget in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="budget must be positive"):
            thresholds(Spent.nothing(1), budget)
    with pytest.raises(ValueError, match="no time"):
        Spent.nothing(1).after(np.array([0]), np.array([0.5]), weeks=0.0)


def test_a_further_signal_counts_as_often_as_it_did_in_its_own_time() -> None:
    few, many = np.full(10, 0.6), np.full(40, 0.6)
    one = Spent.nothing(1).before(few, weeks=1.0)
    assert one.weeks.tolist() == [1.0]
    both = one.before(many, weeks=4.0)
    assert both.weeks.tolist() == [1.0]
    assert both.counts.sum() == pytest.approx(20)
    with pytest.raises(ValueError, match="no time"):
        one.before(few, weeks=0.0)
