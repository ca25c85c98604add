"""What is said of a case at its opening: severity, kind and reach, each with what shows it."""

from dataclasses import replace

import numpy as np
import pytest

from cases.anomaly import Anomaly, AnomalyKind
from cases.telemetry import Severity
from detectors.opening import impact_reasons, kind_reason, reach_of, severity_reason
from tests.detectors.series import block, signal
from tests.parts.nouns import an_anomaly

SEEN = an_anomaly()
BURNING = replace(SEEN, kind=AnomalyKind.BURN_RATE, detector="burn rate", value=0.0144, expected=0.001)
TOLD = replace(SEEN, detector="alertmanager", kind=AnomalyKind.THRESHOLD, labels={"severity": "critical"})


def ruled(anomaly: Anomaly) -> Anomaly:
    return replace(anomaly, signal=replace(anomaly.signal, rule="ShopErrors"))


@pytest.mark.parametrize(
    ("anomaly", "said"),
    [
        (SEEN, "severity page: the watch errors says so"),
        (ruled(SEEN), "severity page: the rule ShopErrors says so"),
        (BURNING, "severity page: its error budget burns 14.4 times as fast as it may"),
        (TOLD, 'severity page: the alert\'s label severity is "critical"'),
        (replace(TOLD, labels={}), "severity page: the alert has no label severity"),
    ],
)
def test_a_severity_has_its_reason(anomaly: Anomaly, said: str) -> None:
    assert severity_reason(anomaly, ()) == said


def test_what_came_with_it_and_asks_for_less_is_said() -> None:
    note = replace(SEEN, signal=replace(SEEN.signal, severity=Severity.NOTE))
    assert severity_reason(SEEN, (note, SEEN)).endswith("; what came with it asks for less (note)")


@pytest.mark.parametrize(
    ("anomaly", "said"),
    [
        (SEEN, "kind level: it left its band of 0 to 0.03 and stayed out, at 0.31"),
        (replace(SEEN, kind=AnomalyKind.THRESHOLD), "kind threshold: it read 0.31, beyond the threshold 0.01"),
        (BURNING, "kind burn rate: 1.440% of events failed where 0.100% may"),
        (ruled(TOLD), "kind threshold: the alert ShopErrors fires since 2026-03-04T05:01:07Z"),
        (
            replace(SEEN, kind=AnomalyKind.SATURATION, detector="saturation"),
            "kind saturation: the detector saturation calls it saturation, at 0.31",
        ),
    ],
)
def test_a_kind_has_its_reason(anomaly: Anomaly, said: str) -> None:
    assert kind_reason(anomaly) == said


def test_the_reach_is_counted_before_anything_is_diagnosed() -> None:
    of = signal("errors")
    readings = np.ones((40, 5))
    readings[39] = np.nan  # a series that ended has nobody to affect
    blocks = {of.key: block(readings, of)}
    series = [replace(SEEN, signal=of, labels={"route": f"/{row}"}) for row in range(3)]
    found = [
        *series,
        replace(SEEN, signal=signal("latency")),
        replace(SEEN, signal=signal("errors", service="cart")),
    ]
    assert impact_reasons(series[0], found, reach_of(series[0], found, blocks), {"web", "api"}) == (
        "impact: 3 of 39 series of errors",
        "impact: 1 other signals of shop: latency",
        "impact: 2 services that depend on it: api, web",
    )
    burning = reach_of(BURNING, [BURNING], {})
    assert impact_reasons(BURNING, [BURNING], burning, ()) == ("impact: 1 series of errors", "impact: burn rate 14.4")
