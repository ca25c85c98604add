"""What `benchmarks/decisions` measures, in small: a hundred deploys that did nothing in each kind of noise, and steps.

A reading an hour of two weeks of history and of two days of watch. The whole runs are in the benchmark.
"""

import numpy as np
import pytest

from benchmarks.decisions.worlds import BEFORE, QUIET, SIZE, STEP_MS, WEEK
from inference.interruption import Interruption, ItsReading, ItsSettings
from inference.its import first_ruling
from tests.inference.series import Floats

EVERY, RUNS = 12, 100
FIRST, LAST = BEFORE - 2 * WEEK, BEFORE + WEEK * 2 // 7
DEPLOY = BEFORE * STEP_MS


def ruled(world: str, values: Floats, first: int = FIRST, last: int = LAST, every: int = EVERY) -> ItsReading:
    settings = ItsSettings(min_samples=3, kind="count" if world == "counts" else "gauge")
    event = Interruption(deploy=DEPLOY, harm="up", ended=True)
    times = np.arange(SIZE)[first:last:every] * STEP_MS
    return first_ruling(times, values[first:last:every], event, settings)


def test_of_a_hundred_deploys_a_noise_that_did_nothing_hardly_one_is_called_harmful() -> None:
    harmful = dict.fromkeys(QUIET, 0)
    for world, noisy in QUIET.items():
        for seed in range(RUNS):
            harmful[world] += ruled(world, noisy(np.random.default_rng(seed))).ruling == "harmful"
    assert sum(harmful.values()) <= 0.01 * RUNS * len(QUIET), harmful
    assert max(harmful.values()) <= 0.02 * RUNS, harmful


@pytest.mark.long
@pytest.mark.parametrize("world", QUIET)
def test_of_a_thousand_in_a_week_of_readings_of_five_minutes(world: str) -> None:
    runs = 1000
    series = (QUIET[world](np.random.default_rng([1, seed])) for seed in range(runs))
    assert sum(ruled(world, values, 0, SIZE, 1).ruling == "harmful" for values in series) <= 0.01 * runs


@pytest.mark.parametrize(("world", "most"), [("AR(1) .9", 12), ("t with 4 degrees", 12), ("uneven scatter", 24)])
def test_five_deviations_are_found_whatever_the_noise(world: str, most: int) -> None:
    points: list[float] = []
    for seed in range(6):
        values = QUIET[world](np.random.default_rng([2, seed]))
        values[BEFORE:] += 5.0
        reading = ruled(world, values, FIRST, BEFORE + 48, 1)
        points.append(((reading.decided or np.inf) - DEPLOY) / STEP_MS + 1)
    assert np.percentile(points, 75) <= most


def test_a_night_that_is_calm_is_judged_by_its_own_scatter() -> None:
    """A step that drowns in the noise of the day stands out in the night."""
    found = 0
    for seed in range(10):
        rng = np.random.default_rng([3, seed])
        loud = 1.0 + 0.9 * np.sin(2 * np.pi * (np.arange(SIZE) - BEFORE) / 288 - np.pi / 2)  # calmest at the deploy
        values = loud * rng.standard_normal(SIZE)
        values[BEFORE:] += 1.5
        reading = ruled("", values, FIRST, BEFORE + 24, 1)
        found += reading.ruling == "harmful"
    assert found >= 9


@pytest.mark.parametrize("size", [5.0, -5.0, 12.0])
def test_the_interval_holds_a_step_however_large_it_is(size: float) -> None:
    for seed in range(2):
        values = QUIET["uneven scatter"](np.random.default_rng([4, seed]))
        values[BEFORE:] += size
        for last in (8, 20, 60):
            reading = ruled("", values, FIRST, BEFORE + last, 1)
            assert reading.low is not None
            assert reading.high is not None
            assert reading.low < size < reading.high, (seed, last)
