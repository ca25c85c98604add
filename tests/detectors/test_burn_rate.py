"""Burn rates: which pair of windows fires, when, how urgently, and what is never said."""

from datetime import timedelta

import numpy as np
import pytest

from cases.anomaly import Anomaly, AnomalyKind
from cases.telemetry import Floats, SeriesBlock, Severity
from detectors.burn_rate import PAIRS, Objective, detect_burn
from tests.detectors.series import START, signal

MONTH = Objective(share=0.999, window=timedelta(days=30))
OF = signal("availability", severity=Severity.PAGE)
FIVE = 300_000
HOUR = 12  # points of five minutes


def readings(values: Floats, labels: dict[str, str] | None = None, partial: str = "") -> SeriesBlock:
    times = round(START.timestamp() * 1000) + FIVE * np.arange(len(values), dtype=np.int64)
    missing = np.isnan(values)[None]
    return SeriesBlock(
        signal=OF, labels=(labels or {},), times=times, values=values[None], missing=missing, partial=partial
    )


def burns(failed: Floats, *, a_second: float = 100.0, ongoing: bool = True) -> tuple[Anomaly, ...]:
    """What is found when these shares of all events fail, point by point."""
    total = np.full(len(failed), a_second)
    good = total * (1.0 - failed)
    return detect_burn(readings(good), readings(total), MONTH, of=OF, ongoing=ongoing).anomalies


def days(count: float, share: float = 0.0005) -> Floats:
    return np.full(round(count * 24 * HOUR), share)


def test_an_outage_pages_within_minutes() -> None:
    failed = days(3)
    failed[-1] = 0.5
    (anomaly,) = burns(failed)
    assert (anomaly.kind, anomaly.signal.severity, anomaly.signal.key) == (
        AnomalyKind.BURN_RATE,
        Severity.PAGE,
        OF.key,
    )
    assert anomaly.onset == anomaly.detected
    assert anomaly.onset_bound_s == 300
    assert anomaly.expected == pytest.approx(0.001)
    assert anomaly.high == pytest.approx(0.0144)
    assert anomaly.value == pytest.approx((0.5 + 11 * 0.0005) / 12)
    assert 0.5 < anomaly.score < 1


@pytest.mark.parametrize(
    ("share", "hours", "severity"),
    [(0.016, 1, "page"), (0.008, 6, "page"), (0.004, 24, "ticket"), (0.0015, 72, "ticket"), (0.0009, 72, None)],
)
def test_each_pair_has_its_burn_rate(share: float, hours: int, severity: str | None) -> None:
    failed = days(3)
    failed[-hours * HOUR :] = share
    found = burns(failed)
    assert [anomaly.signal.severity.value for anomaly in found] == ([severity] if severity else [])
    if found:
        assert found[0].onset == START + timedelta(minutes=5) * (len(failed) - hours * HOUR)


def test_the_short_window_ends_it_soon() -> None:
    failed = days(3)
    failed[-6:-1] = 0.5
    failed[-1] = 0.0
    assert [anomaly.signal.severity.value for anomaly in burns(failed)] == ["page"]  # 30 minutes remember it
    quiet = np.append(failed, np.zeros(6))
    assert not [one for one in burns(quiet[-864:]) if one.signal.severity is Severity.PAGE]
    (past, *_) = burns(quiet, ongoing=False)
    assert past.onset == START + timedelta(minutes=5) * (len(failed) - 6)


def test_the_signals_own_severity_is_the_most_that_is_asked_for() -> None:
    failed, total = days(3), np.full(864, 100.0)
    failed[-1] = 0.5
    ticket = signal("availability", severity=Severity.TICKET)
    (anomaly,) = detect_burn(readings(total * (1 - failed)), readings(total), MONTH, of=ticket).anomalies
    assert anomaly.signal.severity is Severity.TICKET


def test_one_failed_request_at_night_is_no_incident() -> None:
    failed = np.zeros(864)
    failed[-1] = 0.5
    assert burns(failed, a_second=2 / 300) == ()  # one of two
    assert len(burns(failed, a_second=8 / 300)) == 1  # four of eight


def test_what_says_nothing() -> None:
    total, failed = np.full(864, 100.0), days(3)
    failed[-1] = 0.3
    good = total * (1 - failed)
    assert len(detect_burn(readings(good), readings(total), MONTH, of=OF).anomalies) == 1
    gone = good.copy()
    gone[-8:-1] = np.nan
    assert detect_burn(readings(gone), readings(total), MONTH, of=OF).anomalies == ()  # most of the hour is missing
    for wild in (np.inf, -np.inf, -1.0, 1e308):
        values = good.copy()
        values[-13:] = wild
        assert detect_burn(readings(values), readings(total), MONTH, of=OF).anomalies == ()
    assert detect_burn(readings(total * 1.1), readings(total), MONTH, of=OF).anomalies == ()
    assert detect_burn(readings(total * 0), readings(total * 0), MONTH, of=OF).anomalies == ()
    assert detect_burn(readings(good, partial="a store is away"), readings(total), MONTH, of=OF).anomalies == ()


def test_a_series_without_its_partner_is_reported() -> None:
    found = detect_burn(readings(days(3), {"a": "1"}), readings(days(3), {"b": "1"}), MONTH, of=OF)
    assert found.anomalies == ()
    assert found.unpaired == ({"b": "1"}, {"a": "1"})


def test_windows_follow_the_objectives_span() -> None:
    assert (MONTH.step, MONTH.reach) == (timedelta(minutes=5), timedelta(days=3))
    assert [MONTH.points(pair.long) for pair in PAIRS] == [12, 72, 288, 864]
    week = Objective(share=0.99, window=timedelta(days=7))
    assert week.step == timedelta(minutes=1)
    assert [week.points(pair.long) for pair in PAIRS] == [14, 84, 336, 1008]


def test_readings_on_another_grid_are_refused() -> None:
    other = Objective(share=0.99, window=timedelta(days=7))
    with pytest.raises(ValueError, match="apart"):
        detect_burn(readings(days(1)), readings(days(1)), other, of=OF)
    with pytest.raises(ValueError, match="one grid"):
        detect_burn(readings(days(1)), readings(days(2)), MONTH, of=OF)
    with pytest.raises(ValueError, match="no budget"):
        Objective(share=1.0, window=timedelta(days=7))
