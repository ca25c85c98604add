"""Buttons in Slack: only what Slack signed just now, once, and of somebody who may decide, is a decision."""

import hashlib
import hmac
import json
import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from cases.case import Hold
from cases.events import Approved, Gated
from cases.steps import Notice
from cases.telemetry import Severity
from config.load import load
from daemon.alerts.slack_buttons import with_buttons
from daemon.api.deliveries import Deliveries
from daemon.api.routes import Health, routes
from daemon.api.server import serving
from daemon.api.slack_callback import FRESH, Reply, SlackCallback, told_in_slack
from daemon.clock import ManualClock
from daemon.decisions import Decisions
from daemon.ledger.ledger import Ledger, open_ledger
from tests.daemon.alerts.receivers import a_webhook
from tests.parts.nouns import NOW, an_entry, an_opened
from tests.parts.settings import a_document

SECRET = "hush-signing-secret"
NOTICE = Notice(key="a-1-gate", severity=Severity.TICKET, subject="s", text="t", case="a", gate="a-1")


@dataclass
class Desk:
    """A case at its gate, the door that Slack knocks at, and what whoever pressed was told."""

    ledger: Ledger
    clock: ManualClock
    callback: SlackCallback
    told: list[Reply]

    @property
    def case(self) -> Any:  # noqa: ANN401 - shorter to read in the tests
        return self.ledger.cases.load("a")

    def press(self, verdict: str = "approve", user: str = "U1", **more: object) -> bytes:
        buttons = with_buttons(NOTICE)["blocks"][-1]["elements"]
        action = next(one for one in buttons if one["action_id"].endswith(verdict))
        payload = {
            "type": "block_actions", "user": {"id": user, "username": "x", "team_id": "T1"}, "api_app_id": "A1",
            "container": {"type": "message"}, "trigger_id": "1.2", "team": {"id": "T1"}, "channel": {"id": "C1"},
            "actions": [{**action, "block_id": "b", "action_ts": "1.2"}],
            "response_url": "https://hooks.slack.com/actions/T1/1/x", **more,
        }  # fmt: skip
        return urlencode({"payload": json.dumps(payload)}).encode()

    def headers(self, body: bytes, *, secret: str = SECRET, late: timedelta = timedelta(0)) -> dict[str, str]:
        stamp = str(int((self.clock.now() - late).timestamp()))
        digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        form = "application/x-www-form-urlencoded"
        return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}", "content-type": form}

    @contextmanager
    def door(self) -> Generator[httpx.Client]:
        health = Health(stuck=None, blind={}, polled=True, paused="")
        app = routes(lambda: health, lambda: b"", doors=[self.callback])
        with serving(app, "127.0.0.1:0") as url, httpx.Client(base_url=url) as client:
            yield client


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("SIGNING", SECRET)
    receiver = {"name": "chat", "slack_token": "env:TOKEN", "channel": "#oncall", "signing_secret": "env:SIGNING"}
    deciders = [{"name": "ada", "slack": "U1"}]
    document = a_document("observe", alerts={"receivers": [receiver]}, approvals={"deciders": deciders})
    (tmp_path / "trackwalker.yaml").write_text(json.dumps(document))
    clock, told = ManualClock(NOW), list[Reply]()
    settings = load(tmp_path / "trackwalker.yaml")
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=clock) as ledger:
        ledger.cases.open(an_entry(replace(an_opened(), case_id="a")), (), NOW)
        ledger.cases.add("a", an_entry(Gated(reason="observe", gate="a-1")), (), None)
        decisions = Decisions(ledger=ledger, settings=settings, clock=clock, receivers=("chat",))
        pressed = Deliveries(checkpoints=ledger.checkpoints, key="slack:deliveries", kept=3 * FRESH)
        callback = SlackCallback(settings=settings, decisions=decisions, deliveries=pressed, tell=told.append)
        yield Desk(ledger=ledger, clock=clock, callback=callback, told=told)


