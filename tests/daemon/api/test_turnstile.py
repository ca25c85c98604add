"""How often one address may ask, and be wrong about a token."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daemon.api.turnstile import MOST_ADDRESSES, WRONG, Allowance, Turnstile
from daemon.clock import ManualClock
from tests.parts.nouns import NOW

GUESS, RIGHT = {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer right"}
FROM_AFAR, FROM_ELSEWHERE = "203.0.113.7", "203.0.113.8"


class Site:
    """A turnstile before something that knows one token and one session."""

    def __init__(self, *, a_minute: int = 600) -> None:
        self.clock = ManualClock(NOW)
        paths = ("/cases", "/healthz", "/login", "/webhooks/github")
        inside = Starlette(routes=[Route(path, answer, methods=["GET", "POST"]) for path in paths])
        self.turnstile = Turnstile(inside, self.clock, a_minute)

    def ask(
        self, path: str = "/cases", headers: Mapping[str, str] | None = None, *, method: str = "GET",
        address: str = FROM_AFAR,
    ) -> httpx.Response:  # fmt: skip
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.turnstile, client=(address, 4711))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8040") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(asked())

    def status(self, path: str, headers: Mapping[str, str] | None = None, address: str = FROM_AFAR) -> int:
        return self.ask(path, headers, address=address).status_code


async def answer(request: Request) -> Response:
    known = request.headers.get("authorization") == "Bearer right" or request.cookies.get("session") == "mine"
    return JSONResponse({}, 200 if known or request.url.path == "/healthz" else 401)


def test_after_ten_wrong_tokens_the_next_ones_are_told_when_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    assert [site.status("/cases", GUESS) for _ in range(WRONG)] == [401] * WRONG
    refused = site.ask("/cases", RIGHT)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "6")
    assert refused.json() == {"error": "too many wrong tokens from this address: ask again in 6 s"}
    assert f"{FROM_AFAR} sent 10 wrong tokens" in caplog.text
    site.clock.advance(timedelta(seconds=6))
    assert site.status("/cases", RIGHT) == 200


def test_a_stranger_locks_nobody_else_out() -> None:
    site = Site()
    for _ in range(2 * WRONG):
        site.ask("/login", method="POST")
    assert site.ask("/login", method="POST").status_code == 429
    assert site.ask("/login").status_code == 401, "the form itself is shown"
    assert site.status("/cases", {"Cookie": "session=mine"}) == 200, "who has logged in goes on"
    assert site.status("/cases", RIGHT, address=FROM_ELSEWHERE) == 200
    assert site.status("/healthz") == 200
    assert site.status("/webhooks/github", RIGHT) == 200


def test_who_has_the_token_is_never_wrong() -> None:
    site = Site()
    assert {site.status("/cases", RIGHT) for _ in range(5 * WRONG)} == {200}


def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    site = Site(a_minute=60)
    assert {site.status("/cases", RIGHT) for _ in range(60)} == {200}
    refused = site.ask("/cases", RIGHT)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json() == {"error": "too many requests from this address: ask again in 1 s"}
    assert site.status("/healthz") == 200
    assert site.status("/webhooks/github", RIGHT) == 200
    site.clock.advance(timedelta(seconds=1))
    assert [site.status("/cases", RIGHT) for _ in range(2)] == [200, 429]


def test_what_is_remembered_is_bounded() -> None:
    allowance = Allowance(most=2)
    for number in range(3 * MOST_ADDRESSES):
        allowance.spend(f"2001:db8::{number:x}", 0.0)
    assert len(allowance) == MOST_ADDRESSES
    allowance.spend("here", 0.0)
    allowance.spend("here", 0.0)
    assert allowance.wait("here", 0.0) == 30.0
    assert allowance.wait("here", 29.0) == pytest.approx(1.0)
    assert allowance.wait("here", 30.0) == 0.0
    assert allowance.wait("here", 1e9) == 0.0
