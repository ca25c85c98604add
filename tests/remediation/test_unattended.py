"""How long anomalies lasted that nobody touched: out of the cases that ended by themselves."""

from dataclasses import replace
from datetime import timedelta

from cases.case import Case
from cases.lifecycle import opened
from cases.outcome import Ending
from remediation.unattended import lasting
from tests.parts.nouns import NOW, an_anomaly, an_entry, an_opened, an_outcome

SIGNAL = an_anomaly().signal


def ended(hours: float | None, ending: Ending = Ending.RECOVERED, name: str = SIGNAL.name) -> Case:
    anomaly = replace(an_anomaly(name), onset=NOW)
    case = opened(an_entry(replace(an_opened(), anomaly=anomaly, fingerprint=anomaly.fingerprint), 0))
    recovered = None if hours is None else NOW + timedelta(hours=hours)
    return replace(case, recovered=recovered, outcome=replace(an_outcome(), ending=ending))


def test_only_what_ended_by_itself_on_that_signal_is_on_record() -> None:
    cases = [
        ended(2), ended(0.5), ended(3, Ending.WORKED), ended(4, name="latency"), ended(None), ended(0),
        replace(ended(5), outcome=None),
    ]  # fmt: skip
    assert lasting(SIGNAL, cases) == (timedelta(hours=2), timedelta(hours=0.5))
    assert lasting(SIGNAL, ()) == ()
