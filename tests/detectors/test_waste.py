"""Waste: what was never used in weeks, and only where weeks were seen."""

import numpy as np
import pytest

from cases.telemetry import Floats, SeriesBlock
from detectors.baseline import key_of
from detectors.waste import detect_waste
from tests.detectors.series import block

HOURS = 22 * 24
LABELS = {"pod": "a"}


def history(values: Floats, partial: str = "") -> SeriesBlock:
    one = block(values, labels=(LABELS,), partial=partial)
    return SeriesBlock(
        signal=one.signal,
        labels=one.labels,
        times=np.arange(len(one.times)) * 3_600_000,
        values=one.values,
        missing=one.missing,
        partial=one.partial,
    )


def used(peak: float = 200.0, hours: int = HOURS) -> Floats:
    values = np.full(hours, 100.0)
    values[hours // 2] = peak
    return values


def test_the_highest_reading_of_weeks_counts() -> None:
    (wasted,) = detect_waste(history(used()), {key_of(LABELS): 1000.0})
    assert (wasted.labels, wasted.peak, wasted.reserved) == (LABELS, 200.0, 1000.0)
    assert wasted.score == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("values", "reserved", "partial"),
    [
        (used(peak=400.0), 1000.0, ""),  # once it was needed
        (used(hours=20 * 24), 1000.0, ""),
        (np.where(np.arange(HOURS) < 48, np.nan, 100.0), 1000.0, ""),  # a series that is young
        (np.where(np.arange(HOURS) % 3 == 0, 100.0, np.nan), 1000.0, ""),
        (used(peak=np.inf), 1000.0, ""),
        (used(peak=-1.0), 1000.0, ""),
        (used(), 0.0, ""),
        (used(), np.inf, ""),
        (used(), np.nan, ""),
        (used(), 1000.0, "store 3 is away"),
        (np.full(HOURS, np.nan), 1000.0, ""),
        (np.empty(0), 1000.0, ""),
    ],
)
def test_anything_else_is_none(values: Floats, reserved: float, partial: str) -> None:
    assert detect_waste(history(values, partial), {key_of(LABELS): reserved}) == ()


def test_nothing_set_aside_is_none() -> None:
    assert detect_waste(history(used()), {}) == ()
