"""Noise and levels: what autocorrelation, gaps, outliers and short histories do to a standard error."""

import numpy as np
import numpy.typing as npt
import pytest

from inference.levels import learn_noise, level
from tests.inference.series import MINUTE, autocorrelated, minutes

Floats = npt.NDArray[np.float64]


def test_the_noise_of_an_autocorrelated_series_is_found() -> None:
    values = 5.0 + 2.0 * autocorrelated(20_000, 0.8, np.random.default_rng(1))
    noise = learn_noise(minutes(len(values)), values)
    assert noise.sd == pytest.approx(2.0, rel=0.05)
    assert noise.phi == pytest.approx(0.8, abs=0.02)
    assert noise.step == MINUTE
    assert 1.0 <= noise.charge < 1.3
    assert not noise.constant


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.95])
def test_the_standard_error_of_a_level_is_as_large_as_levels_scatter(phi: float) -> None:
    rng = np.random.default_rng(2)
    noise = learn_noise(minutes(20_000), autocorrelated(20_000, phi, rng))
    levels = [level(minutes(60), autocorrelated(60, phi, rng), noise) for _ in range(600)]
    scatter = float(np.std([one.mean for one in levels]))
    claimed = float(np.mean([one.variance for one in levels])) ** 0.5
    assert scatter <= claimed <= 1.45 * scatter


def test_a_gap_costs_readings_and_moves_nothing() -> None:
    rng = np.random.default_rng(3)
    times, values = minutes(600), 5.0 + autocorrelated(600, 0.7, rng)
    noise = learn_noise(times, values)
    kept = rng.random(600) < 0.5
    whole, thinned = level(times, values, noise), level(times[kept], values[kept], noise)
    assert thinned.samples == int(kept.sum())
    assert whole.variance < thinned.variance < 2.0 * whole.variance  # every second one of 0.7 says more than half
    assert thinned.mean == pytest.approx(whole.mean, abs=3 * thinned.variance**0.5)


def test_wild_readings_move_a_level_little() -> None:
    rng = np.random.default_rng(4)
    times, values = minutes(200), rng.standard_normal(200)
    noise = learn_noise(times, values)
    wild = values.copy()
    wild[[50, 120]] = 1e6
    assert level(times, wild, noise).mean == pytest.approx(level(times, values, noise).mean, abs=0.1)
    assert learn_noise(times, wild).sd == pytest.approx(noise.sd, rel=0.15)


def test_a_short_history_is_charged_more_than_a_long_one() -> None:
    values = autocorrelated(3000, 0.6, np.random.default_rng(5))
    charges = [learn_noise(minutes(count), values[:count]).charge for count in (30, 300, 3000)]
    assert sorted(charges, reverse=True) == charges
    assert charges[0] > 1.3


def test_a_season_that_the_model_does_not_know_is_charged_for() -> None:
    count = 7 * 1440
    rng = np.random.default_rng(6)
    flat = rng.standard_normal(count)
    season = flat + np.sin(2 * np.pi * np.arange(count) / 1440)
    assert learn_noise(minutes(count), season).charge > 5 * learn_noise(minutes(count), flat).charge


def test_a_stretch_wilder_than_normal_has_its_own_spread() -> None:
    rng = np.random.default_rng(7)
    noise = learn_noise(minutes(500), rng.standard_normal(500))
    calm = level(minutes(100), rng.standard_normal(100), noise)
    wild = level(minutes(100), 10 * rng.standard_normal(100), noise)
    still = level(minutes(100), np.zeros(100), noise)
    assert wild.variance > 50 * calm.variance
    assert still.variance == pytest.approx(calm.variance, rel=0.2)  # never quieter than the noise


@pytest.mark.parametrize("value", [0.0, 7.5, -1e9])
def test_a_series_that_never_moves_has_the_resolution_it_is_read_to(value: float) -> None:
    noise = learn_noise(minutes(50), np.full(50, value))
    assert noise.constant
    assert 0.0 < noise.sd <= max(1e-6 * abs(value), 1e-12)


def test_too_few_readings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        learn_noise(minutes(2), np.zeros(2))
    noise = learn_noise(minutes(3), np.array([1.0, 2.0, 4.0]))
    with pytest.raises(ValueError, match="at least one"):
        level(minutes(0), np.zeros(0), noise)
