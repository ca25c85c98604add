"""What can be said of a signal right now."""

import numpy as np
import pytest

from cases.telemetry import Direction, Sight
from detectors.sight import sight
from tests.detectors.series import MINUTE, at, block, signal

GONE = np.nan


@pytest.mark.parametrize(
    ("values", "expected", "value"),
    [
        ([0.0] * 10, Sight.FRESH, 0.0),  # zero is a reading like any other
        ([0.0] * 9 + [GONE], Sight.FRESH, 0.0),  # one late scrape
        ([1.0] * 4 + [GONE] * 6, Sight.STALE, None),
        ([GONE] * 10, Sight.MISSING, None),
        ([], Sight.MISSING, None),
        ([[1.0] * 10, [3.0] * 10, [9.0] * 2 + [GONE] * 8], Sight.FRESH, 3.0),
    ],
)
def test_fresh_stale_and_missing_are_three_things(
    values: list[float] | list[list[float]], expected: Sight, value: float | None
) -> None:
    readings = block(values) if values else block(np.empty((0, 10)))
    state = sight(readings, at(9), stale_after=5 * MINUTE)
    assert (state.sight, state.value) == (expected, value)
    assert state.signal == "shop/errors"
    assert state.because


def test_a_partial_answer_is_blind_however_fresh() -> None:
    state = sight(block([1.0] * 10, partial="store 3 is away"), at(9), stale_after=5 * MINUTE)
    assert state.sight is Sight.BLIND
    assert "store 3 is away" in state.because


def test_of_several_series_the_most_harmful_is_shown() -> None:
    traffic = block([[5.0] * 10, [1.0] * 10], signal(harm=Direction.DOWN))
    assert sight(traffic, at(9), stale_after=5 * MINUTE).value == 1.0


def test_a_sample_gets_stale_with_time() -> None:
    readings = block([1.0] * 10)
    assert sight(readings, at(14), stale_after=5 * MINUTE).sight is Sight.FRESH
    assert sight(readings, at(14.1), stale_after=5 * MINUTE).sight is Sight.STALE
