"""What `trackwalker check` says of the daemon's own doors: secrets of callers, and where links lead."""

import pytest

from daemon.exits import DONE, FOUND
from daemon.preflight.finding import Finding
from daemon.preflight.pages import WHAT, findings
from tests.parts.prometheus import free_port
from tests.parts.settings import some_settings
from tests.parts.site import secrets
from tests.parts.web import says, serving


def found(**more: object) -> dict[str, Finding]:
    return {finding.asked: finding for finding in findings(some_settings("observe", **more))}


def test_a_secret_that_is_missing_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK", raising=False)
    monkeypatch.setenv("ADA", "x")
    forge = {"api_url": "http://127.0.0.1:9/api/v3", "token": "env:TOKEN", "webhook_secret": "env:HOOK"}
    said = found(forge=forge, approvals={"deciders": [{"name": "ada", "token": "env:ADA"}]})
    missing = said["forge.webhook_secret can be read"]
    assert (missing.status, "HOOK" in missing.said) == (FOUND, True)
    assert said["the token of ada can be read"].status == DONE


def test_no_secret_for_the_forges_webhooks_is_said_and_is_no_fault() -> None:
    said = found()["the forge's webhooks are taken"]
    assert (said.status, said.warns) == (DONE, False)
    assert "set forge.webhook_secret" in said.said


def test_a_public_address_that_leads_nowhere_or_elsewhere_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets(monkeypatch)
    api = {"token": "env:API", "public_url": f"http://127.0.0.1:{free_port()}"}
    silent = found(api=api)[WHAT]
    assert (silent.status, silent.warns) == (DONE, True)
    assert "/healthz does not answer (ConnectError); start the daemon, or correct api.public_url" in silent.said
    with serving(says(200, "<p>Welcome</p>")) as elsewhere:
        other = found(api={**api, "public_url": elsewhere})[WHAT]
    assert (other.warns, "answers 200, and not as a daemon does" in other.said) == (True, True)
    with serving(says(200, '{"ok": true}')) as ours:
        right = found(api={**api, "public_url": ours})
    assert (right[WHAT].warns, right[WHAT].status) == (False, DONE)
    assert "people may look" not in right


def test_links_that_nobody_may_follow_or_that_give_a_token_away_are_warned_of() -> None:
    said = found(api={"public_url": "http://watch.invalid"})
    assert said["people may look"].warns
    assert said["a token is safe on its way"].said.endswith("use https")
