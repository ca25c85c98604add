"""Deploys that are told by webhook: over real HTTP, into a real ledger, and read back as markers."""

import hashlib
import hmac
import http.client
import json
import logging
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, func, select

from cases.moments import iso
from config.settings import ApiSettings, WebhookSettings
from daemon.api.proof import Caller, Credential
from daemon.api.routes import Health, routes
from daemon.api.server import serving
from daemon.api.webhooks import LARGEST, DeployWebhooks, Refused
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.tables import deploys
from signals.deploys import ToldMarkers
from tests.parts.nouns import NOW

SHA, OTHER = "a1" * 20, "b2" * 20
KEY = "made-up-key-5512"
TOKEN = "made-up-token-8841"
EPOCH_OF_TIME = NOW - timedelta(days=30)


def marker(kind: str, environment: str = "production", secret: str | None = None) -> WebhookSettings:
    return WebhookSettings.model_validate({"webhook": kind, "environment": environment, "secret": secret})


def sign(body: bytes, key: str = KEY) -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Daemon:
    """The HTTP side of a daemon, its ledger and its clock."""

    url: str
    hooks: DeployWebhooks
    ledger: Ledger
    clock: ManualClock

    def post(self, kind: str, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
        """POST a body (JSON unless it is bytes); underscores in header names are hyphens."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        status, text = ask(self.url, "POST", f"/webhooks/deploys/{kind}", content, named)
        return status, json.loads(text)

    def rows(self) -> int:
        with self.ledger.database.reading() as connection:
            return connection.execute(select(func.count()).select_from(deploys)).scalar_one()

    def markers(self, source: str, environment: str = "production") -> ToldMarkers:
        return ToldMarkers(ledger=self.ledger.deploys, source=source, environment=environment)

    def told(self, source: str = "webhook") -> list[tuple[str, str]]:
        found = self.markers(source).deploys("shop", EPOCH_OF_TIME, NOW + timedelta(days=1))
        return [(deploy.commit, iso(deploy.started)) for deploy in found]


def ask(url: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def a_daemon(folder: Path, *markers: WebhookSettings, token: str | None = None, **more: Any) -> Generator[Daemon]:  # noqa: ANN401 - of DeployWebhooks
    clock = ManualClock(NOW)
    api = ApiSettings.model_validate({"token": token})
    with open_ledger(f"sqlite:///{folder / 'ledger.db'}", clock=clock) as ledger:
        hooks = DeployWebhooks(
            markers=markers, api=api, ledger=ledger.deploys, clock=clock, known=lambda: ("shop", "cart"), **more
        )
        health = Health(stuck=None, blind={}, polled=True, paused="")
        guard = None if api.token is None else Credential(secret=api.token, clock=clock)
        with serving(routes(lambda: health, lambda: b"x 1\n", token=guard, doors=[hooks]), "127.0.0.1:0") as url:
            yield Daemon(url, hooks, ledger, clock)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", KEY)
    monkeypatch.setenv("API_TOKEN", TOKEN)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("daemon")
    with a_daemon(folder, marker("generic"), marker("argocd"), marker("flux")) as daemon:
        yield daemon


@pytest.fixture
def here(kept: Daemon) -> Daemon:
    """A daemon that takes every kind, from this machine, and was told nothing yet."""
    with kept.ledger.database.writing() as connection:
        connection.execute(delete(deploys))
    kept.clock.set(NOW)
    return kept


def generic(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of a message
    return {"service": "shop", "commit": SHA, "started": iso(NOW - timedelta(minutes=1)), **changes}


def argocd(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of a message
    return {
        "app": "shop", "revision": SHA, "sync": "Synced", "health": "Healthy",
        "finishedAt": iso(NOW - timedelta(minutes=1)), **changes,
    }  # fmt: skip


def flux(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of a message
    """An event as notification-controller posts it."""
    return {
        "involvedObject": {
            "kind": "Kustomization", "namespace": "flux-system", "name": "shop", "uid": "8a9", "resourceVersion": "77",
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        },
        "severity": "info",
        "timestamp": iso(NOW - timedelta(minutes=1)),
        "message": "Reconciliation finished in 3.1s, next run in 10m0s",
        "reason": "ReconciliationSucceeded",
        "metadata": {"revision": f"main@sha1:{SHA}", "summary": "the production cluster"},
        "reportingController": "kustomize-controller",
        "reportingInstance": "kustomize-controller-7b6f9",
        **changes,
    }  # fmt: skip


def test_what_is_told_is_a_marker(here: Daemon) -> None:
    at = iso(NOW - timedelta(minutes=1))
    for kind, body, source in (
        ("generic", generic(), "webhook"),
        ("argocd", argocd(), "Argo CD (webhook)"),
        ("flux", flux(), "Flux (webhook)"),
    ):
        status, answer = here.post(kind, body)
        assert (status, answer) == (200, {"stored": True, "service": "shop", "commit": SHA, "started": at})
        assert here.told(source) == [(SHA, at)]
        assert here.markers(source).running("shop", NOW) == (SHA,)
        assert here.markers(source).running("shop", NOW - timedelta(hours=1)) == ()
        assert here.markers(source, "staging").running("shop", NOW) == ()


def test_the_same_message_twice_is_one_row(here: Daemon) -> None:
    for kind, body in (("generic", generic()), ("argocd", argocd()), ("flux", flux())):
        assert here.post(kind, body)[1]["stored"] is True
        before = here.rows()
        here.clock.advance(timedelta(minutes=3))
        status, answer = here.post(kind, body)
        assert (status, answer["stored"], here.rows()) == (200, False, before)


def test_messages_may_come_in_any_order(here: Daemon) -> None:
    for minutes, sha in ((1, OTHER), (9, SHA), (30, OTHER)):
        here.post("generic", generic(commit=sha, started=iso(NOW - timedelta(minutes=minutes))))
    assert [sha for sha, _ in here.told()] == [OTHER, SHA, OTHER]
    assert here.markers("webhook").running("shop", NOW) == (OTHER,)


def test_to_be_told_again_of_what_runs_is_no_deploy(here: Daemon) -> None:
    for minutes, sha in ((9, SHA), (7, SHA), (5, OTHER), (3, OTHER), (1, SHA)):
        here.post("argocd", argocd(revision=sha, finishedAt=iso(NOW - timedelta(minutes=minutes))))
    assert here.rows() == 5
    found = here.markers("Argo CD (webhook)").deploys("shop", NOW - timedelta(minutes=8), NOW)
    assert [(deploy.commit, NOW - deploy.started) for deploy in found] == [
        (OTHER, timedelta(minutes=5)), (SHA, timedelta(minutes=1)),
    ]  # fmt: skip


def test_without_a_time_it_began_when_the_message_came_and_goes_on_until_another_commit_does(here: Daemon) -> None:
    for sha, stored in ((SHA, True), (SHA, False), (SHA[:10], False), (OTHER, True), (SHA, True)):
        here.clock.advance(timedelta(minutes=1))
        status, answer = here.post("generic", {"service": "shop", "commit": sha.upper()})
        assert (status, answer["stored"]) == (200, stored)
    assert [at for _, at in here.told()] == [iso(NOW + timedelta(minutes=m)) for m in (1, 4, 5)]


@pytest.mark.parametrize(
    ("kind", "body", "because"),
    [
        ("argocd", argocd(sync="OutOfSync"), "not synced and healthy"),
        ("argocd", argocd(health="Progressing"), "not synced and healthy"),
        ("argocd", argocd(revision="6.3.5"), "no commit"),
        ("argocd", argocd(revision=""), "no commit"),
        ("flux", flux(severity="error"), "only ReconciliationSucceeded"),
        ("flux", flux(reason="Progressing"), "only ReconciliationSucceeded"),
        ("flux", flux(reason="HealthCheckFailed"), "only ReconciliationSucceeded"),
        ("flux", flux(involvedObject={"kind": "GitRepository", "name": "shop"}), "only events of a Kustomization"),
        ("flux", flux(involvedObject={"kind": "HelmRelease", "name": "shop"}), "only UpgradeSucceeded"),
        ("flux", flux(metadata={"revision": f"latest@sha256:{'0' * 64}"}), "no commit"),
        ("flux", flux(metadata=None), "no commit"),
        ("generic", generic(environment="staging"), "only production is watched"),
    ],
)
def test_only_deployed_and_healthy_counts(here: Daemon, kind: str, body: object, because: str) -> None:
    status, answer = here.post(kind, body)
    assert (status, answer["stored"]) == (200, False)
    assert because in answer["because"]
    assert here.rows() == 0


@pytest.mark.parametrize(
    "metadata",
    [
        {"revision": f"main@sha1:{SHA}"},
        {"revision": f"refs/heads/feature/x@sha1:{SHA}"},
        {"revision": f"main/{SHA}"},
        {"kustomize.toolkit.fluxcd.io/revision": f"sha1:{SHA}"},
        {"revision": f"latest@sha256:{'0' * 64}", "originRevision": f"main@sha1:{SHA}"},
    ],
)
def test_every_spelling_of_fluxs_revision(here: Daemon, metadata: dict[str, str]) -> None:
    assert here.post("flux", flux(metadata=metadata))[1]["commit"] == SHA


def test_a_helm_release_tells_when_its_chart_comes_from_git(here: Daemon) -> None:
    release = {"kind": "HelmRelease", "name": "shop"}
    told = flux(involvedObject=release, reason="UpgradeSucceeded", metadata={"revision": f"0.1.0@sha1:{SHA}"})
    assert here.post("flux", told)[1]["commit"] == SHA


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("generic", generic(service="chart"), "known are: cart, shop"),
        ("generic", generic(commit="main"), "commit: it is no commit"),
        ("generic", generic(commit="abc12"), "commit: it is no commit"),
        ("generic", {"service": "shop"}, "commit: Field required"),
        ("generic", generic(started="yesterday"), "started"),
        ("generic", generic(started="2026-03-01T12:00:00"), "started: Input should have timezone info"),
        ("generic", generic(started=iso(NOW + timedelta(minutes=6))), "in the future"),
        ("generic", generic(started=iso(NOW - timedelta(days=7, minutes=1))), "more than 7 days ago"),
        ("generic", generic(service=["shop"]), "service: Input should be a valid string"),
        ("generic", generic(service="x" * 300), "service"),
        ("generic", [], "Input should be"),
        ("generic", b"", "the body is not JSON"),
        ("generic", b"{", "the body is not JSON"),
        ("generic", b"\xff\xfe", "the body is not JSON"),
        ("generic", b"[" * 100_000, "the body is not JSON"),
        ("generic", b'{"service": "shop", "commit": NaN}', "commit"),
        ("argocd", argocd(app="chart"), "known are: cart, shop"),
        ("argocd", {"message": "deployed"}, "app: Field required"),
        ("flux", flux(timestamp=None), "timestamp"),
        ("flux", {"involvedObject": {"kind": "Kustomization"}}, "involvedObject.name: Field required"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence_and_nothing_is_kept(
    here: Daemon, kind: str, body: object, said: str
) -> None:
    status, answer = here.post(kind, body)
    assert (status, list(answer)) == (422, ["error"])
    assert said in answer["error"]
    assert "\n" not in answer["error"]
    assert here.rows() == 0


def test_a_little_ahead_is_taken(here: Daemon) -> None:
    assert here.post("generic", generic(started=iso(NOW + timedelta(minutes=4))))[0] == 200


def test_the_form_of_a_message(here: Daemon) -> None:
    assert here.post("jenkins", generic())[0] == 404
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": ""}, {"Content-Encoding": "gzip"}):
        assert here.post("generic", generic(), **headers)[0] == 415
    assert here.post("generic", generic(), Content_Type="application/json; charset=utf-8")[0] == 200
    big = json.dumps(generic(note="x" * LARGEST)).encode()
    assert here.post("generic", big) == (413, {"error": "the body is longer than 256 KiB"})
    assert ask(here.url, "GET", "/webhooks/deploys/generic")[0] == 405


def raw_connection(url: str) -> socket.socket:
    return socket.create_connection((urlsplit(url).hostname or "", urlsplit(url).port or 0), timeout=20)


def test_a_body_without_a_length_is_read_no_further_than_it_may_be_long(here: Daemon) -> None:
    with raw_connection(here.url) as raw:
        raw.sendall(
            b"POST /webhooks/deploys/generic HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(5):
            raw.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_who_drips_is_not_waited_for(tmp_path: Path) -> None:
    with (
        a_daemon(tmp_path, marker("generic"), patience=timedelta(milliseconds=50)) as daemon,
        socket.create_connection(
            (urlsplit(daemon.url).hostname or "", urlsplit(daemon.url).port or 0), timeout=20
        ) as raw,
    ):
        raw.sendall(
            b"POST /webhooks/deploys/generic HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 503 ")


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


def test_with_neither_only_this_machine_may_send(here: Daemon) -> None:
    body = json.dumps(generic()).encode()
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
        assert here.hooks.take("generic", Caller(address=address, headers={"host": host}), body)["service"] == "shop"
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
