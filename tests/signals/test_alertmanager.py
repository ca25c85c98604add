"""The Alertmanager client: on a real one, which says what an annotation does, and on servers that are none."""

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from cases.errors import PermanentError, SourceDown
from daemon.clock import SystemClock
from signals.alertmanager import Alert, Alertmanager
from tests.daemon.alerts.receivers import Webhook, a_free_port, a_webhook
from tests.parts.alertmanager import RunningAlertmanager, running_alertmanager
from tests.parts.misbehaving import Misbehaving, floods, misbehaving, stalls
from tests.parts.web import says

SECRET = "s3cr3t-token-7f2a"
OURS = {"trackwalker_case": "c1"}
pause = threading.Event().wait


@pytest.fixture(scope="module")
def pager() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


@pytest.fixture(scope="module")
def real(pager: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAlertmanager]:
    with running_alertmanager(tmp_path_factory.mktemp("alertmanager"), pager.url) as running:
        yield running


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with misbehaving() as running:
        yield running


def at(url: str, **more: Any) -> Alertmanager:  # noqa: ANN401 - the settings of a source
    return Alertmanager("pages", url=url, **more)


def now() -> datetime:
    return SystemClock().now().replace(microsecond=0)


def fire(real: RunningAlertmanager, name: str, minutes: float = 4, **labels: str) -> Alert:
    since = now() - timedelta(minutes=5)
    labels = {"alertname": name, "service": "shop", **labels}
    real.fires(labels, {"summary": "errors rose"}, since=since, until=now() + timedelta(minutes=minutes))
    (alert,) = at(real.url).alerts(labels)
    return alert


def again(real: RunningAlertmanager, alert: Alert) -> Alert | None:
    return next((one for one in at(real.url).alerts() if one.fingerprint == alert.fingerprint), None)


def pages(pager: Webhook, name: str) -> list[dict[str, Any]]:
    return [page for page in pager.got if page["groupLabels"]["alertname"] == name]


def until_paged(pager: Webhook, name: str, times: int = 1) -> None:
    for _ in range(200):
        if len(pages(pager, name)) >= times:
            return
        pause(0.02)
    raise AssertionError(f"{name} was paged {len(pages(pager, name))} times")


def test_it_says_what_it_is(real: RunningAlertmanager) -> None:
    assert at(real.url).probe().startswith("Alertmanager 0.")


def test_an_alert_keeps_all_but_its_annotations(real: RunningAlertmanager) -> None:
    before = fire(real, "Kept", team='of "quotes" \\ and ünicode')
    at(real.url).annotate([(before, {**before.annotations, **OURS})])
    after = again(real, before)
    assert after is not None
    assert after.annotations == {"summary": "errors rose", **OURS}
    for part in ("labels", "started", "starts", "ends", "generator", "quiet"):
        assert getattr(after, part) == getattr(before, part)


def test_annotations_page_nobody_a_second_time(real: RunningAlertmanager, pager: Webhook) -> None:
    alert = fire(real, "Once")
    until_paged(pager, "Once")
    for count in range(8):  # over several group intervals
        at(real.url).annotate([(alert, {**alert.annotations, "trackwalker_state": f"state {count}"})])
        pause(0.12)
    assert len(pages(pager, "Once")) == 1
    # the alert ends as before, with the one page that says so
    real.fires(alert.labels, {"summary": "errors rose"}, since=alert.started, until=now() - timedelta(seconds=1))
    assert again(real, alert) is None
    until_paged(pager, "Once", 2)
    assert [page["status"] for page in pages(pager, "Once")] == ["firing", "resolved"]


def test_the_owners_next_post_wipes_what_was_said(real: RunningAlertmanager) -> None:
    alert = fire(real, "Wiped")
    at(real.url).annotate([(alert, {**alert.annotations, **OURS})])
    after = fire(real, "Wiped", minutes=6)
    assert (after.annotations, after.fingerprint) == ({"summary": "errors rose"}, alert.fingerprint)
    assert after.ends > alert.ends, "the owner prolongs it as before"


