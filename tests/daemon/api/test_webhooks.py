"""Deploys that are told by webhook: over real HTTP, into a real ledger, and read back as markers."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete

from cases.moments import iso
from daemon.api.webhooks import LARGEST
from daemon.ledger.tables import deploys
from tests.daemon.api.told_deploys import OTHER, SHA, Daemon, a_daemon, argocd, ask, flux, generic, marker
from tests.parts.nouns import NOW


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