def test_a_button_of_somebody_who_may_decide_is_their_decision_once(desk: Desk) -> None:
    with desk.door() as client:
        body = desk.press()
        headers = desk.headers(body)
        assert client.post("/webhooks/slack", content=body, headers=headers).status_code == 200
        assert desk.case.hold is Hold.NONE
        assert client.post("/webhooks/slack", content=body, headers=headers).status_code == 409, "a replay"
        desk.clock.advance(timedelta(seconds=2))
        assert client.post("/webhooks/slack", content=body, headers=desk.headers(body)).status_code == 200
    assert [entry.actor for entry in desk.case.history if isinstance(entry.event, Approved)] == ["human:ada"]
    said = [reply.said for reply in desk.told]
    assert said[0] == "Taken: gate a-1: case a goes on."
    assert "nothing changed" in said[1]
    assert desk.told[0].url == "https://hooks.slack.com/actions/T1/1/x"


def test_what_slack_did_not_sign_just_now_moves_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    body = desk.press()
    good = desk.headers(body)
    forged = [
        (401, desk.headers(body, secret="guess"), body),
        (401, good, desk.press("reject")),
        (401, {**good, "x-slack-request-timestamp": "1"}, body),
        (401, {**good, "x-slack-request-timestamp": "now"}, body),
        (401, {**good, "x-slack-signature": ""}, body),
        (401, {"content-type": good["content-type"]}, body),
        (401, desk.headers(body, late=timedelta(minutes=6)), body),
        (401, desk.headers(body, late=timedelta(minutes=-6)), body),
        (415, {**good, "content-type": "application/json"}, body),
    ]
    with caplog.at_level(logging.DEBUG), desk.door() as client:
        for status, headers, content in forged:
            answer = client.post("/webhooks/slack", content=content, headers=headers)
            assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    assert desk.case.hold is Hold.GATE
    assert desk.told == []
    assert SECRET not in caplog.text
    assert caplog.text.count("was refused with") == len(forged)


def test_a_strangers_button_decides_nothing_and_they_are_told_so(desk: Desk) -> None:
    body = desk.press(user="U666")
    with desk.door() as client:
        assert client.post("/webhooks/slack", content=body, headers=desk.headers(body)).status_code == 200
    assert desk.case.hold is Hold.GATE
    assert desk.told[0].said.startswith("Not taken: nobody of that id may decide")
    (line,) = [line for line in desk.ledger.audit.listed() if line.action == "lever.refused"]
    assert line.actor == "slack:U666"


@pytest.mark.parametrize(
    "content",
    [
        b"payload=%7B%7D", b"payload=[", b"x=1", b"", b"\xff\xfe=1", urlencode({"payload": "[" * 9999}).encode(),
        urlencode({"payload": json.dumps({"type": "view_submission", "user": {"id": "U1"}})}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_press_of_a_button_is_refused(desk: Desk, content: bytes) -> None:
    with desk.door() as client:
        answer = client.post("/webhooks/slack", content=content, headers=desk.headers(content))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/", "https://hooks.slack.com.evil.example/", "file:///etc", "x["]
)
def test_answers_go_to_slack_and_nowhere_else(desk: Desk, url: str) -> None:
    body = desk.press(response_url=url)
    with desk.door() as client:
        client.post("/webhooks/slack", content=body, headers=desk.headers(body))
    assert [reply.url for reply in desk.told] == [""]


def test_who_pressed_is_told_and_nobody_else() -> None:
    with a_webhook() as there:
        told_in_slack(Reply(url=there.url, said="Taken: <!channel> goes on."))
        told_in_slack(Reply(url="", said="nobody hears this"))
        there.status = 404
        told_in_slack(Reply(url=there.url, said="too late"))
    assert there.got[0] == {
        "response_type": "ephemeral", "replace_original": False, "text": "Taken: &lt;!channel&gt; goes on."
    }  # fmt: skip
    assert len(there.got) == 2
