"""The confidence sequence against the formula of others, and against experiments that change nothing."""

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.experiments.always import critical, multipliers
from benchmarks.experiments.worlds import DEVIATION, WORLDS
from inference.experiments.arm import Arm
from inference.experiments.lift import lift
from inference.experiments.sequence import Sequence, least_effect, planned_users

if TYPE_CHECKING:
    from benchmarks.experiments.worlds import Floats

LOOKS, EACH, RUNS = 2_016, 10, 200


def growthbook(variance: float, users: int, planned: int, alpha: float) -> float:
    """Half the width as GrowthBook's sequential engine writes it (gbstats, `sequential_interval_halfwidth`)."""
    rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned)
    grown = users * rho**2
    return math.sqrt(variance) * math.sqrt(
        2 * (grown + 1) / (users**2 * rho**2) * math.log(math.sqrt(grown + 1) / alpha)
    )


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("users", [200, 5_000, 400_000])
def test_it_is_the_formula_of_others(users: int, alpha: float) -> None:
    low, high = Sequence(planned=5_000, alpha=alpha).around(1.0, math.sqrt(4.0 / users), users)
    assert (high - low) / 2 == pytest.approx(growthbook(4.0, users, 5_000, alpha), rel=1e-13)
    assert (high + low) / 2 == pytest.approx(1.0)


def test_it_is_narrowest_for_its_users_where_they_were_planned() -> None:
    def width(planned: int) -> float:
        low, high = Sequence(planned=planned, alpha=0.05).around(0.0, 1.0, 10_000)
        return high - low

    best = width(10_000)
    assert best < min(width(1_000), width(100_000))
    assert best == pytest.approx(min(width(n) for n in range(5_000, 20_000, 250)), rel=1e-4)


def test_a_plan_is_that_of_textbooks() -> None:
    assert planned_users(0.1, 1.0) == 2 * 1_570
    assert least_effect(2 * 1_570, 1.0) == pytest.approx(0.1, rel=1e-3)
    assert planned_users(0.01, math.sqrt(0.05 * 0.95)) == pytest.approx(2 * 7_457, abs=2)


@pytest.mark.parametrize("wrong", [(0, 0.05), (10, 0.0), (10, 1.0)])
def test_no_plan(wrong: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="a plan needs"):
        Sequence(planned=wrong[0], alpha=wrong[1])
    for bad in (lambda: planned_users(0, 1), lambda: least_effect(1, 1)):
        with pytest.raises(ValueError, match="above zero"):
            bad()


@pytest.mark.parametrize("metric", WORLDS)
def test_experiments_that_change_nothing_hardly_ever_win_or_are_killed(metric: str) -> None:
    """At any of 2,016 looks. At 5% and 1%, so many of 200 come with a chance under one in 10,000."""
    seen = WORLDS[metric](np.random.default_rng([20, *metric.encode()]), RUNS, LOOKS, EACH)
    plan = int(seen.users[-1])
    off: Floats = np.abs(seen.difference / seen.se)
    enough = seen.users >= 200
    wins = ((off > multipliers(plan, 0.05, seen.users)) & enough).any(axis=1)
    kills = ((seen.difference / seen.se >= critical(plan, 0.01, seen.users)) & enough).any(axis=1)
    assert wins.sum() <= 22
    assert kills.sum() <= 8


def test_the_worlds_are_what_users_add_up_to() -> None:
    """The benchmark's lifts of many experiments at once are those of the product."""
    rng = np.random.default_rng(9)
    share = (rng.random((2, 400)) < 0.05).astype(float)
    found = lift(Arm.of(share[0]), Arm.of(share[1]))

    class Drawn:
        """Gives the converted of each arm, as the world asks for them."""

        def __init__(self) -> None:
            self.arms = iter(share)

        def binomial(self, each: int, of: float, shape: tuple[int, int]) -> "Floats":
            del of, shape
            return next(self.arms).reshape(1, -1, each).sum(axis=2)

    drawn: object = Drawn()
    seen = WORLDS["conversion"](drawn, 1, 40, 10)
    assert seen.difference[0, -1] == pytest.approx(found.difference)
    assert seen.se[0, -1] == pytest.approx(found.se)
    assert set(DEVIATION) < set(WORLDS)
