"""Drift: worse by little each day is an opportunity; a step, a week's shape and noise are none."""

import numpy as np
import pytest

from cases.anomaly import AnomalyKind
from cases.moments import milliseconds
from cases.telemetry import Direction, Floats, SeriesBlock, Severity
from detectors.drift import detect_drift
from tests.detectors.series import START, noise, signal

DAYS = 28
HOURS = DAYS * 24


def hourly(values: Floats, harm: Direction | None = Direction.UP, partial: str = "") -> SeriesBlock:
    rows = np.atleast_2d(values)
    times = milliseconds(START) + 3_600_000 * np.arange(rows.shape[1], dtype=np.int64)
    return SeriesBlock(
        signal=signal("latency", harm=harm, severity=Severity.PAGE),
        labels=tuple({"route": f"/{row}"} for row in range(len(rows))),
        times=times, values=rows, missing=np.isnan(rows), partial=partial,
    )  # fmt: skip


def latency(a_day: float, seed: int = 1) -> Floats:
    """200 ms with a day's and a week's shape, noise of 10, and so much more each day."""
    hours = np.arange(HOURS)
    weekend = (hours // 24) % 7 >= 5
    return 200 - 30 * np.cos(2 * np.pi * hours / 24) - 40 * weekend + a_day * hours / 24 + 10 * noise(seed, HOURS)


def test_a_slow_regression_is_a_note_though_its_signal_pages() -> None:
    (anomaly,) = detect_drift(hourly(latency(1.5)))
    assert (anomaly.kind, anomaly.signal.severity, anomaly.direction) == (
        AnomalyKind.DRIFT,
        Severity.NOTE,
        Direction.UP,
    )
    assert anomaly.value - anomaly.expected == pytest.approx(1.5 * 27, rel=0.25)
    assert anomaly.onset == START


def test_noise_and_the_week_are_no_drift() -> None:
    found = sum(len(detect_drift(hourly(latency(0.0, seed)))) for seed in range(40))
    assert found == 0


def test_most_drifts_are_found() -> None:
    found = sum(len(detect_drift(hourly(latency(1.5, seed)))) for seed in range(40))
    assert found >= 38


@pytest.mark.parametrize("day", [6, 10, 14, 18, 24])
def test_a_step_is_no_drift(day: int) -> None:
    values = latency(0.0)
    values[day * 24 :] += 40.0
    assert detect_drift(hourly(values)) == ()


def test_what_is_no_worse() -> None:
    assert detect_drift(hourly(latency(-1.5))) == ()
    assert len(detect_drift(hourly(latency(-1.5), Direction.DOWN))) == 1
    assert detect_drift(hourly(latency(1.5), None)) == ()
    assert detect_drift(hourly(latency(0.1))) == ()  # less than a twentieth
    assert detect_drift(hourly(latency(1.5), partial="a store is away")) == ()
    assert detect_drift(hourly(latency(1.5)[: 20 * 24])) == ()
    for constant in (0.0, 1e308):
        assert detect_drift(hourly(np.full(HOURS, constant))) == ()
    assert detect_drift(hourly(np.full(HOURS, np.nan))) == ()


def test_gaps_cost_days_only() -> None:
    values = latency(1.5)
    values[3 * 24 : 4 * 24] = np.nan
    values[100] = np.inf
    assert len(detect_drift(hourly(values))) == 1
