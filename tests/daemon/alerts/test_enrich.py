"""What an alert is made to say of its case, on a real Alertmanager and a real ledger."""

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.errors import PermanentError, SourceDown
from cases.events import Closed, Diagnosed, Drafted, Entry, Event, Opened, Proved
from cases.pull_request_events import Proposed
from cases.steps import Effect, Notice, OpenPullRequest, Receipt, SendNotice
from cases.telemetry import Severity
from daemon.alerts.annotations import annotations_of, beside
from daemon.alerts.delivery import Delivery, DeliveryReport
from daemon.alerts.enrich import FRESH, Enrichment, enrichment_of, quiet
from daemon.alerts.file import FileNotifier
from daemon.clock import ManualClock, SystemClock
from daemon.ledger.ledger import Ledger, open_ledger
from signals.alertmanager import Alertmanager
from tests.daemon.alerts.receivers import a_free_port
from tests.parts.alertmanager import RunningAlertmanager, running_alertmanager
from tests.parts.nouns import a_change, a_diagnosis, a_trial, an_anomaly, an_outcome
from tests.parts.prometheus import running_prometheus
from tests.parts.settings import some_settings

LINK = "http://127.0.0.1:3000/acme/shop/pull/7"
SUMMARY = {"summary": "errors rose"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAlertmanager]:
    with running_alertmanager(tmp_path_factory.mktemp("alertmanager")) as running:
        yield running


@dataclass
class Place:
    """A ledger, an enrichment over it, and a case at a time."""

    ledger: Ledger
    clock: ManualClock
    enrichment: Enrichment
    file: Path

    def opened(self, case_id: str, rule: str, service: str = "shop") -> None:
        now = self.clock.now()
        seen = an_anomaly(rule or "errors")
        anomaly = replace(
            seen, signal=replace(seen.signal, rule=rule, service=service), labels={}, onset=now - timedelta(minutes=5)
        )
        opened = Opened(case_id=case_id, service=service, fingerprint=anomaly.fingerprint, anomaly=anomaly)
        told = self.told(f"{case_id}-opened", case_id)
        assert self.ledger.cases.open(Entry(at=now, actor="daemon", event=opened), told, now) is not None

    def goes_on(self, case_id: str, *events: Event, effects: tuple[Effect, ...] = ()) -> None:
        for event in events:
            last = effects if event is events[-1] else ()
            self.ledger.cases.add(case_id, Entry(at=self.clock.now(), actor="daemon", event=event), last, None)

    def told(self, key: str, case_id: str) -> tuple[SendNotice, ...]:
        notice = Notice(key=key, severity=Severity.PAGE, subject=key, text="", case=case_id)
        return (SendNotice(key=f"{key}@file", receiver="file", notice=notice),)

    def carries(self, key: str, case_id: str) -> str:
        return self.enrichment.carries(self.told(key, case_id)[0].notice)

    def delivers(self, later: timedelta = timedelta(0)) -> DeliveryReport:
        self.clock.advance(later)
        receivers = {"file": FileNotifier("file", self.file, self.clock)}
        return Delivery(self.ledger.outbox, receivers, self.enrichment).due(self.clock.now())


