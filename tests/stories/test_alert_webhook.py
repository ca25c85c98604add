"""Stories of alerts that a real Alertmanager tells us of, as it pages people: one case, and no second page."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Case, Phase
from cases.moments import EPOCH
from daemon.api.alert_webhook import PATH
from daemon.app import App
from daemon.clock import SystemClock
from tests.daemon.alerts.receivers import Webhook, a_webhook
from tests.parts.alertmanager import RunningAlertmanager, running_alertmanager
from tests.parts.playhouse import NORMAL, House, house

LABELS = {"alertname": "ShopErrors", "service": "shop", "severity": "critical"}
MINUTE = timedelta(minutes=1)
SECRET = "of-the-webhook"
pause = threading.Event().wait


@contextmanager
def a_house(folder: Path, **more: Any) -> Generator[tuple[House, App, RunningAlertmanager, Webhook]]:  # noqa: ANN401 - keys of a configuration
    """A shop whose own watch is well, and an Alertmanager that pages somebody, and tells us too."""
    said = {"receive": True, "secret": "env:ALERTS_SECRET"}
    with a_webhook() as pager, house(folder, alerts={"alertmanager": said, **more.pop("alerts", {})}, **more) as it:
        it.readings.levels[:] = [(EPOCH, NORMAL)]
        with it.alive() as app:
            proof = f"http_config: {{authorization: {{credentials: {SECRET}}}}}"
            hook = f"{{url: '{app.url}{PATH}', send_resolved: true, {proof}}}"
            with running_alertmanager(folder, pager.url, hooks=[hook]) as real:
                yield it, app, real, pager


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTS_SECRET", SECRET)


def heard(app: App, fate: str, times: int) -> None:
    """Wait until that many alerts had that fate."""
    for _ in range(400):
        if (app.metrics.registry.get_sample_value("trackwalker_alerts_told_total", {"fate": fate}) or 0) >= times:
            return
        pause(0.02)
    raise AssertionError(f"Alertmanager did not tell of {times} alerts that {fate}")


def fires(real: RunningAlertmanager, minutes: float = 30, **labels: str) -> None:
    now = SystemClock().now()
    real.fires({**LABELS, **labels}, {"summary": "many"}, since=now - 5 * MINUTE, until=now + minutes * MINUTE)


def only(app: App) -> Case:
    (case,) = app.ledger.cases.listed()
    return case


def test_an_alert_is_one_case_that_nobody_is_paged_for_again_and_that_recovers_with_it(tmp_path: Path) -> None:
    with a_house(tmp_path, authority={"default": "observe"}) as (it, app, real, pager):
        fires(real)
        fires(real, pod="b")
        heard(app, "began", 2)
        it.passes(1)
        case = only(app)
        assert (case.service, case.anomaly.detector, case.anomaly.signal.rule) == ("shop", "alertmanager", "ShopErrors")
        assert {anomaly.labels.get("pod") for anomaly in case.anomalies} == {None, "b"}
        assert [page["status"] for page in pager.got] == ["firing"] * len(pager.got)
        assert not [subject for subject in it.subjects() if "ShopErrors" in subject and " is " in subject]
        for _ in range(3):  # Alertmanager says it again; so do we look again
            fires(real)
            it.passes(2)
        assert only(app).id == case.id
        fires(real, minutes=-0.01)
        fires(real, minutes=-0.01, pod="b")
        heard(app, "ended", 2)
        it.passes(6)
        assert only(app).recovered is not None


def test_an_alert_leads_to_the_commit_like_any_symptom(tmp_path: Path) -> None:
    with a_house(tmp_path) as (it, app, real, _):
        fires(real)
        heard(app, "began", 1)
        case = it.until(Phase.PROPOSED, Phase.ESCALATED, minutes=20)
        assert case.diagnosis is not None
        assert case.diagnosis.suspects
        assert app.ledger.cases.load(case.id).anomaly.signal.rule == "ShopErrors"


def test_an_alert_of_no_service_here_is_counted_and_opens_nothing(tmp_path: Path) -> None:
    with a_house(tmp_path) as (it, app, real, _):
        fires(real, service="till")
        heard(app, "unknown service", 1)
        it.passes(2)
        assert app.ledger.cases.listed() == ()
