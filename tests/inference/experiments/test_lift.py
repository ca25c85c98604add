"""The lift against textbook answers, and what it is good for."""

import math

import numpy as np
import pytest

from inference.experiments.arm import Arm
from inference.experiments.lift import NoLift, lift


def test_a_mean_is_welchs() -> None:
    rng = np.random.default_rng(1)
    control, treated = rng.normal(5, 1, 300), rng.normal(5.3, 2, 250)
    found = lift(Arm.of(control), Arm.of(treated))
    assert found.difference == pytest.approx(treated.mean() - control.mean())
    assert found.se == pytest.approx(math.sqrt(control.var(ddof=1) / 300 + treated.var(ddof=1) / 250))
    assert (found.users, found.explained) == (550, 0)
    assert found.relative == pytest.approx(treated.mean() / control.mean() - 1)


def test_a_share_has_the_error_of_a_share() -> None:
    control, treated = np.repeat([1.0, 0.0], [50, 950]), np.repeat([1.0, 0.0], [60, 940])
    found = lift(Arm.of(control), Arm.of(treated))
    assert found.difference == pytest.approx(0.01)
    assert found.se == pytest.approx(math.sqrt((0.05 * 0.95 + 0.06 * 0.94) / 999))
    assert found.relative == pytest.approx(0.2)


def test_ratio_and_relative_lift_have_the_errors_that_they_show_when_repeated() -> None:
    """The errors that the delta method gives, against the spread of 4,000 repetitions."""
    rng = np.random.default_rng(2)
    differences: list[float] = []
    relatives: list[float] = []
    errors: list[tuple[float, float]] = []
    for _ in range(4000):
        base = 1.0 + rng.poisson(2, (2, 200))
        value = rng.binomial(base.astype(int), 0.3) + rng.normal(0, 0.2, base.shape) * base
        found = lift(Arm.of(value[0], base=base[0]), Arm.of(value[1], base=base[1]))
        assert found.relative is not None
        assert found.relative_se is not None
        differences.append(found.difference)
        relatives.append(found.relative)
        errors.append((found.se, found.relative_se))
    usual = np.mean(errors, axis=0)
    assert np.std(differences) == pytest.approx(usual[0], rel=0.04)
    assert np.std(relatives) == pytest.approx(usual[1], rel=0.04)
    assert abs(np.mean(differences)) < 4 * usual[0] / math.sqrt(4000)


def test_what_users_were_before_narrows_it_and_moves_nothing() -> None:
    rng = np.random.default_rng(4)
    gains: list[float] = []
    errors: list[float] = []
    plain: list[float] = []
    for _ in range(500):
        before = rng.normal(20, 5, (2, 200))
        value = before * 0.8 + rng.normal(0, 3, before.shape) + np.array([[0.0], [1.0]])
        found = lift(Arm.of(value[0], before=before[0]), Arm.of(value[1], before=before[1]))
        gains.append(found.difference)
        errors.append(found.se)
        plain.append(lift(Arm.of(value[0]), Arm.of(value[1])).se)
        assert found.explained == pytest.approx(0.64, abs=0.15)  # 16 of 25
    assert np.mean(gains) == pytest.approx(1.0, abs=0.06)
    assert np.std(gains) == pytest.approx(float(np.mean(errors)), rel=0.1)
    assert np.mean(errors) < 0.65 * np.mean(plain)


def test_a_ratio_with_values_before() -> None:
    rng = np.random.default_rng(5)
    taste = rng.beta(2, 8, (2, 4000))
    base = 1.0 + rng.poisson(4, taste.shape)
    value, before = rng.binomial(base.astype(int), taste), rng.binomial(40, taste) / 40
    arms = [Arm.of(value[n] * 1.0, base=base[n], before=before[n]) for n in (0, 1)]
    without = lift(*(Arm.of(value[n] * 1.0, base=base[n]) for n in (0, 1)))
    found = lift(*arms)
    assert 0.1 < found.explained < 0.9
    assert found.se == pytest.approx(without.se * math.sqrt(1 - found.explained))


@pytest.mark.parametrize(
    ("control", "treated", "because"),
    [
        (Arm.empty(), Arm.of(np.ones(5)), "control arm has 0 users"),
        (Arm.of(np.arange(3.0)), Arm.of(np.ones(1)), "treated arm has 1 users"),
        (Arm.of(np.zeros(9)), Arm.of(np.zeros(9)), "differ among each other"),
        (Arm.of(np.ones(2), base=np.zeros(2)), Arm.of(np.ones(2), base=np.ones(2)), "divided by"),
    ],
)
def test_arms_of_which_nothing_can_be_said(control: Arm, treated: Arm, because: str) -> None:
    with pytest.raises(NoLift, match=because):
        lift(control, treated)


def test_negative_revenue_counts_and_has_no_share() -> None:
    found = lift(Arm.of(np.array([-5.0, -3.0, 1.0])), Arm.of(np.array([1.0, 2.0, 3.0])))
    assert found.difference == pytest.approx(2 + 7 / 3)
    assert (found.relative, found.relative_se) == (None, None)


def test_other_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        lift(Arm.of(np.ones(3)), Arm.of(np.ones(3), base=np.ones(3)))
