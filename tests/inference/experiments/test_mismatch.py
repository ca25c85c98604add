"""Shared out as planned, or not: exact where counts are small, by simulation where they grow."""

import itertools
import math

import numpy as np
import pytest

from inference.experiments.mismatch import ALPHA, is_mismatch, mismatch

ALARM = -math.log(ALPHA)


def test_under_the_plan_the_evidence_is_worth_one_on_average() -> None:
    """Over all 3^6 ways in which six users may come into three arms."""
    shares = (0.5, 0.3, 0.2)
    total = 0.0
    for way in itertools.product(range(3), repeat=6):
        counts = [way.count(arm) for arm in range(3)]
        total += math.prod(shares[arm] for arm in way) * math.exp(mismatch(counts, shares))
    assert total == pytest.approx(1.0, rel=1e-9)


def test_a_sound_experiment_is_hardly_ever_called_mismatched() -> None:
    """Two thousand experiments, each looked at fifty times up to 100,000 users: two are expected at the most."""
    rng = np.random.default_rng(11)
    counts = rng.binomial(2_000, 0.5, (2_000, 50)).cumsum(axis=1)
    users = 2_000 * np.arange(1, 51)
    # evidence only depends on the counts, and few of them are anywhere near
    far = np.abs(counts - users / 2) / np.sqrt(users / 4) > 3.0
    alarms = {
        run for run, look in zip(*np.nonzero(far), strict=True)
        if is_mismatch((int(counts[run, look]), int(users[look] - counts[run, look])), (0.5, 0.5))
    }  # fmt: skip
    assert mismatch((50_474, 49_526), (0.5, 0.5)) < ALARM  # three standard errors at the end are no mismatch
    assert len(alarms) <= 8


def test_one_in_a_hundred_too_many_is_found_by_a_hundred_thousand_users() -> None:
    """Where 51 come for 50 that were planned; a test for one look at the end misses one in a thousand."""
    rng = np.random.default_rng(12)
    counts = rng.binomial(10_000, 0.51, (400, 10)).cumsum(axis=1)
    users = 10_000 * np.arange(1, 11)
    found = [
        any(is_mismatch((int(n), int(of - n)), (0.5, 0.5)) for n, of in zip(run, users, strict=True)) for run in counts
    ]
    assert sum(found) >= 384


@pytest.mark.parametrize(
    ("counts", "shares", "found"),
    [
        ((0, 0), (0.5, 0.5), False),
        ((5, 0), (0.5, 0.5), False),
        ((40, 0), (0.5, 0.5), True),
        ((1_200, 800), (0.5, 0.5), True),
        ((9_000, 1_000), (0.9, 0.1), False),
        ((9_000, 0), (0.9, 0.1), True),
    ],
)
def test_gross_faults_are_found_soon(counts: tuple[int, int], shares: tuple[float, float], *, found: bool) -> None:
    assert is_mismatch(counts, shares) is found


@pytest.mark.parametrize(
    ("counts", "shares"),
    [((1,), (1.0,)), ((1, 2), (0.5, 0.6)), ((1, -1), (0.5, 0.5)), ((1, 1), (1.0, 0.0)), ((1, 2), (1.0,))],
)
def test_what_is_no_plan_is_refused(counts: tuple[int, ...], shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"two arms at least|sum to one"):
        mismatch(counts, shares)
