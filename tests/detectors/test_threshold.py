"""The threshold that the operator gave, and which detector speaks."""

import numpy as np
import pytest

from cases.anomaly import AnomalyKind
from cases.telemetry import Direction, SeriesBlock
from detectors.baseline import fit
from detectors.detect import detect
from detectors.threshold import detect_threshold
from tests.detectors.series import WARM_UP, at, block, signal

GONE = np.nan
TENTH = signal(threshold=0.1)


def found(values: list[float], *, ongoing: bool = True) -> list[tuple[float, float]]:
    """(onset, detection) in minutes."""
    anomalies = detect_threshold(block(values, TENTH), confirm=3, ongoing=ongoing)
    return [((a.onset - at(0)).total_seconds() / 60, (a.detected - at(0)).total_seconds() / 60) for a in anomalies]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0, 1, 1, 1], [(2, 4)]),
        ([0, 0, 1, 1, 1, 1, 1], [(2, 4)]),
        ([0, 0, 1, 1], []),
        ([0, 1, 1, 0, 1], []),
        ([0, 1, 1, 1, 0], []),  # over
        ([0.1] * 9, []),  # the threshold itself is allowed
        ([0, 1, GONE, 1, GONE, 1], [(1, 5)]),  # missing neither counts nor ends
        ([0, 1, 1, 1, GONE], [(1, 3)]),  # nor is it recovery
        ([0, 1, 1, GONE, GONE, GONE, GONE, GONE, 1], []),  # too far apart to prove anything together
        ([GONE] * 9, []),
        ([], []),
    ],
)
def test_so_many_samples_in_a_row_are_proof(values: list[float], expected: list[tuple[float, float]]) -> None:
    assert found(values) == expected


def test_a_backtest_sees_every_run() -> None:
    assert found([1, 1, 1, 0, 1, 1, 1, 1, 0], ongoing=False) == [(0, 2), (4, 6)]


def test_later_samples_change_nothing_that_was_said_before() -> None:
    values = [0, 1, 1, 1, GONE, 1, 0, 0, 1, 1, 1, 1, 0]
    everything = found(values, ongoing=False)
    for length in range(len(values) + 1):
        assert found(values[:length], ongoing=False) == [run for run in everything if run[1] < length]


def test_what_it_says() -> None:
    (anomaly,) = detect_threshold(block([0.0, 0.3, 0.3, 0.4], TENTH), confirm=3)
    assert anomaly.kind is AnomalyKind.THRESHOLD
    assert anomaly.direction is Direction.UP
    assert (anomaly.expected, anomaly.low, anomaly.high, anomaly.value) == (0.1, 0.1, 0.1, 0.4)
    assert anomaly.onset_bound_s == 60
    assert 0.5 < anomaly.score < 1


def test_harm_may_lie_downwards() -> None:
    low = signal(harm=Direction.DOWN, threshold=5)
    (anomaly,) = detect_threshold(block([9, 9, 4, 4, 0], low), confirm=3)
    assert (anomaly.direction, anomaly.onset, anomaly.value) == (Direction.DOWN, at(2), 0)
    assert detect_threshold(block([9, 9, 4, 4, 9], low), confirm=3) == ()


def test_each_series_is_its_own_and_a_zero_threshold_has_scores() -> None:
    anomalies = detect_threshold(block([[0.0] * 4, [1.0] * 4, [2.0] * 4], signal(threshold=0)), confirm=3)
    assert [dict(a.labels) for a in anomalies] == [{"route": "/1"}, {"route": "/2"}]
    assert all(0.5 < a.score < 1 for a in anomalies)


def test_a_partial_answer_proves_nothing() -> None:
    assert detect_threshold(block([1.0] * 9, TENTH, partial="store 3 is away"), confirm=3) == ()


def test_a_signal_without_a_threshold_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="shop/errors has no threshold"):
        detect_threshold(block([1.0] * 9), confirm=3)


def steady(readings: SeriesBlock) -> SeriesBlock:
    return block([1.0] * 600, readings.signal)


def test_the_choice_of_detector_is_said() -> None:
    high = block([9.0] * 9, TENTH, first=600)
    detection = detect(high, None, confirm=3)
    assert (detection.detector, len(detection.anomalies)) == ("threshold", 1)
    assert detection.reason == "the signal has a threshold, 0.1"
    free = block([9.0] * 9, signal(), first=600)
    detection = detect(free, fit(steady(free), warm_up=WARM_UP), confirm=3)
    assert (detection.detector, len(detection.anomalies)) == ("seasonal", 1)
    assert detection.reason == "the signal has no threshold"
    detection = detect(high, fit(steady(high), warm_up=WARM_UP), confirm=3, choice="seasonal")
    assert detection.detector == "seasonal"
    assert detection.anomalies[0].detector == "seasonal"


def test_what_cannot_be_judged_is_said_too() -> None:
    free = block([9.0] * 9, signal(), first=600)
    assert detect(free, None, confirm=3).warming
    assert detect(free, fit(block([1.0] * 9), warm_up=WARM_UP), confirm=3).warming
    partial = detect(block([9.0] * 9, TENTH, partial="store 3 is away"), None, confirm=3)
    assert (partial.detector, partial.anomalies, partial.warming) == ("none", (), False)
    assert "store 3 is away" in partial.reason
    two = block([[1.0] * 9, [1.0] * 9], signal(), first=600, labels=({"route": "/0"}, {"route": "/9"}))
    assert "1 series without enough history" in detect(two, fit(steady(two), warm_up=WARM_UP), confirm=3).reason
    history = fit(block([1.0] * 600, partial="cut"), warm_up=WARM_UP)
    assert detect(free, history, confirm=3).warming
