"""The alert budget: what was asked for is what is given, and what stands when many series are odd at once."""

import numpy as np
import pytest

from detectors.engine.budget import START, Spent, discoveries, thresholds


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
    with pytest.raises(ValueError, match="between 0 and 1"):
        discoveries(np.array([0.5]), np.array([0]), 1.0)


def test_the_more_series_are_odd_at_once_the_less_odd_each_has_to_be() -> None:
    alone = np.array([0.02, 0.9, 0.8, 0.7])
    together = np.array([0.02, 0.02, 0.03, 0.7])
    service = np.zeros(4, dtype=np.intp)
    assert discoveries(alone, service, 0.05).tolist() == [False] * 4
    assert discoveries(together, service, 0.05).tolist() == [True, True, True, False]
    both = discoveries(np.concatenate([alone, together]), np.repeat([1, 0], 4), 0.05)
    assert both.tolist() == [False] * 4 + [True, True, True, False]
    assert discoveries(np.empty(0), np.empty(0, dtype=np.intp), 0.05).tolist() == []


def test_of_what_stands_no_more_than_the_share_is_false() -> None:
    rng = np.random.default_rng(3)
    false, stood = 0, 0
    for _ in range(400):
        p = rng.random(50)
        p[:10] *= 1e-3
        stand = discoveries(p, np.zeros(50, dtype=np.intp), 0.1)
        false += int(np.sum(stand[10:]))
        stood += int(np.sum(stand))
    assert 0.04 < false / stood < 0.12
