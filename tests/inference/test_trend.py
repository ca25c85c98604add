"""Trends: the median slope, its interval, and what does not bend it."""

import numpy as np
import pytest

from inference.trend import LEAST_POINTS, trend
from tests.inference.series import autocorrelated

HOURS = np.arange(200.0)


def test_a_slope_lies_within_its_interval_and_wild_readings_do_not_bend_it() -> None:
    values = 5.0 + 0.3 * HOURS + np.random.default_rng(1).standard_normal(200)
    values[::11] = 1e6
    line = trend(HOURS, values)
    assert line is not None
    assert line.low < 0.3 < line.high
    assert line.slope == pytest.approx(0.3, abs=0.02)
    assert line.now == pytest.approx(5.0 + 0.3 * 199, abs=1.0)
    assert line.direction == 1


@pytest.mark.parametrize(("phi", "most"), [(0.0, 4), (0.6, 10)])
def test_noise_has_no_direction(phi: float, most: int) -> None:
    rng = np.random.default_rng(2)
    lines = [trend(HOURS, autocorrelated(200, phi, rng)) for _ in range(100)]
    assert sum(line is not None and line.direction != 0 for line in lines) <= most


def test_a_weeks_shape_is_no_trend() -> None:
    days = np.arange(21)
    shape = np.where(days % 7 >= 5, 50.0, 100.0) + np.random.default_rng(3).standard_normal(21)
    flat = trend(days, shape, days % 7)
    rising = trend(days, shape + days, days % 7)
    assert flat is not None
    assert rising is not None
    assert (flat.direction, rising.direction) == (0, 1)


def test_what_cannot_be_said() -> None:
    assert trend(HOURS[: LEAST_POINTS - 1], HOURS[: LEAST_POINTS - 1]) is None
    assert trend(HOURS[:8], HOURS[:8], np.arange(8)) is None
    flat = trend(HOURS, np.zeros(200))
    assert flat is not None
    assert (flat.slope, flat.direction) == (0.0, 0)
    huge = trend(HOURS, 1e308 * np.linspace(-1, 1, 200))
    assert huge is not None
    assert np.isfinite([huge.slope, huge.low, huge.high, huge.now, huge.scatter]).all()
    for times, values in ((HOURS, HOURS[1:]), (HOURS[::-1], HOURS), (HOURS, np.full(200, np.nan))):
        with pytest.raises(ValueError, match=r"columns|ascend"):
            trend(times, values)
