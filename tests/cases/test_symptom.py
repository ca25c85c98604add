"""What is said of each kind of anomaly."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.anomaly import AnomalyKind
from cases.symptom import headline, symptom
from tests.parts.nouns import NOW, an_anomaly


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
    ],
)
def test_each_kind_has_its_words(kind: AnomalyKind, ahead: tuple[float, float] | None, words: str, said: str) -> None:
    anomaly = replace(an_anomaly(), kind=kind, ahead=ahead, value=8.0, expected=2.0, low=1.0, high=3.0, onset=NOW)
    assert headline(anomaly) == words
    assert said in symptom(anomaly)


def test_what_is_only_forecast_is_another_trouble() -> None:
    there, later = an_anomaly(), replace(an_anomaly(), kind=AnomalyKind.SATURATION, onset=NOW + timedelta(hours=1))
    assert there.fingerprint != later.fingerprint == replace(later, onset=NOW).fingerprint
