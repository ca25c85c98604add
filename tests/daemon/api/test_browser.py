"""Pages for humans and their forms: who may look, what is taken, and what is refused without a trace in the case."""

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from openapi_schema_validator import OAS31Validator

from cases.case import Hold
from cases.events import Approved, Gated, Redrafted
from daemon.api.sessions import LASTS
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger
from remediation.header import header
from tests.parts.nouns import NOW, a_change, an_entry
from tests.parts.prometheus import free_port
from tests.parts.site import ADAS, CASE, GATE, TOKEN, Site, secrets, site, tell
from tests.parts.stores import Place, on_both
from tests.remediation.test_pull_request_text import a_story

PAGES = ("/", "/inbox", "/oversight", "/lessons", f"/cases/{CASE}", f"/cases/{CASE}/picture.png")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def ledger(place: Place, clock: ManualClock) -> Iterator[Ledger]:
    with place.opened(clock=clock) as opened:
        yield opened


@pytest.fixture
def there(ledger: Ledger, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    secrets(monkeypatch)
    tell(ledger)
    with site(ledger, clock) as made:
        yield made


def waits(it: Site) -> bool:
    return it.ledger.cases.load(CASE).hold is Hold.GATE


def test_a_stranger_sees_a_login_and_nothing_else(there: Site) -> None:
    with there.visitor() as client:
        for path in PAGES:
            answer = client.get(path)
            assert answer.status_code == 401
            assert "shop" not in answer.text
            assert 'name="token"' in answer.text
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert client.get("/metrics").status_code == 401
        assert client.get("/inboxes").status_code == 404
        for path in ("/api/v1/cases", f"/api/v1/cases/{CASE}", "/api/v1/oversight"):
            assert client.get(path).status_code == 401


def test_a_token_becomes_a_session_that_a_script_cannot_read_and_that_ends(there: Site) -> None:
    with there.visitor() as client:
        wrong = client.post("/login", data={"token": "guess"}, headers=there.origin)
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
        right = client.post("/login", data={"token": ADAS, "back": f"/cases/{CASE}"}, headers=there.origin)
        assert (right.status_code, right.headers["location"]) == (303, f"./cases/{CASE}")
        kept = right.headers["set-cookie"].lower()
        assert all(part in kept for part in ("httponly", "samesite=strict", "path=/", "max-age=14400"))
        assert ADAS not in kept
        for path in PAGES:
            assert client.get(path).status_code == 200
        there.clock.advance(LASTS)
        over = client.get(f"/cases/{CASE}")
        assert (over.status_code, "Your session is over" in over.text) == (401, True)


def test_the_link_in_a_pull_request_opens_its_case(
    ledger: Ledger, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets(monkeypatch)
    tell(ledger)
    address = f"127.0.0.1:{free_port()}"
    public = {"token": "env:API", "public_url": f"http://{address}/"}
    with site(ledger, clock, listen=address, api=public) as it, it.as_(TOKEN) as client:
        told = header(replace(a_story(), page=it.settings.api.case_page(CASE)))[7]
        link = told.partition("[All evidence](")[2].partition(")")[0]
        assert link == f"http://{address}/cases/{CASE}"
        assert f"Case {CASE}" in client.get(link).text
        assert it.settings.api.case_page("") == ""


def test_a_login_leads_nowhere_else(there: Site) -> None:
    with there.visitor() as client:
        for back in ("https://evil.example/", "//evil.example", "/\\evil.example", "/cases/../..", "javascript:1"):
            answer = client.post("/login", data={"token": ADAS, "back": back}, headers=there.origin)
            assert answer.headers["location"] == "./"


@on_both
def test_the_case_is_told_with_its_evidence_its_proof_and_what_is_asked(there: Site) -> None:
    with there.as_(ADAS) as client:
        page = client.get(f"/cases/{CASE}").text
        for text in (
            "errors read 0.31", "c0ffee00c0", "Round discounts", "Revert “Round discounts”",
            '<span class="minus">-a</span>',
            "Reproduction", "exit 1", "proved", "shop/errors goes down, from 0.31 to about 0.01, within 30m",
            "authority is observe", "nothing is done without a yes", "still out of its band",
            "Opened", f"{CASE}-1-plot",            "no language model was asked",
        ):  # fmt: skip
            assert text in page, text
        assert client.get(f"/cases/{CASE}/picture.png").content.startswith(b"\x89PNG")
        inbox = client.get("/inbox").text
        assert "1 waits for a human: 1 for a yes or a no" in inbox
        assert f'href="./cases/{CASE}"' in inbox


def test_a_yes_in_the_browser_is_taken_once_in_the_name_of_its_login(there: Site) -> None:
    with there.as_(ADAS) as client:
        fields = {**there.form(client), "decision": "approve", "reason": "it is small"}
        first = client.post("/decisions", data=fields, headers=there.origin)
        assert (first.status_code, first.headers["location"]) == (303, f"./cases/{CASE}?said=taken")
        before = there.events()
        assert before[-1] == "Approved by human:ada"
        assert there.ledger.cases.load(CASE).history[-1].event == Approved(because="it is small", gate=GATE)
        again = client.post("/decisions", data=fields, headers=there.origin)
        assert again.headers["location"] == f"./cases/{CASE}?said=repeated"
        contrary = client.post("/decisions", data={**fields, "decision": "reject"}, headers=there.origin)
        assert (contrary.status_code, "was approved by human:ada" in contrary.text) == (409, True)
        assert there.events() == before
        assert "It had been answered so before" in client.get(f"/cases/{CASE}?said=repeated").text


def test_a_no_needs_a_reason_and_closes_the_case_and_seeing_it_decides_nothing(there: Site) -> None:
    with there.as_(TOKEN) as client:
        fields = there.form(client)
        bare = client.post("/decisions", data={**fields, "decision": "reject"}, headers=there.origin)
        assert (bare.status_code, "A no needs a reason" in bare.text) == (409, True)
        seen = client.post("/decisions", data={**fields, "decision": "acknowledge"}, headers=there.origin)
        assert (seen.status_code, waits(there), there.events()[-1]) == (303, True, "Acknowledged by api")
        no = {**fields, "decision": "reject", "reason": "not now"}
        assert client.post("/decisions", data=no, headers=there.origin).status_code == 303
        assert there.events()[-2:] == ["Rejected by api", "Closed by api"]
        assert "Outcome: dismissed" in client.get(f"/cases/{CASE}").text


def test_a_page_that_is_older_than_the_question_answers_nothing(there: Site) -> None:
    with there.as_(ADAS) as client:
        old = {**there.form(client), "decision": "approve"}
        cases = there.ledger.cases
        cases.add(CASE, an_entry(Approved(because="yes", gate=GATE), 1), (), None)
        cases.add(CASE, an_entry(Redrafted(change=replace(a_change(), title="Another"), because="moved"), 2), (), None)
        cases.add(CASE, an_entry(Gated(reason="again", gate=GATE), 3), (), None)
        stale = client.post("/decisions", data=old, headers=there.origin)
        assert (stale.status_code, "was asked anew" in stale.text, waits(there)) == (409, True, True)
        fresh = {**there.form(client), "decision": "approve"}
        assert client.post("/decisions", data=fresh, headers=there.origin).status_code == 303


def test_a_deadline_that_is_over_is_said_and_a_yes_still_counts(there: Site) -> None:
    there.clock.advance(timedelta(hours=1, minutes=5))
    with there.as_(ADAS) as client:
        page = client.get(f"/cases/{CASE}").text
        assert "The deadline is over since 2026-03-04T06:06:07Z: nothing is done without a yes" in page
        assert "past for 5 min" in client.get("/inbox").text
        fields = {**there.form(client), "decision": "approve"}
        assert client.post("/decisions", data=fields, headers=there.origin).status_code == 303


BAD: dict[str, tuple[dict[str, str], dict[str, str | list[str]], int]] = {
    "a foreign origin": ({"Origin": "https://evil.example"}, {}, 403),
    "no origin": ({"Origin": ""}, {}, 403),
    "an origin of nobody": ({"Origin": "null"}, {}, 403),
    "sent from elsewhere": ({"Sec-Fetch-Site": "cross-site"}, {}, 403),
    "a name that was made to point here": ({"Host": "evil.example"}, {}, 403),
    "no token of a form": ({}, {"form": ""}, 403),
    "a forged one": ({}, {"form": "0" * 64}, 403),
    "no session": ({"Cookie": ""}, {}, 401),
    "a forged session": ({"Cookie": "trackwalker=WyJodW1hbjphZGEiLCA5OTk5OTk5OTk5LCAiYSJd.00"}, {}, 401),
    "an unknown gate": ({}, {"gate": "cafe-1"}, 404),
    "a gate of that case that is not": ({}, {"gate": f"{CASE}-9"}, 409),
    "no gate at all": ({}, {"gate": "<script>"}, 422),
    "no moment": ({}, {"asked": "yesterday"}, 422),
    "no decision": ({}, {"decision": "merge"}, 422),
    "a field twice": ({}, {"gate": [GATE, GATE]}, 422),
    "no form": ({"Content-Type": "application/json"}, {}, 415),
    "too much": ({}, {"reason": "x" * 70_000}, 413),
    "a longer reason than is kept": ({}, {"reason": "x" * 1001}, 422),
}


def test_what_is_no_answer_of_theirs_is_refused_logged_and_changes_nothing(
    there: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with there.as_(ADAS) as client, caplog.at_level(logging.WARNING):
        good = {**there.form(client), "decision": "approve"}
        before = there.events()
        for what, (headers, fields, status) in BAD.items():
            caplog.clear()
            answer = client.post("/decisions", data={**good, **fields}, headers={**there.origin, **headers})
            assert answer.status_code == status, what
            assert "<h1>" in answer.text
            assert "<script" not in answer.text
            assert there.events() == before, what
            assert any(f"is answered with {status}" in record.getMessage() for record in caplog.records), what
            assert ADAS not in caplog.text
        assert waits(there)
        assert client.post("/decisions", data=good, headers=there.origin).status_code == 303


def test_a_form_that_does_not_arrive_is_not_waited_for(
    ledger: Ledger, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets(monkeypatch)
    with site(ledger, clock, patience=timedelta(seconds=0.1)) as it:
        host = it.url.removeprefix("http://")
        head = f"POST /login HTTP/1.1\r\nHost: {host}\r\nOrigin: {it.url}\r\nContent-Length: 40\r\n"
        name, _, port = host.partition(":")
        with socket.create_connection((name, int(port)), timeout=10) as wire:
            wire.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\ntoken=".encode())
            assert wire.recv(4096).startswith(b"HTTP/1.1 408")


def test_the_form_of_one_session_is_none_of_another(there: Site) -> None:
    with there.as_(ADAS) as ada, there.as_(TOKEN) as other:
        fields = {**there.form(ada), "decision": "approve"}
        assert other.post("/decisions", data=fields, headers=there.origin).status_code == 403
        assert waits(there)


def test_a_session_that_was_ended_is_no_session_any_more(there: Site) -> None:
    with there.as_(ADAS) as client:
        kept = {"Cookie": f"trackwalker={client.cookies['trackwalker']}"}
        form = there.form(client)["form"]
        assert client.post("/logout", data={"form": "0"}, headers=there.origin).status_code == 403
        assert client.post("/logout", data={"form": form}, headers=there.origin).status_code == 303
        with there.visitor() as thief:
            assert thief.get("/inbox", headers=kept).status_code == 401


def test_a_session_ends_with_its_token(there: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with there.as_(ADAS) as client:
        monkeypatch.setenv("ADA", "another")
        there.clock.advance(timedelta(seconds=6))  # a secret is read again after five
        assert client.get("/inbox").status_code == 401


def test_what_is_not_there_is_said(there: Site) -> None:
    with there.as_(ADAS) as client:
        for path in ("/cases/cafe", "/cases/%3Cscript%3E", "/cases/cafe/picture.png"):
            answer = client.get(path)
            assert (answer.status_code, "<script" in answer.text) == (404, False)


def test_without_tokens_this_machine_looks_and_decides_at_its_command_line(
    ledger: Ledger, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets(monkeypatch)
    tell(ledger)
    with site(ledger, clock, api={}, approvals={}) as it, it.visitor() as client:
        page = client.get(f"/cases/{CASE}")
        assert page.status_code == 200
        assert "To answer here, set api.token" in page.text
        assert f"trackwalker approve {GATE}" in page.text
        answer = client.post("/decisions", data={"decision": "approve", "gate": GATE}, headers=it.origin)
        assert (answer.status_code, waits(it)) == (401, True)
        assert client.get("/", headers={"Host": "rebound.example"}).status_code == 403
        assert client.get("/", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
        assert client.get("/api/v1/oversight").status_code == 200


def test_behind_https_no_other_host_can_set_its_cookie(
    ledger: Ledger, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets(monkeypatch)
    public = {"token": "env:API", "public_url": "https://watch.example"}
    headers = {"Host": "watch.example", "Origin": "https://watch.example"}
    with site(ledger, clock, api=public) as it, it.visitor() as client:
        kept = client.post("/login", data={"token": TOKEN}, headers=headers).headers["set-cookie"]
        assert kept.startswith("__Host-trackwalker=")
        assert "Secure" in kept


def test_the_documents_are_those_of_the_pages(there: Site) -> None:
    bearer = {"Authorization": f"Bearer {ADAS}"}
    with there.visitor() as client:
        (one,) = client.get("/api/v1/cases", headers=bearer).json()
        whole = client.get(f"/api/v1/cases/{CASE}", headers=bearer).json()
        assert {key: whole[key] for key in one} == one
        assert [line["what"] for line in whole["history"]][-1] == "Gated"
        assert client.get("/api/v1/cases/cafe", headers=bearer).status_code == 404
        seen = client.get("/api/v1/oversight", headers=bearer).json()
        assert (len(seen["open"]), seen["phases"], seen["at"]) == (1, {"proved": 1}, "2026-03-04T05:06:07Z")
        assert isinstance(client, httpx.Client)
        assert NOW.isoformat().startswith(seen["at"][:19])


def test_what_programs_are_told_is_what_the_api_is_described_by(there: Site) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    with there.visitor() as client:
        described = client.get("/api/v1/openapi.json", headers=bearer).json()
        for path in ("/api/v1/cases", f"/api/v1/cases/{CASE}", "/api/v1/oversight", "/api/v1/cases/cafe"):
            named = "/api/v1/cases/{case}" if path.startswith("/api/v1/cases/") else path
            for headers in (bearer, {}):
                answer = client.get(path, headers=headers)
                said = described["paths"][named]["get"]["responses"][str(answer.status_code)]
                OAS31Validator(said["content"]["application/json"]["schema"]).validate(answer.json())
