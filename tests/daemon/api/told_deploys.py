"""The HTTP side of a daemon that is told of deploys, and the messages that tell it."""

import http.client
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select

from cases.moments import iso
from config.settings import ApiSettings, WebhookSettings
from daemon.api.proof import Credential
from daemon.api.routes import Health, routes
from daemon.api.server import serving
from daemon.api.webhooks import DeployWebhooks
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.tables import deploys
from signals.deploys import ToldMarkers
from tests.parts.nouns import NOW

SHA, OTHER = "a1" * 20, "b2" * 20
_LONG_AGO = NOW - timedelta(days=30)


def marker(kind: str, environment: str = "production", secret: str | None = None) -> WebhookSettings:
    return WebhookSettings.model_validate({"webhook": kind, "environment": environment, "secret": secret})


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
        found = self.markers(source).deploys("shop", _LONG_AGO, NOW + timedelta(days=1))
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
