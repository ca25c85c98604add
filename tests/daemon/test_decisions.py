"""Decisions of humans: validated, taken once, refused with the reason, whoever brings them and however."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from cases.case import Hold, Phase
from cases.events import Approved, Escalated, Gated
from cases.steps import SendNotice
from config.load import load
from daemon.api.decisions import DecisionDoor
from daemon.api.logins import Logins
from daemon.api.proof import Credential
from daemon.api.routes import Health, routes
from daemon.api.server import serving
from daemon.clock import ManualClock
from daemon.decisions import Decided, Decision, Decisions, Refused, Verdict, parsed
from daemon.ledger.ledger import Ledger
from daemon.main import trackwalker
from tests.parts.nouns import NOW, an_entry, an_opened
from tests.parts.settings import a_document
from tests.parts.stores import Place, on_both

ADA = "human:ada"
YES = Decision(of="a-1", verdict=Verdict.APPROVE, by=ADA)
NO = Decision(of="a-1", verdict=Verdict.REJECT, by=ADA, reason="not now")


@dataclass
class Desk:
    ledger: Ledger
    decisions: Decisions
    config: Path

    def hold(self) -> Hold:
        return self.ledger.cases.load("a").hold

    def refusals(self) -> list[str]:
        return [line.detail["because"] for line in self.ledger.audit.listed() if line.action == "lever.refused"]

    @contextmanager
    def door(self) -> Generator[httpx.Client]:
        settings = self.decisions.settings
        assert settings.api.token is not None
        token = Credential(secret=settings.api.token, clock=self.decisions.clock)
        logins = Logins(settings=settings, clock=self.decisions.clock)
        door = DecisionDoor(settings=settings, decisions=self.decisions, logins=logins)
        health = Health(stuck=None, blind={}, polled=True, paused="")
        app = routes(lambda: health, lambda: b"", token=token, doors=[door])
        with serving(app, "127.0.0.1:0") as url, httpx.Client(base_url=url) as client:
            yield client


@pytest.fixture
def desk(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("API", "all-of-it")
    monkeypatch.setenv("ADA", "adas-own")
    monkeypatch.setenv("STORE", place.password() if place.password else "none")
    config = tmp_path / "trackwalker.yaml"
    deciders = [{"name": "ada", "slack": "U1", "token": "env:ADA"}, {"name": "bob", "slack": "U2"}]
    store = (
        {"store": place.url, "store_password": "env:STORE", "home": str(tmp_path)}
        if place.password
        else {"store": place.url}
    )
    document = a_document("observe", **store, approvals={"deciders": deciders}, api={"token": "env:API"})
    config.write_text(json.dumps(document))
    clock = ManualClock(NOW)
    with place.opened(clock=clock) as ledger:
        event = replace(an_opened(), case_id="a", fingerprint="print of a")
        ledger.cases.open(an_entry(event), (), NOW)
        ledger.cases.add("a", an_entry(Gated(reason="observe", gate="a-1"), 1), (), None)
        decisions = Decisions(ledger=ledger, settings=load(config), clock=clock, receivers=("log",))
        yield Desk(ledger=ledger, decisions=decisions, config=config)


@on_both
def test_a_yes_lets_the_case_go_on_once_and_the_receivers_hear_of_it(desk: Desk) -> None:
    first, again = desk.decisions.take(YES), desk.decisions.take(YES)
    assert (first.repeated, again.repeated) == (False, True)
    assert "approved by human:ada" in again.said
    history = desk.ledger.cases.load("a").history
    assert [entry.actor for entry in history if isinstance(entry.event, Approved)] == [ADA]
    told = [intent.effect for intent in desk.ledger.outbox.notices(NOW)]
    assert [notice.notice.subject for notice in told if isinstance(notice, SendNotice)] == ["shop: approved by ada"]


@pytest.mark.parametrize("gate", ["a-portfolio", "a-1-analysis"])
def test_the_gates_of_an_experiment_are_found_by_their_names(desk: Desk, gate: str) -> None:
    desk.decisions.take(YES)
    desk.ledger.cases.add("a", an_entry(Gated(reason="an experiment", gate=gate), 2), (), None)
    assert desk.decisions.take(replace(YES, of=gate)).said == f"gate {gate}: case a goes on"


@on_both
def test_a_no_closes_the_case_and_is_final(desk: Desk) -> None:
    assert desk.decisions.take(NO).said == "gate a-1: case a is closed"
    assert desk.ledger.cases.load("a").phase is Phase.CLOSED
    assert desk.decisions.take(NO).repeated
    with pytest.raises(Refused, match="gate a-1 was rejected by human:ada at 2026-"):
        desk.decisions.take(replace(YES, by="human:bob"))


@pytest.mark.parametrize(
    ("of", "why"),
    [
        ("a-2", "does not wait at gate a-2: it is open; it waits at gate a-1"),
        ("b", "there is no case b"),
        ("b-1", "there is no gate, escalation or case b-1"),
        ("../../etc/passwd\x1b[2J", "there is no case ../../etc/passwd [2J"),
    ],
)
def test_what_does_not_wait_cannot_be_decided_and_that_is_kept(desk: Desk, of: str, why: str) -> None:
    with pytest.raises(Refused) as refusal:
        desk.decisions.take(replace(YES, of=of))
    assert why in str(refusal.value)
    assert "\x1b" not in str(refusal.value)
    assert [str(refusal.value)] == desk.refusals()
    assert desk.hold() is Hold.GATE


def test_an_acknowledgement_decides_nothing(desk: Desk) -> None:
    seen = replace(YES, of="a", verdict=Verdict.ACKNOWLEDGE)
    assert desk.decisions.take(seen) == Decided(
        of="a-1", case="a", verdict=Verdict.ACKNOWLEDGE, repeated=False, said="a-1 is not told again"
    )
    assert desk.decisions.take(seen).said == "a-1 was acknowledged by human:ada before"
    assert desk.hold() is Hold.GATE
    desk.ledger.cases.add("a", an_entry(Escalated(reason="x"), 2), (), None)


BAD = [
    (b"yes", "it is no decision"),
    (b'{"decision": "approve"}', "gate: Field required"),
    (b'{"decision": "merge", "gate": "a-1"}', "decision: Input should be 'approve', 'reject' or 'acknowledge'"),
    (b'{"decision": "approve", "gate": "a-1", "authority": "auto"}', "authority: Extra inputs are not permitted"),
    (b'{"decision": "approve", "gate": "a-1", "by": "ada"}', "by: Extra inputs are not permitted"),
    (b'{"decision": "approve", "gate": "a 1; rm"}', "gate: String should match pattern"),
    (b'{"decision": "approve", "gate": ["a-1"]}', "gate: Input should be a valid string"),
    (b"[" * 70_000, "longer than 64 KiB"),
]


@pytest.mark.parametrize(("text", "why"), BAD)
def test_a_document_that_is_no_decision_is_refused_with_what_is_wrong(text: bytes, why: str) -> None:
    with pytest.raises(Refused) as refusal:
        parsed(text, ADA)
    assert why in str(refusal.value)
    assert "; rm" not in str(refusal.value)


def test_a_no_without_a_reason_is_refused(desk: Desk) -> None:
    with pytest.raises(Refused, match="a no needs a reason"):
        desk.decisions.take(replace(NO, reason=" "))
    assert desk.hold() is Hold.GATE


def run(desk: Desk, *words: str, given: str = "", status: int = 0) -> Any:  # noqa: ANN401 - a document
    outcome = CliRunner().invoke(trackwalker, [*words, "--config", str(desk.config), "--json"], input=given)
    assert outcome.exit_code == status, outcome.output + repr(outcome.exception)
    return json.loads(outcome.stdout)


@on_both
def test_the_command_line_lists_acknowledges_and_decides(desk: Desk) -> None:
    (one,) = run(desk, "escalations")["escalations"]
    assert (one["id"], one["asks"], one["urgency"], one["seen_by"]) == ("a-1", "yes", "hour", None)
    assert (one["owners"], one["reason"], one["deadline"]) == ([], "observe", "2026-03-04T06:07:07Z")
    outcome = CliRunner().invoke(trackwalker, ["escalations", "ack", "a", "--config", str(desk.config)])
    assert outcome.output == "a-1 is not told again\n"
    (one,) = run(desk, "escalations")["escalations"]
    assert one["seen_by"].startswith("human:")
    assert run(desk, "approve", "a")["said"] == "gate a-1: case a goes on"
    assert run(desk, "approve", "a-1")["repeated"] is True
    assert run(desk, "escalations")["escalations"] == []


def test_a_decision_file_is_taken_and_a_bad_one_beside_it_refused(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "decision.json"
    file.write_text('{"decision": "reject", "gate": "a-1", "reason": "too risky"}')
    bad = '{"decision": "approve", "gate": "zz-1"}'
    said = run(desk, "decide", str(file), "-", given=bad, status=1)
    assert [one["taken"] for one in said["decisions"]] == [True, False]
    assert "there is no gate" in said["decisions"][1]["said"]
    assert run(desk, "decide", str(file))["decisions"][0]["repeated"] is True
    outcome = desk.ledger.cases.load("a").outcome
    assert outcome is not None
    assert outcome.because == "too risky"


def test_the_api_knows_who_decides_by_their_token_and_nobody_else(desk: Desk) -> None:
    body = {"decision": "approve", "gate": "a-1"}
    with desk.door() as client:
        for header in ({}, {"Authorization": "Bearer guess"}):
            assert client.post("/api/v1/decisions", json=body, headers=header).status_code == 401
            assert client.get("/api/v1/escalations", headers=header).status_code == 401
        assert desk.hold() is Hold.GATE
        ada = {"Authorization": "Bearer adas-own"}
        (one,) = client.get("/api/v1/escalations", headers=ada).json()["escalations"]
        assert (one["id"], one["age"]) == ("a-1", -60)
        refused = client.post("/api/v1/decisions", json={**body, "by": "boss"}, headers=ada)
        assert (refused.status_code, refused.json()["taken"]) == (422, False)
        assert client.post("/api/v1/decisions", json=body, headers=ada).json()["repeated"] is False
        assert client.post("/api/v1/decisions", json=body, headers=ada).json()["repeated"] is True
        contrary = {"decision": "reject", "gate": "a-1", "reason": "no"}
        answer = client.post("/api/v1/decisions", json=contrary, headers={"Authorization": "Bearer all-of-it"})
        assert (answer.status_code, answer.json()["error"][:36]) == (409, "gate a-1 was approved by human:ada a")
        assert client.get("/metrics", headers=ada).status_code == 401, "a decider's token opens nothing else"
    assert [line.actor for line in desk.ledger.audit.listed() if line.action == "lever.refused"] == ["api"]
