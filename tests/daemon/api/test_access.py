"""Who may ask the daemon's HTTP side for what."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from starlette.types import ASGIApp

from config.secret import Secret
from daemon.api.proof import Credential
from daemon.api.routes import Health, routes
from daemon.clock import ManualClock
from tests.parts.nouns import NOW

TOKEN = "made-up-token-8841"
FROM_AFAR, FROM_HERE = "203.0.113.7", "127.0.0.1"


def app(*, token: bool) -> ASGIApp:
    health = Health(stuck=None, blind={}, polled=True, paused="")
    known = Credential(secret=Secret.parse("env:API_TOKEN"), clock=ManualClock(NOW)) if token else None
    return routes(lambda: health, lambda: b"x 1\n", token=known)


def status(application: ASGIApp, path: str, address: str, headers: Mapping[str, str] | None = None) -> int:
    async def asked() -> int:
        transport = httpx.ASGITransport(application, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8040") as client:
            return (await client.get(path, headers=headers)).status_code

    return asyncio.run(asked())


def test_with_a_token_everybody_sends_it_for_all_but_health(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", TOKEN)
    guarded = app(token=True)
    for address in (FROM_AFAR, FROM_HERE):
        assert status(guarded, "/healthz", address) == 200
        assert status(guarded, "/readyz", address) == 200
        for path in ("/metrics", "/", "/api/v1/cases", "/webhooks/github", "/healthz/", "/healthz/../metrics"):
            assert status(guarded, path, address) == 401
            assert status(guarded, path, address, {"Authorization": "Bearer wrong"}) == 401
        assert status(guarded, "/metrics", address, {"Authorization": f"Bearer {TOKEN}"}) == 200
        assert status(guarded, "/metrics", address, {"Authorization": f"bearer  {TOKEN} "}) == 200


def test_without_a_token_this_machine_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_TOKEN", raising=False)
    open_to_here = app(token=False)
    assert status(open_to_here, "/metrics", FROM_HERE) == 200
    assert status(open_to_here, "/healthz", FROM_AFAR) == 200
    assert status(open_to_here, "/metrics", FROM_AFAR) == 403
    for header in ({"X-Forwarded-For": FROM_HERE}, {"Host": "rebound.example"}, {"Origin": "http://evil.example"}):
        assert status(open_to_here, "/metrics", FROM_HERE, header) == 403


def test_a_token_that_cannot_be_read_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_TOKEN", raising=False)
    assert status(app(token=True), "/metrics", FROM_HERE, {"Authorization": "Bearer x"}) == 503