def test_a_write_that_crosses_the_owners_end_lives_no_longer_than_the_alert_did(real: RunningAlertmanager) -> None:
    alert = fire(real, "Crossed")
    real.fires(alert.labels, {"summary": "errors rose"}, since=alert.started, until=now() - timedelta(seconds=1))
    at(real.url).annotate([(alert, {**alert.annotations, **OURS})])
    back = again(real, alert)
    assert back is not None
    assert back.ends == alert.ends
    real.fires(alert.labels, {"summary": "errors rose"}, since=alert.started, until=now() - timedelta(seconds=1))
    assert again(real, alert) is None, "the owner says again that it is resolved"


def test_a_silenced_alert_is_told_and_left_out_on_demand(real: RunningAlertmanager) -> None:
    alert = fire(real, "Known")
    real.silence("alertname", "Known", now())
    quiet = ""
    for _ in range(100):
        found = again(real, alert)
        quiet = found.quiet if found else ""
        if quiet:
            break
        pause(0.02)
    assert quiet == "silenced"
    assert at(real.url).alerts({"alertname": "Known"}, silenced=False) == ()


def test_what_it_refuses_is_said(real: RunningAlertmanager) -> None:
    alert = fire(real, "Refused")
    with pytest.raises(PermanentError, match=r'^pages: refuses annotations: .*invalid name \\?"bad-name'):
        at(real.url).annotate([(alert, {"bad-name": "x"})])


def test_nobody_there_is_down() -> None:
    nobody = at(f"http://127.0.0.1:{a_free_port()}")
    alert = Alert(fingerprint="f", labels={}, annotations={}, started=now(), starts="", ends="")
    for ask in (nobody.probe, nobody.alerts, lambda: nobody.annotate([(alert, {})])):
        with pytest.raises(SourceDown, match=r"^pages: http://127\.0\.0\.1:\d+ "):
            ask()


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (401, "no", PermanentError, "check its `auth`"),
        (403, "no", PermanentError, "check its `auth`"),
        (404, "no", PermanentError, "no Alertmanager"),
        (200, "<html>", PermanentError, "no Alertmanager"),
        (200, '{"a": 1}', PermanentError, "no Alertmanager"),
        (200, "[" * 100_000, PermanentError, "no Alertmanager"),
        (200, "[1]", SourceDown, "unknown shape"),
        (200, '[{"labels": {}}]', SourceDown, "unknown shape"),
        (503, f"down, {SECRET}", SourceDown, "answered 503 for its alerts: down, …$"),
        (302, "", SourceDown, "answered 302"),
    ],
)
def test_what_else_may_answer(
    server: Misbehaving, status: int, body: str, error: type[Exception], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.behave = says(status, body, "text/plain", Location="http://127.0.0.1:9/")
    headers = {"Authorization": f"Bearer {SECRET}"}
    with caplog.at_level(logging.DEBUG), pytest.raises(error, match=said) as failure:
        at(server.url, headers=headers).alerts()
    assert len(server.asked) == 1
    assert SECRET not in caplog.text + str(failure.value)


@pytest.mark.parametrize("behave", [stalls, floods])
def test_it_is_bounded(server: Misbehaving, behave: Any) -> None:  # noqa: ANN401 - one of two behaviours
    server.behave = behave(server) if behave is stalls else behave
    bounded = at(server.url, timeout=timedelta(seconds=0.2), max_response_bytes=10_000)
    with pytest.raises(SourceDown, match=r"within 0\.2 s|raise max_response_mib"):
        bounded.alerts()


def test_the_credentials_are_sent_to_be_annotated_too() -> None:
    with a_webhook() as webhook:
        webhook.status, webhook.body = 503, f"no {SECRET}".encode()
        base = webhook.url.rpartition("/services")[0]
        alert = Alert(fingerprint="f", labels={"a": "b"}, annotations={}, started=now(), starts="s", ends="e")
        with pytest.raises(SourceDown, match=r"answered 503 for annotations: no …$"):
            at(base, headers={"X-Key": SECRET}).annotate([(alert, OURS)])
        assert webhook.paths == ["/api/v2/alerts"]
        assert webhook.got == [[{"labels": {"a": "b"}, "annotations": OURS, "startsAt": "s", "endsAt": "e"}]]
