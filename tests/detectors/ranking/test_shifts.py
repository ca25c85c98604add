"""How far a metric moved, and since when."""

import numpy as np
import pytest

from cases.bundle import Readings
from detectors.ranking.shifts import CLEAR, Shift, shifts
from tests.detectors.ranking.incidents import FIRED, ONSET, ms, readings


def only(each: Readings) -> Shift:
    (found,) = shifts({("cart", "m"): each}, ms(FIRED))
    return found


@pytest.mark.parametrize("after", [1.5, 0.5])
def test_a_step_is_dated_and_sized(after: float) -> None:
    found = only(readings(1.0, after))
    assert found.onset == ms(ONSET)
    assert found.up is (after > 1)
    assert found.score > 10
    assert found.after == pytest.approx(after, rel=0.02)


def test_noise_has_no_onset() -> None:
    found = [only(readings(1.0, seed=seed)) for seed in range(30)]
    assert not any(shift.onset for shift in found)
    assert all(shift.score < CLEAR for shift in found)


def test_a_spike_long_before_the_alert_is_no_onset() -> None:
    each = readings(1.0, seed=1)
    values = each.values.copy()
    values[20:24] = 9.0
    assert only(Readings(times=each.times, values=values)).onset is None


def test_a_crumb_on_a_metric_that_never_moved_is_held_to_what_is_usual_elsewhere() -> None:
    still = readings(0.0)
    values = np.where(still.times >= ms(ONSET), 1e-6, 0.0)
    crumb = Readings(times=still.times, values=values)
    found = {
        s.service: s
        for s in shifts({("a", "m"): crumb, ("b", "m"): readings(1.0), ("c", "m"): readings(1.0)}, ms(FIRED))
    }
    assert found["a"].score < 1


def test_extremes_and_short_series_give_finite_scores_or_none() -> None:
    huge = readings(1e150, 3e149)
    few = Readings(times=huge.times[:6], values=huge.values[:6])
    flat = Readings(times=huge.times, values=np.zeros(len(huge.times)))
    found = shifts({("a", "m"): huge, ("b", "m"): few, ("c", "m"): flat, ("d", "n"): few}, ms(FIRED))
    assert {shift.service for shift in found} == {"a", "c"}
    assert all(np.isfinite([shift.score, shift.before, shift.after]).all() for shift in found)


def test_an_alert_outside_the_readings_is_survived() -> None:
    each = readings(1.0, 2.0)
    for fired in (ms(-10_000), ms(10_000)):
        assert all(np.isfinite(shift.score) for shift in shifts({("a", "m"): each}, fired))
