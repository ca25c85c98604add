"""What comes and goes is counted by its cases that recovered by themselves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.case import Case
from cases.lifecycle import opened
from cases.outcome import Ending
from detectors.flapping import flapping
from tests.parts.nouns import NOW, an_anomaly, an_entry, an_opened, an_outcome

HOUR = timedelta(hours=1)
MINE = an_anomaly().fingerprint


def ended(minutes: float, ending: Ending = Ending.RECOVERED, name: str = "errors") -> Case:
    anomaly = an_anomaly(name)
    event = replace(an_opened(), anomaly=anomaly, fingerprint=anomaly.fingerprint)
    return replace(opened(an_entry(event, minutes)), outcome=replace(an_outcome(), ending=ending))


@pytest.mark.parametrize(
    ("cases", "flaps"),
    [
        ([ended(-50), ended(-30), ended(-10)], True),
        ([ended(-50), ended(-30)], False),
        ([ended(-61), ended(-30), ended(-10)], False),
        ([ended(-50), ended(-30), ended(-10, Ending.WORKED)], False),
        ([ended(-50), ended(-30), ended(-10, name="latency")], False),
        ([ended(-50), ended(-30), ended(0)], False),
    ],
)
def test_only_enough_of_its_own_recoveries_in_the_stretch_are_flapping(cases: list[Case], *, flaps: bool) -> None:
    because = flapping([MINE, "another"], cases, NOW, times=3, within=HOUR)
    assert bool(because) is flaps
    if flaps:
        assert because == "it came and recovered by itself 3 times since 2026-03-04T04:16:07Z"
