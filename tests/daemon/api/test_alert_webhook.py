"""Alerts by Alertmanager's webhook: taken once however often they come, refused clearly, not lost once answered."""

import base64
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from cases.moments import iso
from config.settings import AlertmanagerLinkSettings, ApiSettings
from daemon.alerts.told import MOST, SILENT, SOURCE, Alert, ToldAlerts
from daemon.api.alert_webhook import LARGEST, MOST_ALERTS, PATH, AlertWebhook
from daemon.api.routes import Health, routes
from daemon.api.server import serving
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECRET, TOKEN = "s3cr3t-of-the-webhook", "t0ken-of-the-api"
ROOT = Path(__file__).parents[3]
NEVER = "0001-01-01T00:00:00Z"


def alert(name: str = "ShopErrors", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - of a message
    labels = {"alertname": name, "service": "shop", "severity": "critical", **more.pop("labels", {})}
    return {
        "status": "firing", "labels": labels, "annotations": {"summary": "many errors"},
        "startsAt": iso(NOW - 5 * MINUTE), "endsAt": NEVER, "generatorURL": "http://prometheus/graph?g0.expr=up",
        "fingerprint": "85e2fc2d6a0cf02c", **more,
    }  # fmt: skip


def message(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - the same
    """One message, as Alertmanager 0.25 posts it."""
    return {
        "receiver": "trackwalker", "status": "firing", "alerts": list(alerts),
        "groupLabels": {"alertname": "ShopErrors"}, "commonLabels": {"service": "shop"},
        "commonAnnotations": {}, "externalURL": "http://alertmanager:9093",
        "version": "4", "groupKey": '{}:{alertname="ShopErrors"}', "truncatedAlerts": 0, **more,
    }  # fmt: skip


@dataclass
class Daemon:
    url: str
    ledger: Ledger
    clock: ManualClock
    told: ToldAlerts
    counted: dict[str, int]

    def post(self, body: object, **headers: str) -> tuple[int, Any]:
        return post(self.url, body, **headers)


def post(url: str, body: object, **headers: str) -> tuple[int, Any]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request("POST", PATH, sent, {"Content-Type": "application/json", **said})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def a_daemon(
    folder: Path, *, receive: bool = True, secret: str | None = None, token: str | None = None
) -> Iterator[Daemon]:
    clock, counted = ManualClock(NOW), dict[str, int]()
    api = ApiSettings.model_validate({"token": token})
    with open_ledger(f"sqlite:///{folder / 'ledger.db'}", clock=clock) as ledger:
        told = ToldAlerts(ledger.checkpoints, clock)
        hook = AlertWebhook(
            settings=AlertmanagerLinkSettings.model_validate({"receive": receive, "secret": secret}),
            api=api,
            service_labels=("service", "app"),
            told=told,
            clock=clock,
            known=lambda: ("shop", "cart"),
            count=lambda fate, count: counted.update({fate: counted.get(fate, 0) + count}),
        )
        health = Health(stuck=None, blind={}, polled=True, paused="")
        with serving(routes(lambda: health, lambda: b"", doors=[hook]), "127.0.0.1:0") as url:
            yield Daemon(url, ledger, clock, told, counted)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setenv("TOKEN", TOKEN)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Daemon]:
    yield from a_daemon(tmp_path)


def test_a_firing_alert_is_an_anomaly_of_its_service_and_severity(here: Daemon) -> None:
    assert here.post(message(alert())) == (200, {"began": 1})
    (anomaly,) = here.told.anomalies(NOW)
    signal = anomaly.signal
    assert (signal.service, signal.name, signal.rule, str(signal.severity)) == (
        "shop",
        "ShopErrors",
        "ShopErrors",
        "page",
    )
    assert (anomaly.onset, anomaly.detected) == (NOW - 5 * MINUTE, NOW)
    assert (str(anomaly.kind), anomaly.labels["severity"]) == ("threshold", "critical")


@pytest.mark.parametrize(
    ("word", "severity"),
    [("critical", "page"), ("page", "page"), ("warning", "ticket"), ("info", "note"), ("odd", "ticket")],
)
def test_the_label_says_how_urgent_it_is(here: Daemon, word: str, severity: str) -> None:
    here.post(message(alert(labels={"severity": word})))
    assert [str(anomaly.signal.severity) for anomaly in here.told.anomalies(NOW)] == [severity]


def test_a_message_that_comes_again_changes_nothing(here: Daemon) -> None:
    here.post(message(alert(), alert(labels={"pod": "b"})))
    before = here.told.anomalies(NOW)
    assert len(before) == 2
    here.clock.advance(MINUTE)
    assert here.post(message(alert(), alert(labels={"pod": "b"}))) == (200, {"known": 2})
    assert here.told.anomalies(NOW) == before


def test_what_has_ended_reads_nothing_from_then_on_and_is_not_brought_back_by_an_old_message(here: Daemon) -> None:
    here.post(message(alert()))
    (signal,) = {anomaly.signal.key: anomaly.signal for anomaly in here.told.anomalies(NOW)}.values()
    here.clock.advance(10 * MINUTE)
    ended = alert(status="resolved", endsAt=iso(NOW + 4 * MINUTE))
    assert here.post(message(ended, status="resolved")) == (200, {"ended": 1})
    assert here.told.anomalies(NOW + 10 * MINUTE) == []
    block = here.told.read(signal, NOW - 8 * MINUTE, NOW + 8 * MINUTE, MINUTE)
    assert block.values[0].tolist() == [0.0] * 3 + [1.0] * 9 + [0.0] * 5
    assert here.post(message(alert())) == (200, {"known": 1}), "replayed"
    assert here.told.anomalies(NOW + 10 * MINUTE) == []
    assert here.post(message(alert(startsAt=iso(NOW + 9 * MINUTE)))) == (200, {"began": 1})
    assert here.post(message(ended)) == (200, {"known": 1}), "overtaken"
    assert [anomaly.onset for anomaly in here.told.anomalies(NOW + 10 * MINUTE)] == [NOW + 9 * MINUTE]


def test_what_was_not_heard_of_for_a_day_is_not_known(here: Daemon) -> None:
    here.post(message(alert()))
    (anomaly,) = here.told.anomalies(NOW)
    later = NOW + SILENT + 2 * MINUTE
    assert here.told.anomalies(later) == []
    block = here.told.read(anomaly.signal, later - 4 * MINUTE, later, MINUTE)
    assert block.missing[0].tolist() == [False, False, False, True, True]
    assert np.isnan(block.values[0, -1])


@pytest.mark.parametrize(
    ("said", "fate"),
    [
        (alert(labels={"service": "till"}), "unknown service"),
        (alert(labels={"service": "", "app": "cart"}), "began"),
        (alert(labels={"alertname": ""}), "unknown service"),
        (alert("TrackwalkerCase"), "our own"),
        (alert(startsAt=iso(NOW - timedelta(days=8))), "too old"),
        (alert(startsAt=iso(NOW + 6 * MINUTE)), "from the future"),
        (alert(startsAt=iso(NOW + 4 * MINUTE)), "began"),
        (alert(status="resolved", endsAt=iso(NOW)), "ended"),
    ],
)
def test_each_alert_of_a_message_has_its_fate(here: Daemon, said: dict[str, Any], fate: str) -> None:
    assert here.post(message(said)) == (200, {fate: 1})
    assert here.counted == {fate: 1}


HOSTILE = [
    (b"", 422, "the body is not JSON"),
    (b"[]", 422, "no message of Alertmanager's webhook"),
    (b"\xff\xfe{", 422, "the body is not JSON"),
    (b'{"version": "4", "alerts": ' + b"[" * 5_000, 422, "the body is not JSON"),
    (message(alert(), version="3"), 422, "version: Input should be '4'"),
    (message(alert(startsAt="yesterday")), 422, "alerts.0.startsAt"),
    (message(alert(startsAt="2026-03-04T05:06:07")), 422, "alerts.0.startsAt"),
    (message(alert(labels={"x" * 300: "y"})), 422, "alerts.0.labels"),
    (message(alert(labels={"x": "y" * 3_000})), 422, "alerts.0.labels"),
    (message(alert(labels={f"l{number}": "y" for number in range(99)})), 422, "alerts.0.labels"),
    (message(alert(labels={"x": ["a"]})), 422, "alerts.0.labels"),
    (message(*[alert(labels={"n": str(number)}) for number in range(MOST_ALERTS + 1)]), 422, "set max_alerts: 500"),
    (b" " * (LARGEST + 1), 413, "longer than 1024 KiB"),
]


@pytest.mark.parametrize(("body", "status", "because"), HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_what_is_no_such_message_is_refused_and_changes_nothing(
    here: Daemon, body: object, status: int, because: str
) -> None:
    got, answer = here.post(body)
    assert got == status
    assert because in answer["error"]
    assert len(answer["error"]) < 400
    assert here.told.all() == ()


def test_names_and_labels_from_outside_are_only_text(here: Daemon) -> None:
    odd = {"alertname": "Rm -rf / <!channel> \u202e\x00", "__proto__": "x", "'; DROP": "y"}
    assert here.post(message(alert(labels=odd))) == (200, {"began": 1})
    (anomaly,) = here.told.anomalies(NOW)
    assert anomaly.signal.name == "Rm--rf-channel"


@pytest.mark.parametrize(
    ("secret", "token", "headers", "status"),
    [
        ("env:SECRET", None, {"Authorization": f"Bearer {SECRET}"}, 200),
        ("env:SECRET", "env:TOKEN", {"Authorization": f"Bearer {TOKEN}"}, 401),
        ("env:SECRET", None, {"Authorization": "Basic " + base64.b64encode(f"am:{SECRET}".encode()).decode()}, 200),
        ("env:SECRET", None, {"Authorization": "Basic " + base64.b64encode(f"{SECRET}:am".encode()).decode()}, 401),
        ("env:SECRET", None, {"Authorization": "Basic !!"}, 401),
        ("env:SECRET", None, {}, 401),
        (None, "env:TOKEN", {"Authorization": f"Bearer {TOKEN}"}, 200),
        (None, "env:TOKEN", {}, 401),
        (None, None, {}, 200),
        (None, None, {"X-Forwarded-For": "10.0.0.9"}, 403),
        ("env:NOT_THERE", None, {"Authorization": "Bearer x"}, 503),
    ],
)
def test_a_sender_proves_itself(
    tmp_path: Path, secret: str | None, token: str | None, headers: dict[str, str], status: int
) -> None:
    for it in a_daemon(tmp_path, secret=secret, token=token):
        got, answer = it.post(message(alert()), **headers)
        assert got == status
        assert (SECRET in str(answer), TOKEN in str(answer)) == (False, False)
        assert len(it.told.all()) == (1 if status == 200 else 0)


def test_nothing_is_taken_where_nobody_asked_for_it(tmp_path: Path) -> None:
    for it in a_daemon(tmp_path, receive=False):
        assert it.post(message(alert())) == (
            404,
            {"error": "no alerts are taken; write alerts: {alertmanager: {receive: true}}"},
        )


def test_plain_json_is_asked_for(here: Daemon) -> None:
    assert here.post(message(alert()), Content_Type="text/plain")[0] == 415
    assert here.post(message(alert()), Content_Encoding="gzip")[0] == 415


def test_alerts_have_an_end(here: Daemon) -> None:
    many = [
        Alert(
            name="ShopErrors", service="shop", labels={"n": str(number)}, started=NOW, first=NOW,
            ended=NOW if number % 2 else None, heard=NOW + timedelta(seconds=number),
        )
        for number in range(MOST + 500)
    ]  # fmt: skip
    here.told.take(many)
    kept = here.told.all()
    assert len(kept) == MOST
    assert sum(one.ended is None for one in kept) == len([one for one in many if one.ended is None])


LIFE = """
import sys
from pathlib import Path
from tests.daemon.api.test_alert_webhook import a_daemon
for it in a_daemon(Path(sys.argv[1])):
    print(it.url, flush=True)
    sys.stdin.read()
"""


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LIFE, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as life:
        try:
            assert life.stdout is not None
            assert post(life.stdout.readline().strip(), message(alert())) == (200, {"began": 1})
        finally:
            life.kill()
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", clock=ManualClock(NOW)) as ledger:
        (kept,) = ToldAlerts(ledger.checkpoints, ManualClock(NOW)).all()
        assert (kept.name, kept.started) == ("ShopErrors", NOW - 5 * MINUTE)


def test_its_name_is_nobody_elses(here: Daemon) -> None:
    assert here.told.name == SOURCE
    assert ":" in SOURCE, "no source of a configuration can be called so"
