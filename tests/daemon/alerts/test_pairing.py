"""Which alerts speak of which case."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.anomaly import Anomaly
from cases.case import Case
from daemon.alerts.pairing import NEAR, Paired, paired
from daemon.alerts.told import Alert as Told
from daemon.alerts.told import ToldAlerts
from daemon.clock import ManualClock
from signals.alertmanager import Alert
from tests.parts.nouns import NOW, an_anomaly
from tests.parts.stores import in_file

LABELS = ("service", "app", "job")


def of_rule(rule: str = "ErrorsHigh", name: str = "", **labels: str) -> Anomaly:
    anomaly = an_anomaly(name or rule)
    return replace(anomaly, signal=replace(anomaly.signal, rule=rule), labels=labels)


def a_case(*anomalies: Anomaly, case_id: str = "c1", service: str = "shop") -> Case:
    first = (anomalies or (an_anomaly(),))[0]
    return Case(
        id=case_id, service=service, fingerprint=first.fingerprint, opened=NOW, entered=NOW,
        anomalies=anomalies or (first,),
    )  # fmt: skip


def an_alert(
    name: str = "ErrorsHigh", minutes: float = 0, labels: Mapping[str, str] | None = None, **more: str
) -> Alert:
    said = {"alertname": name, **(labels or {}), **more}
    return Alert(
        fingerprint="".join(f"{key}={value};" for key, value in sorted(said.items())),
        labels=said,
        annotations={},
        started=NOW + timedelta(minutes=minutes),
        starts="",
        ends="",
    )


def pair(case: Case, *alerts: Alert, known: Mapping[str, Sequence[str]] | None = None) -> Paired:
    return paired([case], alerts, LABELS, known or {})[case.id]


def test_a_rules_alert_of_the_service_is_the_cases() -> None:
    ours = an_alert(service="shop")
    others = (an_alert(service="cart"), an_alert("Other", service="shop"))
    assert pair(a_case(of_rule()), ours, *others) == Paired(alerts=(ours,))


def test_what_the_webhook_told_of_is_the_alert_itself(tmp_path: Path) -> None:
    """So a pull request is said on it, and no receiver hears of what it says."""
    labels = {"alertname": "Errors High!", "service": "shop", "severity": "critical", "pod": "a"}
    with in_file(tmp_path / "ledger.db").opened() as ledger:
        told = ToldAlerts(ledger.checkpoints, ManualClock(NOW))
        told.take(
            [Told(name="Errors High!", service="shop", labels=labels, started=NOW, ended=None, first=NOW, heard=NOW)]
        )
        (anomaly,) = told.anomalies(NOW)
    same = an_alert("Errors High!", service="shop", severity="critical", pod="a")
    other = an_alert("Errors High!", service="shop", severity="critical", pod="b")
    assert pair(a_case(anomaly), same, other).alerts == (same,)


def test_however_long_ago_a_rules_alert_began() -> None:
    ours = an_alert(service="shop", minutes=-3000)
    assert pair(a_case(of_rule()), ours).alerts == (ours,)


def test_every_series_of_the_rule_speaks_of_the_case() -> None:
    both = (an_alert(service="shop", pod="a"), an_alert(service="shop", pod="b"))
    assert pair(a_case(of_rule()), *both) == Paired(alerts=both)
    assert pair(a_case(of_rule(pod="b")), *both) == Paired(alerts=both[1:]), "the anomaly's labels tell them apart"


def test_a_rule_whose_alerts_name_no_service_has_one_all_the_same() -> None:
    bare = an_alert()
    assert pair(a_case(of_rule()), bare).alerts == (bare,)


def test_rules_of_one_name_are_told_apart_by_severity() -> None:
    page, warning = an_alert(service="shop", severity="page"), an_alert(service="shop", severity="warning")
    assert pair(a_case(of_rule(name="ErrorsHigh-page")), page, warning).alerts == (page,)


def test_rules_of_one_name_that_nothing_tells_apart_need_the_service() -> None:
    digest = of_rule(name="ErrorsHigh-0a1b2c")
    ours = an_alert(service="shop")
    assert pair(a_case(digest), an_alert()) == Paired()
    assert pair(a_case(digest), ours).alerts == (ours,)


def test_a_name_that_is_unsafe_for_a_signal_is_still_the_rules() -> None:
    rule = "Errors are high! " + "x" * 90
    bare = an_alert(rule)
    assert pair(a_case(of_rule(rule, name=f"Errors-are-high-{'x' * 64}")), bare).alerts == (bare,)


def test_each_anomaly_brings_its_alert() -> None:
    both = (an_alert(service="shop"), an_alert("SlowPages", service="shop"))
    assert pair(a_case(of_rule(), of_rule("SlowPages")), *both).alerts == both


@pytest.mark.parametrize("label", LABELS)
def test_without_a_rule_it_is_the_alert_of_the_service_that_began_with_it(label: str) -> None:
    ours = an_alert("Anything", labels={label: "shop"})
    old = an_alert("Old", -5 - NEAR.total_seconds() / 60 - 1, service="shop")
    late = an_alert("Late", -5 + NEAR.total_seconds() / 60 + 1, service="shop")
    assert pair(a_case(), ours, old, late, an_alert("Cart", service="cart"), an_alert("Nobody")).alerts == (ours,)


def test_without_a_rule_several_are_too_many() -> None:
    found = pair(a_case(), an_alert("A", service="shop"), an_alert("B", service="shop"))
    assert found == Paired(doubt="A, B of shop began near its onset, and nothing tells which is meant")


def test_the_signals_own_name_decides_between_several() -> None:
    ours = an_alert("Errors", service="shop")
    assert pair(a_case(), ours, an_alert("B", service="shop")).alerts == (ours,)


def test_what_was_a_cases_stays_its() -> None:
    ours, new = an_alert("A", service="shop", minutes=-600), an_alert("B", service="shop")
    assert pair(a_case(), ours, new, known={"c1": [ours.fingerprint]}).alerts == (ours,)


def test_an_alert_of_two_cases_is_neithers() -> None:
    bare = an_alert()
    one, two = a_case(of_rule()), a_case(of_rule(), case_id="c2")
    found = paired([one, two], [bare], LABELS, {})
    assert found == {
        "c1": Paired(doubt="ErrorsHigh could as well speak of case c2"),
        "c2": Paired(doubt="ErrorsHigh could as well speak of case c1"),
    }
    kept = paired([one, two], [bare], LABELS, {"c1": [bare.fingerprint]})
    assert (kept["c1"].alerts, kept["c2"].alerts) == ((bare,), ())


def test_a_rule_whose_alert_does_not_fire_takes_no_other() -> None:
    assert pair(a_case(of_rule()), an_alert("Other", service="shop")) == Paired()


def test_no_alert_is_no_doubt() -> None:
    assert pair(a_case()) == Paired()
