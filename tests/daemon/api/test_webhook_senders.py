"""Who may tell of a deploy by webhook: by a secret, by the API's token, or from this machine alone."""

import hashlib
import hmac
import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.api.proof import Caller
from daemon.api.webhooks import Refused
from tests.daemon.api.told_deploys import SHA, a_daemon, argocd, flux, generic, marker
from tests.parts.nouns import NOW

KEY = "made-up-key-5512"
TOKEN = "made-up-token-8841"


def sign(body: bytes, key: str = KEY) -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", KEY)
    monkeypatch.setenv("API_TOKEN", TOKEN)


def test_a_secret_is_asked_of_everybody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = json.dumps(generic()).encode()
    event = json.dumps(flux()).encode()
    with a_daemon(
        tmp_path, *(marker(kind, secret="env:KEY") for kind in ("generic", "argocd", "flux")), token="env:API_TOKEN"
    ) as daemon:
        for kind, content, headers in (
            ("generic", body, {}),
            ("generic", body, {"X-Hub-Signature-256": sign(body, "another key")}),
            ("generic", body, {"X-Hub-Signature-256": sign(b"another body")}),
            ("generic", body, {"X-Hub-Signature-256": sign(body).removeprefix("sha256=")}),
            ("generic", body, {"X-Hub-Signature-256": "sha256=\xe9"}),
            ("generic", body, {"X-Signature": sign(body)}),
            ("generic", body, {"Authorization": f"Bearer {TOKEN}"}),  # the marker's own secret counts, no other
            ("flux", event, {"X-Signature": sign(event).replace("sha256", "sha1")}),
            ("argocd", argocd(), {"Authorization": f"Bearer {TOKEN}"}),
            ("argocd", argocd(), {"Authorization": f"Basic {KEY}"}),
            ("argocd", argocd(), {"Authorization": "Bearer "}),
        ):
            status, answer = daemon.post(kind, content, **headers)
            assert (status, daemon.rows()) == (401, 0), headers
            assert "not proved" in answer["error"]
        assert daemon.post("generic", body, X_Hub_Signature_256=sign(body))[0] == 200
        assert daemon.post("flux", event, X_Signature=sign(event))[0] == 200
        assert daemon.post("argocd", argocd(), Authorization=f"Bearer {KEY}")[0] == 200
        assert daemon.rows() == 3
    assert "webhook told: shop runs a1a1a1a1a1a1 in production since" in caplog.text
    assert not any(secret in caplog.text for secret in (KEY, TOKEN, sign(body)))


def test_without_a_secret_the_api_token_does_it(tmp_path: Path) -> None:
    with a_daemon(tmp_path, marker("generic"), token="env:API_TOKEN") as daemon:
        assert daemon.post("generic", generic())[0] == 401
        assert daemon.post("generic", generic(), Authorization=f"Bearer {TOKEN}")[0] == 200


def test_with_neither_only_this_machine_may_send(tmp_path: Path) -> None:
    body = json.dumps(generic()).encode()
    with a_daemon(tmp_path, marker("generic")) as here:
        for address, headers in (
            ("203.0.113.7", {"host": "127.0.0.1:8040"}),
            ("127.0.0.1", {"host": "127.0.0.1:8040", "x-forwarded-for": "127.0.0.1"}),  # a proxy speaks for somebody
            ("127.0.0.1", {"host": "127.0.0.1:8040", "origin": "http://evil.example"}),  # a page in a browser
            ("127.0.0.1", {"host": "rebound.example:8040"}),
            ("", {"host": "127.0.0.1:8040"}),
        ):
            with pytest.raises(Refused, match="only this machine may send") as refused:
                here.hooks.take("generic", Caller(address=address, headers=headers), body)
            assert refused.value.status == 403
        assert here.rows() == 0
        for address, host in (("127.0.0.1", "localhost:8040"), ("::1", "[::1]:8040"), ("127.0.0.1", "127.0.0.1")):
            assert (
                here.hooks.take("generic", Caller(address=address, headers={"host": host}), body)["service"] == "shop"
            )
        assert here.post("generic", generic(), X_Forwarded_For="127.0.0.1")[0] == 403


def test_two_environments_are_told_apart_by_secret_or_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_KEY", "made-up-key-9999")
    markers = (marker("generic", secret="env:KEY"), marker("generic", "staging", "env:STAGING_KEY"))
    with a_daemon(tmp_path, *markers) as daemon:
        body = json.dumps(generic()).encode()
        assert daemon.post("generic", body, X_Hub_Signature_256=sign(body, "made-up-key-9999"))[0] == 200
        assert daemon.told() == []
        assert daemon.markers("webhook", "staging").running("shop", NOW) == (SHA,)
        forged = json.dumps(generic(environment="production")).encode()
        answer = daemon.post("generic", forged, X_Hub_Signature_256=sign(forged, "made-up-key-9999"))
        assert answer == (200, {"stored": False, "because": "only staging is watched"})


def test_one_secret_for_two_environments_needs_the_name(tmp_path: Path) -> None:
    with a_daemon(tmp_path, marker("generic"), marker("generic", "staging")) as daemon:
        status, answer = daemon.post("generic", generic())
        assert (status, answer["error"]) == (
            422,
            "it names no environment; add environment: one of production, staging",
        )
        assert daemon.post("generic", generic(environment="staging"))[0] == 200


def test_a_secret_that_is_not_there_is_our_fault_and_said_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("KEY")
    body = json.dumps(generic()).encode()
    with a_daemon(tmp_path, marker("generic", secret="env:KEY")) as daemon:
        status, answer = daemon.post("generic", body, X_Hub_Signature_256=sign(body))
    assert (status, answer) == (503, {"error": "the sender cannot be checked now; the log has the reason"})
    assert "the environment variable KEY is not set" in caplog.text


def test_a_new_secret_is_seen_after_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(generic()).encode()
    with a_daemon(tmp_path, marker("generic", secret="env:KEY")) as daemon:
        assert daemon.post("generic", body, X_Hub_Signature_256=sign(body))[0] == 200
        monkeypatch.setenv("KEY", "made-up-key-7777")
        daemon.clock.advance(timedelta(seconds=6))
        assert daemon.post("generic", body, X_Hub_Signature_256=sign(body))[0] == 401
        assert daemon.post("generic", body, X_Hub_Signature_256=sign(body, "made-up-key-7777"))[0] == 200
