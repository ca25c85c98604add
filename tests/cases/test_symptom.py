"""What is said of each kind of anomaly."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.anomaly import OPPORTUNITIES, AnomalyKind
from cases.lifecycle import opened
from cases.symptom import headline, symptom
from cases.telemetry import Severity
from tests.parts.nouns import NOW, an_anomaly, an_entry, an_opened


@pytest.mark.parametrize(
    ("kind", "ahead", "words", "said"),
    [
        (AnomalyKind.LEVEL, None, "is up", "reads 8; 1 to 3 was expected"),
        (AnomalyKind.ABSENCE, None, "is gone", "is gone since 2026-03-04"),
        (AnomalyKind.SATURATION, (7.2, 11.4), "fills up", "its limit of 2 in 7 to 11 hours if it goes on so"),
        (AnomalyKind.SATURATION, (1.26, 1.31), "fills up", "in about 1.3 hours"),
        (AnomalyKind.SATURATION, (0.0, 1.3), "fills up", "in 0.0 to 1.3 hours"),
        (AnomalyKind.SATURATION, (52.0, 125.0), "fills up", "in 2 to 5 days"),
        (AnomalyKind.DRIFT, None, "gets slowly worse", "went from 2 to 8 little by little since 2026-03-04"),
        (AnomalyKind.LAGGARD, None, "is worse than its siblings", "reads 8 where its siblings read 2, day after day"),
        (AnomalyKind.WASTE, None, "is set aside and not used", "has 8 set aside and used at most 2 of it since"),
    ],
)
def test_each_kind_has_its_words(kind: AnomalyKind, ahead: tuple[float, float] | None, words: str, said: str) -> None:
    anomaly = replace(an_anomaly(), kind=kind, ahead=ahead, value=8.0, expected=2.0, low=1.0, high=3.0, onset=NOW)
    assert headline(anomaly) == words
    assert said in symptom(anomaly)


def test_what_is_only_forecast_is_another_trouble() -> None:
    there, later = an_anomaly(), replace(an_anomaly(), kind=AnomalyKind.SATURATION, onset=NOW + timedelta(hours=1))
    assert there.fingerprint != later.fingerprint == replace(later, onset=NOW).fingerprint


@pytest.mark.parametrize("kind", sorted(OPPORTUNITIES))
def test_an_opportunity_is_never_taken_for_what_goes_wrong(kind: AnomalyKind) -> None:
    live, slow = an_anomaly(), replace(an_anomaly(), kind=kind)
    assert live.fingerprint != slow.fingerprint
    case = opened(an_entry(replace(an_opened(), anomaly=slow, fingerprint=slow.fingerprint)))
    assert (case.improvement, case.asks(Severity.PAGE)) == (True, Severity.NOTE)
    assert not opened(an_entry(an_opened())).improvement
