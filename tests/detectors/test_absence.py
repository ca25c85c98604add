"""Absence: what was always there and is not; what was never steady, was replaced, or cannot be seen, is not absent."""

from collections.abc import Sequence

import numpy as np
import pytest

from cases.anomaly import AnomalyKind
from cases.telemetry import Floats, SeriesBlock
from detectors.absence import detect_absence
from tests.detectors.series import at, block

DAYS = 2 * 1440
RECENT = 30
A, B, C = {"pod": "a"}, {"pod": "b"}, {"pod": "c"}


def there(count: int, rows: int = 1) -> Floats:
    return np.ones((rows, count))


def history(values: Floats, labels: Sequence[dict[str, str]] = (A, B)) -> SeriesBlock:
    return block(values, labels=tuple(labels))


def recent(values: Floats, labels: Sequence[dict[str, str]] = (A, B), partial: str = "") -> SeriesBlock:
    return block(values, first=DAYS, labels=tuple(labels), partial=partial)


def gone(since: int = 10) -> Floats:
    values = there(RECENT, 2)
    values[1, since:] = np.nan
    return values


def test_a_series_that_went_away_is_dated_at_its_first_missing_point() -> None:
    (anomaly,) = detect_absence(history(there(DAYS, 2)), recent(gone()), confirm=3)
    assert (anomaly.kind, anomaly.labels) == (AnomalyKind.ABSENCE, B)
    assert (anomaly.onset, anomaly.onset_bound_s) == (at(DAYS + 10), 60.0)
    assert anomaly.detected == at(DAYS + RECENT - 1)
    assert (anomaly.value, anomaly.expected) == (0.0, 1.0)
    assert 0.5 < anomaly.score < 1


def test_one_that_the_source_lists_no_more_is_as_absent() -> None:
    (anomaly,) = detect_absence(history(there(DAYS, 2)), recent(there(RECENT), [A]), confirm=3)
    assert (anomaly.labels, anomaly.onset) == (B, at(DAYS))


@pytest.mark.parametrize("now", [recent(np.full((2, RECENT), np.nan)), recent(np.empty((0, RECENT)), [])])
def test_a_whole_signal_is_told_once(now: SeriesBlock) -> None:
    (anomaly,) = detect_absence(history(there(DAYS, 2)), now, confirm=3)
    assert (anomaly.labels, anomaly.onset) == ({}, at(DAYS))


def test_a_short_silence_is_none() -> None:
    assert detect_absence(history(there(DAYS, 2)), recent(gone(RECENT - 2)), confirm=3) == ()
    assert len(detect_absence(history(there(DAYS, 2)), recent(gone(RECENT - 3)), confirm=3)) == 1


def test_what_sleeps_now_and_then_is_waited_for() -> None:
    before = there(DAYS, 2)
    before[1, 700:715] = np.nan
    assert detect_absence(history(before), recent(gone(10)), confirm=3) == ()
    values = there(90, 2)
    values[1, 10:] = np.nan
    assert len(detect_absence(history(before), recent(values), confirm=3)) == 1


def test_what_never_was_steady_or_went_before_does_not_count() -> None:
    young, rare, past = there(DAYS, 2), there(DAYS, 2), there(DAYS, 2)
    young[1, : DAYS - 600] = np.nan
    rare[1, ::3] = np.nan
    past[1, -60:] = np.nan
    for before in (young, rare, past):
        assert detect_absence(history(before), recent(gone()), confirm=3) == ()


def test_a_new_one_takes_the_place_of_one_that_went() -> None:
    before = history(there(DAYS, 2))
    assert detect_absence(before, recent(there(RECENT, 2), [A, C]), confirm=3) == ()
    other = recent(there(RECENT, 2), [A, {"route": "/"}])
    assert [anomaly.labels for anomaly in detect_absence(before, other, confirm=3)] == [B]


def test_blind_is_not_absent() -> None:
    before = history(there(DAYS, 2))
    assert detect_absence(before, recent(gone(), partial="a store is away"), confirm=3) == ()
    assert detect_absence(before, recent(np.empty((2, 0))), confirm=3) == ()
    assert detect_absence(history(np.empty((0, DAYS)), []), recent(gone()), confirm=3) == ()
    with pytest.raises(ValueError, match="at least one"):
        detect_absence(before, recent(gone()), confirm=0)
