"""What people silence, and what Alertmanager inhibits, is kept quiet; while it cannot be asked nothing is."""

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cases.anomaly import Anomaly
from cases.telemetry import Severity
from daemon.alerts.silenced import Silenced
from daemon.clock import ManualClock, SystemClock
from daemon.quiet import Quiet
from signals.alertmanager import Alertmanager
from tests.daemon.alerts.receivers import a_free_port
from tests.parts.alertmanager import RunningAlertmanager, running_alertmanager
from tests.parts.misbehaving import Misbehaving, misbehaving
from tests.parts.nouns import an_anomaly
from tests.parts.web import says

INHIBIT = """
inhibit_rules:
  - {source_matchers: [alertname="NodeDown"], target_matchers: [severity="warning"], equal: [service]}
"""
pause = threading.Event().wait


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAlertmanager]:
    with running_alertmanager(tmp_path_factory.mktemp("alertmanager"), config=INHIBIT) as running:
        yield running


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with misbehaving() as running:
        yield running


def asks(url: str, clock: ManualClock | None = None) -> Silenced:
    now = clock or ManualClock(SystemClock().now())
    return Silenced(alertmanager=Alertmanager("pages", url=url), clock=now, service_labels=("service", "app"))


def seen(name: str, rule: str = "", **labels: str) -> Anomaly:
    anomaly = an_anomaly(name)
    signal = replace(anomaly.signal, rule=rule, severity=Severity.PAGE)
    return replace(anomaly, signal=signal, labels={"route": "/checkout", **labels})


def reason(found: Silenced, anomaly: Anomaly) -> Quiet | None:
    return found.why([anomaly], SystemClock().now()).get(0)


@pytest.mark.parametrize(
    ("name", "value", "regex", "equal", "quiet"),
    [
        ("service", "shop", False, True, True),
        ("app", "shop", False, True, True),
        ("service", "sho", False, True, False),
        ("service", "sho.|cart", True, True, True),
        ("service", "sho", True, True, False),
        ("alertname", "errors", False, True, True),
        ("alertname", "TrackwalkerCase", False, True, True),
        ("severity", "page", False, True, True),
        ("route", "/check.*", True, True, True),
        ("route", "/cart", False, False, True),
        ("route", "/checkout", False, False, False),
        ("route", "/c.*", True, False, False),
        ("pod", "web-[0-9]+", True, True, False),
    ],
)
def test_a_silence_is_for_the_labels_that_it_names(
    real: RunningAlertmanager, name: str, value: str, *, regex: bool, equal: bool, quiet: bool
) -> None:
    silence = real.silence(name, value, SystemClock().now(), regex=regex, equal=equal, comment="the\nmove <!channel>")
    try:
        found = reason(asks(real.url), seen("errors"))
    finally:
        real.lift(silence)
    assert (found is not None) is quiet
    if found is not None:
        assert found.kind == "Silenced"
        assert found.because == f"silence {silence} by sre: “the move <!channel>”"
    assert reason(asks(real.url), seen("errors")) is None, "it was taken back"


def fires(real: RunningAlertmanager, name: str, **labels: str) -> None:
    now: datetime = SystemClock().now()
    said = {"alertname": name, "service": "shop", **labels}
    real.fires(said, {}, since=now - timedelta(minutes=5), until=now + timedelta(minutes=5))


def soon(real: RunningAlertmanager, anomaly: Anomaly) -> Quiet | None:
    """The reason, once there is one: Alertmanager takes its time to apply what it was told."""
    for _ in range(100):
        found = reason(asks(real.url), anomaly)
        if found is not None:
            return found
        pause(0.05)
    return None


def test_what_alertmanager_keeps_quiet_of_a_rule_is_kept_quiet(real: RunningAlertmanager) -> None:
    fires(real, "Slow", severity="warning")
    slow = seen("Slow", rule="Slow")
    assert reason(asks(real.url), slow) is None, "it pages"
    fires(real, "NodeDown", severity="critical")
    assert soon(real, slow) == Quiet(kind="Inhibited", because="its alert Slow is inhibited by NodeDown")
    assert reason(asks(real.url), seen("NodeDown", rule="NodeDown")) is None

    fires(real, "Odd", team="growth")
    silence = real.silence("team", "growth", SystemClock().now())
    found = soon(real, seen("Odd", rule="Odd"))
    assert found is not None
    assert found.because == f"its alert Odd is silenced: silence {silence} by sre: “known”"
    real.lift(silence)


def test_one_that_is_down_keeps_nothing_quiet_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock(SystemClock().now())
    found = asks(f"http://127.0.0.1:{a_free_port()}", clock)
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            assert reason(found, seen("errors")) is None
            clock.advance(timedelta(minutes=2))
    assert ["silences are not known" in line for line in caplog.messages] == [True]


def test_a_silence_that_cannot_be_read_suppresses_nothing_and_is_named(
    server: Misbehaving, caplog: pytest.LogCaptureFixture
) -> None:
    odd = {"name": "service", "value": "(?=shop)", "isRegex": True, "isEqual": True}
    silence = {"id": "s-1", "status": {"state": "active"}, "matchers": [odd], "comment": "", "createdBy": ""}
    server.behave = lambda request: says(200, json.dumps([silence]) if "silences" in request.path else "[]")(request)
    asking = asks(server.url)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert reason(asking, seen("errors")) is None
    (said,) = caplog.messages
    assert said == "silence s-1 cannot be read, and suppresses nothing here: it has a flag that is not known here (=)"
