"""Departures: what both witnesses see, what each must be worth, and when it is told."""

import numpy as np
import pytest

from cases.telemetry import Direction, Floats, SeriesBlock
from detectors.baseline import Baseline, fit
from detectors.departures import AGREE, CLEAR, UNUSUAL, WORTH, Departure, Trace, anomaly_of, departures
from detectors.detect import detect
from tests.detectors.series import DAY, WARM_UP, at, block, noise, signal

UP, DOWN = Direction.UP, Direction.DOWN


def recent(values: list[float] | Floats, harm: Direction | None = UP) -> SeriesBlock:
    return block(values, signal(harm=harm), first=14 * DAY)


def trace(raw: list[float], *, expected: float = 10.0, spread: float = 1.0) -> Trace:
    said = np.array([raw])
    return Trace(raw=said, expected=np.full(said.shape, expected), spread=np.full(said.shape, spread))


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    """Normal is ten, give or take five."""
    return fit(block(10 + noise(1, 14 * DAY), signal()), warm_up=WARM_UP)


def alone(readings: SeriesBlock, said: Trace, baseline: Baseline | None = None) -> Departure:
    (found,) = departures(readings, said, baseline, confirm=3)
    return found


def test_what_the_engine_alone_sees_is_worth_what_it_says_once_three_readings_were_clearly_away() -> None:
    readings, said = recent([10, 10, 14, 14, 13, 14]), trace([0.1, 0.1, 0.6, 0.4, 0.5, 0.58])
    found = alone(readings, said)
    assert found.worths.tolist() == [0, 0, 0.6, 0.6]
    assert (found.run.first, found.told(0.55), found.told(0.61)) == (2, 4, None)
    anomaly = anomaly_of(found, readings, said, None, at=4)
    assert (anomaly.detector, anomaly.onset, anomaly.detected) == ("streaming", at(14 * DAY + 2), at(14 * DAY + 4))
    assert (anomaly.value, anomaly.expected) == (13, 10)
    assert anomaly.high == pytest.approx(12)  # 3 away at 0.6: the most so far was two thirds of it
    assert anomaly.score == pytest.approx(0.6)


def test_what_both_see_is_worth_more_and_is_held_against_the_band(baseline: Baseline) -> None:
    readings, said = recent([10, 10, 20, 20, 20]), trace([0.1, 0.1, 0.4, 0.4, 0.41])
    found = alone(readings, said, baseline)
    assert found.peak == pytest.approx(0.41 + AGREE)
    assert alone(readings, said).peak == pytest.approx(0.41)
    anomaly = anomaly_of(found, readings, said, baseline, at=4)
    assert anomaly.detector == "seasonal"
    assert anomaly.high == pytest.approx(15, abs=1)


def test_a_young_series_is_judged_by_the_band_alone(baseline: Baseline) -> None:
    readings = recent([10, 10, 20, 20, 20])
    assert alone(readings, Trace.nothing((1, 5)), baseline).told(0.95) == 4
    assert departures(recent([10, 10, 20, 20, 10]), Trace.nothing((1, 5)), baseline, confirm=3) == ()


def test_what_the_engine_finds_usual_is_not_taken_for_young(baseline: Baseline) -> None:
    quiet = trace([0.05, 0.1, 0.1, 0.2, 0.1])
    assert alone(recent([10, 10, 20, 20, 20]), quiet, baseline).peak == pytest.approx(0.2 + AGREE)


def test_what_an_odd_scrape_leaves_behind_in_the_levels_is_no_trouble() -> None:
    near = 10 + 0.9 * CLEAR
    said = trace([0.1, 0.9, 0.9, 0.5, 0.5, 0.5])
    assert alone(recent([10, 50, 50, near, near, near]), said).peak == 0
    assert alone(recent([10, 50, 50, 13, near, near]), said).peak == 0.9


def test_it_begins_with_the_first_reading_that_is_clearly_away_however_long_levels_had_been_moving() -> None:
    readings, said = recent([10, 10.8, 10.9, 10.7, 14, 14, 14]), trace([0.1, *[0.5] * 3, *[0.7] * 3])
    found = alone(readings, said)
    assert (found.run.first, found.run.before) == (4, 3)
    assert anomaly_of(found, readings, said, None, at=6).onset == at(14 * DAY + 4)


@pytest.mark.parametrize(
    ("raw", "late"), [([0.1, 0.3, 0.4, 0.6, 0.7], 2), ([0.1, 0.6, 0.4, 0.6, 0.7], 0), ([0.1, 0.4, 0.4, 0.3, 0.3], 2)]
)
def test_until_one_reading_alone_would_be_an_alert_or_all_are_confirmed_its_beginning_is_in_doubt(
    raw: list[float], late: int
) -> None:
    readings, said = recent([10, 13, 13, 30, 30]), trace(raw)
    anomaly = anomaly_of(alone(readings, said), readings, said, None, at=4)
    assert (anomaly.onset, anomaly.onset_late_s, anomaly.begun) == (
        at(14 * DAY + 1), 60.0 * late, at(14 * DAY + 1 + late)
    )  # fmt: skip


def test_only_the_side_where_harm_lies_counts_and_readings_must_be_unusual_in_a_row() -> None:
    said = trace([0.1, 0.6, 0.6, 0.6])
    assert departures(recent([10, 5, 5, 5]), said, None, confirm=3) == ()
    assert alone(recent([10, 5, 5, 5], DOWN), said).direction is DOWN
    assert alone(recent([10, 5, 5, 5], None), said).direction is DOWN
    torn = trace([0.6, 0.6, UNUSUAL - 0.01, 0.6])
    assert departures(recent([14, 14, 14, 14]), torn, None, confirm=3) == ()


def test_missing_readings_say_nothing_and_a_partial_block_proves_nothing() -> None:
    gap = recent([14, np.nan, 14, np.nan, 14])
    assert alone(gap, trace([0.6, 0, 0.6, 0, 0.6])).places == (0, 2, 4)
    partial = block([14, 14, 14], signal(), partial="a shard is away")
    assert departures(partial, trace([0.6] * 3), None, confirm=3) == ()
    with pytest.raises(ValueError, match="belongs to no block"):
        departures(gap, trace([0.6]), None, confirm=3)


def test_a_departure_is_an_anomaly_when_it_is_worth_what_is_needed_there(baseline: Baseline) -> None:
    readings, said = recent([10, 14, 14, 14]), trace([0.1, 0.6, 0.6, 0.6])
    found = detect(readings, baseline, confirm=3, trace=said)
    assert len(found.anomalies) == 1
    assert found.detector == "streaming"
    asked: list[Direction] = []

    def more(_series: object, side: Direction) -> float:
        asked.append(side)
        return WORTH + 0.1

    held = detect(readings, baseline, confirm=3, trace=said, needed=more)
    assert (held.anomalies, len(held.departed), asked) == ((), 1, [UP])
    assert "1 departures are not worth 0.65" in held.reason
    assert detect(readings, baseline, confirm=3, choice="seasonal", trace=said).anomalies == ()