@pytest.fixture
def place(real: RunningAlertmanager, tmp_path: Path) -> Iterator[Place]:
    clock = ManualClock(SystemClock().now().replace(microsecond=0))
    settings = some_settings(
        alerts={"mode": "enrich"},
        signals={"prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}], "alertmanager": {"url": real.url}},
    )
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", clock=clock) as ledger:
        enrichment = enrichment_of(settings, ledger, clock)
        assert enrichment is not None
        yield Place(ledger=ledger, clock=clock, enrichment=enrichment, file=tmp_path / "told")
        enrichment.close()


def fires(real: RunningAlertmanager, now: datetime, name: str, **labels: str) -> None:
    labels = {"alertname": name, "service": "shop", **labels}
    real.fires(labels, SUMMARY, since=now - timedelta(minutes=5), until=now + timedelta(minutes=5))


def said(real: RunningAlertmanager, name: str) -> Mapping[str, str]:
    (alert,) = [alert for alert in real.listed() if alert["labels"]["alertname"] == name]
    found: dict[str, str] = alert["annotations"]
    return found


def proposed(case_id: str) -> OpenPullRequest:
    return OpenPullRequest(
        key=f"{case_id}-1-pull-request", repository="shop", branch=f"trackwalker/{case_id}-1", title="t", body="b",
        labels=(), draft=True,
    )  # fmt: skip


def test_an_alert_says_what_is_known_from_opening_to_end(real: RunningAlertmanager, place: Place) -> None:
    fires(real, place.clock.now(), "Whole")
    place.opened("whole", "Whole")
    place.enrichment.once()
    assert said(real, "Whole") == {**SUMMARY, "trackwalker_case": "whole", "trackwalker_state": "open"}

    place.goes_on("whole", Diagnosed(diagnosis=a_diagnosis()), Drafted(change=a_change()), Proved(trial=a_trial()))
    place.goes_on("whole", Proposed(change=1, repository="shop", branch="b"), effects=(proposed("whole"),))
    place.ledger.outbox.receive(Receipt(key="whole-1-pull-request", adopted=False, facts={"url": LINK}), None)
    fires(real, place.clock.now(), "Whole")  # its owner says it again, and wipes what we said
    assert said(real, "Whole") == SUMMARY
    place.enrichment.once()
    known = {"trackwalker_cause": "c0ffee00c0 was deployed before the onset", "trackwalker_pull_request": LINK}
    full = {**SUMMARY, "trackwalker_case": "whole", "trackwalker_state": "proposed", **known}
    assert said(real, "Whole") == full

    place.goes_on("whole", Closed(outcome=an_outcome(), lesson=None))
    place.enrichment.once()
    assert said(real, "Whole") == {**full, "trackwalker_state": "closed: worked"}
    fires(real, place.clock.now(), "Whole")
    place.enrichment.once()
    assert said(real, "Whole") == SUMMARY, "a closed case is said once"


def test_what_is_said_already_is_not_written_again(real: RunningAlertmanager, place: Place) -> None:
    fires(real, place.clock.now(), "Steady")
    place.opened("steady", "Steady")
    place.enrichment.once()
    before = [alert["updatedAt"] for alert in real.listed() if alert["labels"]["alertname"] == "Steady"]
    place.enrichment.once()
    assert [alert["updatedAt"] for alert in real.listed() if alert["labels"]["alertname"] == "Steady"] == before


def test_a_notice_that_an_alert_carries_is_not_sent(real: RunningAlertmanager, place: Place) -> None:
    fires(real, place.clock.now(), "Carried")
    place.opened("carried", "Carried")
    for key in ("carried-1-proposed", "carried-closed", "carried-1-harmful", "carried-escalated-4"):
        place.ledger.outbox.send(place.told(key, "carried"), place.clock.now())
    assert place.delivers() == DeliveryReport(delivered=2, carried=3)
    assert [
        line for line in place.file.read_text().splitlines() if "harmful" not in line and "escalated" not in line
    ] == []
    receipt = place.ledger.outbox.receipt("carried-opened@file")
    assert receipt is not None
    assert "annotated on alert Carried" in receipt.facts["carried"]
    assert said(real, "Carried")["trackwalker_case"] == "carried", "it was said before the notice was let go"


def test_without_an_alert_receivers_are_told_until_there_is_one(real: RunningAlertmanager, place: Place) -> None:
    place.opened("early", "Early")
    assert place.delivers() == DeliveryReport(delivered=1)
    fires(real, place.clock.now(), "Early")
    place.clock.advance(timedelta(seconds=FRESH))
    place.ledger.outbox.send(place.told("early-1-proposed", "early"), place.clock.now())
    assert place.delivers() == DeliveryReport(carried=1)


def test_a_silence_is_kept(real: RunningAlertmanager, place: Place) -> None:
    now = place.clock.now()
    fires(real, now, "Hushed")
    real.silence("alertname", "Hushed", now)
    for _ in range(100):
        found = [alert for alert in real.listed() if alert["labels"]["alertname"] == "Hushed"]
        if found[0]["status"]["state"] == "suppressed":
            break
        threading.Event().wait(0.02)
    place.opened("hushed", "Hushed")
    assert place.delivers() == DeliveryReport(carried=1)
    assert said(real, "Hushed") == SUMMARY
    assert "is silenced" in place.carries("hushed-closed", "hushed")


def test_doubt_is_logged_once_and_annotates_none(
    real: RunningAlertmanager, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("DoubtA", "DoubtB"):
        fires(real, place.clock.now(), name, service="cart")
    place.opened("doubt", "", service="cart")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            place.enrichment.once()
    told = [record.getMessage() for record in caplog.records if record.name == "trackwalker.enrich"]
    doubt = "DoubtA, DoubtB of cart began near its onset, and nothing tells which is meant"
    assert told == [f"case doubt: no alert is annotated: {doubt}"]
    assert said(real, "DoubtA") == said(real, "DoubtB") == SUMMARY
    assert place.delivers() == DeliveryReport(delivered=1)


def test_a_restart_keeps_what_is_whose(real: RunningAlertmanager, place: Place) -> None:
    fires(real, place.clock.now(), "Kept", service="kiosk")
    place.opened("kept", "", service="kiosk")
    place.enrichment.once()
    fires(real, place.clock.now(), "Newer", service="kiosk")
    reborn = replace(place.enrichment)
    reborn.once()
    assert (said(real, "Kept")["trackwalker_case"], said(real, "Newer")) == ("kept", SUMMARY)


def test_an_alertmanager_that_is_down_holds_nothing_up(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.enrichment.alertmanager = Alertmanager("pages", url=f"http://127.0.0.1:{a_free_port()}")
    place.opened("down", "Down")
    with caplog.at_level(logging.WARNING):
        place.enrichment.once()
        place.enrichment.once()
    assert len([record for record in caplog.records if "not annotated" in record.getMessage()]) == 1
    place.clock.advance(timedelta(seconds=FRESH))
    with pytest.raises(SourceDown, match="refuses connections"):
        place.carries("down-opened", "down")
    waits = [place.delivers(timedelta(seconds=10)) for _ in range(4)]
    assert [(report.postponed, report.delivered) for report in waits] == [(1, 0)] * 3 + [(0, 1)]
    assert "down-opened" in place.file.read_text()
    place.ledger.outbox.send(place.told("down-escalated-1", "down"), place.clock.now())
    assert place.delivers().delivered == 1, "what needs a human never waits for it"


def test_an_alertmanager_that_refuses_us_is_not_waited_for(place: Place) -> None:
    place.enrichment.alertmanager = Alertmanager("pages", url=f"{place.enrichment.alertmanager}".split("'")[3] + "/no")
    place.opened("refused", "Refused")
    with pytest.raises(PermanentError, match="no Alertmanager"):
        place.carries("refused-opened", "refused")
    assert place.delivers() == DeliveryReport(delivered=1)


def test_one_look_serves_a_round_of_notices(real: RunningAlertmanager, place: Place) -> None:
    fires(real, place.clock.now(), "Round")
    place.opened("round", "Round")
    assert place.carries("round-opened", "round")
    fires(real, place.clock.now(), "Round")  # wiped: only a new look would write it again
    assert place.carries("round-opened", "round")
    assert said(real, "Round") == SUMMARY
    place.goes_on("round", Diagnosed(diagnosis=a_diagnosis()))
    assert place.carries("round-1-proposed", "round")
    assert said(real, "Round")["trackwalker_state"] == "diagnosed", "what is new is said before it is let go"


def test_nothing_is_asked_while_nothing_is_wrong(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.enrichment.alertmanager = Alertmanager("pages", url=f"http://127.0.0.1:{a_free_port()}")
    with caplog.at_level(logging.WARNING):
        place.enrichment.once()
    assert not caplog.records


@pytest.mark.long
def test_a_real_prometheus_alert_is_annotated(real: RunningAlertmanager, place: Place, tmp_path: Path) -> None:
    # It finds its Alertmanager after five seconds, and what fires before that is said again only after a minute.
    words = "labels: {service: shop}, annotations: {summary: errors rose}"
    rule = f"{{alert: RealErrors, expr: 'vector(1)', for: 6s, {words}}}"
    (tmp_path / "rules.yml").write_text(f"groups: [{{name: shop, interval: 1s, rules: [{rule}]}}]\n")
    target = real.url.removeprefix("http://")
    config = (
        f"global: {{evaluation_interval: 1s, external_labels: {{cluster: one}}}}\nrule_files: [{tmp_path}/rules.yml]\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{target}']}}]}}]}}\n"
    )
    place.opened("real", "RealErrors")
    found = list[dict[str, Any]]()
    with running_prometheus(tmp_path, config=config):
        for _ in range(300):
            place.enrichment.once()
            found = [alert for alert in real.listed() if alert["labels"]["alertname"] == "RealErrors"]
            if found and "trackwalker_case" in found[0]["annotations"]:
                break
            threading.Event().wait(0.05)
    assert found[0]["annotations"] == {**SUMMARY, "trackwalker_case": "real", "trackwalker_state": "open"}
    assert found[0]["labels"] == {"alertname": "RealErrors", "service": "shop", "cluster": "one"}
    assert "g0.expr=vector" in found[0]["generatorURL"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("c1-opened", True), ("c1-12-proposed", True), ("c1-closed", True), ("c1-1-harmful", False),
        ("c1-escalated", False), ("c1-escalated-3", False), ("c1-1-gate", False), ("c1-rollback-paused", False),
        ("c1-bug-4", False), ("c1-proposed-waiting-4", False), ("undelivered:c1-opened", False), ("c10-opened", False),
    ],
)  # fmt: skip
def test_only_what_an_alert_can_say_may_be_left_out(key: str, *, expected: bool) -> None:
    notice = Notice(key=key, severity=Severity.PAGE, subject="", text="", case="c1")
    assert quiet(notice) is expected
    assert quiet(replace(notice, case="")) is False


def test_hostile_words_call_nobody(place: Place) -> None:
    place.opened("hostile", "Hostile")
    hostile = replace(a_diagnosis(), claim="<!channel> \x1b[2J\n<https://evil|Click>\u202e" + "x" * 9000)
    place.goes_on("hostile", Diagnosed(diagnosis=hostile))
    found = annotations_of(place.ledger.cases.load("hostile"), "")
    assert not {"<", ">", "\n", "\x1b", "\u202e"} & set(found["trackwalker_cause"])
    assert len(found["trackwalker_cause"]) == 500
    assert beside({"summary": "s", "trackwalker_old": "gone"}, {"trackwalker_case": "c"}) == {
        "summary": "s",
        "trackwalker_case": "c",
    }


def test_direct_needs_no_alertmanager(place: Place) -> None:
    assert enrichment_of(some_settings(), place.ledger, place.clock) is None
