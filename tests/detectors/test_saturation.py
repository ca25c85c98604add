"""Saturation: full in so many hours, when that is certain, and silence when it is not."""

from datetime import timedelta

import numpy as np
import pytest

from cases.anomaly import AnomalyKind
from cases.telemetry import Direction, Floats
from detectors.saturation import detect_saturation, fillings
from tests.detectors.series import at, block, noise, signal

MINUTES = 2 * 1440
DISK = signal("disk used", harm=Direction.UP)


def rising(a_day: float = 10.0, *, begin: float = 60.0, rough: float = 0.2, seed: int = 1) -> Floats:
    return begin + a_day * np.arange(MINUTES) / 1440 + rough * noise(seed, MINUTES)


def test_a_disk_that_fills_is_full_in_so_many_hours() -> None:
    (filling,) = fillings(block(rising(), DISK), 100.0)
    assert filling.soonest <= 48 <= filling.latest
    assert filling.hours == pytest.approx(48, abs=1)
    assert filling.level == pytest.approx(80, abs=0.5)
    assert filling.a_day == pytest.approx(10, abs=0.3)


def test_its_interval_holds_the_truth() -> None:
    found = [fillings(block(rising(seed=seed, rough=2.0), DISK), 100.0) for seed in range(40)]
    inside = [one[0].soonest <= 48 <= one[0].latest for one in found if one]
    assert len(inside) >= 30
    assert sum(inside) >= 0.95 * len(inside)


def test_what_runs_out_does_so_downwards() -> None:
    (filling,) = fillings(block(100 - rising(begin=20.0), signal(harm=Direction.DOWN)), 30.0)
    assert filling.hours == pytest.approx(72, abs=2)
    assert filling.level == pytest.approx(60, abs=0.5)


def test_an_anomaly_is_told_only_within_the_asked_span() -> None:
    readings = block(rising(), DISK)
    (anomaly,) = detect_saturation(readings, 90.0, within=48)
    assert (anomaly.kind, anomaly.direction, anomaly.expected) == (AnomalyKind.SATURATION, Direction.UP, 90.0)
    assert anomaly.detected == at(MINUTES - 1)
    assert anomaly.score == pytest.approx(48 / (48 + 24), abs=0.02)
    assert detect_saturation(readings, 90.0, within=20) == ()
    assert timedelta(seconds=anomaly.onset_bound_s) == timedelta(minutes=MINUTES - 1)


def test_what_is_not_certain_is_not_said() -> None:
    half = MINUTES // 2
    step = 60 + np.where(np.arange(MINUTES) < half, 0.0, 20.0) + 0.2 * noise(2, MINUTES)
    rested = np.minimum(rising(20.0), 80.0) + 0.2 * noise(3, MINUTES)
    sawtooth = 60 + 20 * (np.arange(MINUTES) % 700) / 700 + 0.1 * noise(4, MINUTES)
    level = 60 + noise(5, MINUTES)
    past = rising(begin=100.0)
    for values in (step, rested, sawtooth, level, past, np.full(MINUTES, 60.0), rising(0.5), rising()[:20]):
        assert fillings(block(values, DISK), 100.0) == ()


def test_a_cleaned_disk_is_judged_by_what_came_after() -> None:
    values = rising(20.0, begin=50.0)
    values[: MINUTES // 4] += 40.0  # it was higher, and cleaned
    assert fillings(block(values, DISK), 100.0) == ()
    values[: MINUTES // 4] -= 20.0  # now it is higher than it was before
    assert len(fillings(block(values, DISK), 100.0)) == 1


def test_gaps_infinities_and_partial_answers() -> None:
    values = rising()
    values[::3] = np.nan
    values[100] = np.inf
    assert len(fillings(block(values, DISK), 100.0)) == 1
    assert fillings(block(values, DISK, partial="a store is away"), 100.0) == ()
    assert fillings(block(np.where(np.arange(MINUTES) % 2, 1e308, -1e308), DISK), 100.0) == ()
    with pytest.raises(ValueError, match="finite"):
        fillings(block(values, DISK), np.inf)
    with pytest.raises(ValueError, match="ahead"):
        detect_saturation(block(values, DISK), 100.0, within=0)
