"""Turnstile: how often one address may ask, and how often it may be wrong about a token. Beyond that it hears 429.

Health is for supervisors, and is answered always. Webhooks come in bursts, and prove themselves by secrets of their
own: they pass too. Behind a proxy everybody has the proxy's address; a session that holds proves no token anew, so
that a stranger's guesses lock nobody out who has logged in.
"""

import logging
import math
from collections import OrderedDict
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cases.ports import Clock
from daemon.api.access import HEALTH

log = logging.getLogger("trackwalker.api")

MINUTE = 60.0
WRONG = 10  # tokens a minute, and as many at once
MOST_ADDRESSES = 1024  # that are remembered: the last ones
FREE = "/webhooks/"
LOGIN = "/login"
UNKNOWN = 401


@dataclass(slots=True, kw_only=True)
class Allowance:
    """`most` at once, and as many a minute, for each address. `now` is in seconds of a clock that never goes back."""

    most: int
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict[str, tuple[float, float]])

    def wait(self, address: str, now: float) -> float:
        """Seconds until the address may again; 0 where it may now."""
        left = self._now(address, now)
        return 0.0 if left >= 1 else (1 - left) * MINUTE / self.most

    def spend(self, address: str, now: float) -> None:
        """Count one."""
        self._left[address] = (max(0.0, self._now(address, now) - 1), now)
        self._left.move_to_end(address)
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._left)

    def _now(self, address: str, now: float) -> float:
        left, since = self._left.get(address, (float(self.most), now))
        return min(float(self.most), left + (now - since) * self.most / MINUTE)


class Turnstile:
    """Stands in front of everything else that answers. Belongs to one event loop.

    requests_per_minute  of one address
    """

    def __init__(self, app: ASGIApp, clock: Clock, requests_per_minute: int) -> None:
        self._app = app
        self._clock = clock
        self._asked = Allowance(most=requests_per_minute)
        self._wrong = Allowance(most=WRONG)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or path in HEALTH or path.startswith(FREE):
            await self._app(scope, receive, send)
            return
        client: tuple[str, int] | None = scope.get("client")
        address, now = client[0] if client else "", self._clock.monotonic()
        proves = "authorization" in Headers(scope=scope) or (path == LOGIN and scope["method"] == "POST")
        wait, what = self._asked.wait(address, now), "requests"
        if proves and not wait:
            wait, what = self._wrong.wait(address, now), "wrong tokens"
        if wait:
            await _refusal(wait, what)(scope, receive, send)
            return
        self._asked.spend(address, now)

        async def answered(message: MutableMapping[str, Any]) -> None:
            if proves and message.get("status") == UNKNOWN:
                self._wrong.spend(address, now)
                if self._wrong.wait(address, now):
                    log.warning("%s sent %d wrong tokens: its next ones are refused for a while", address, WRONG)
            await send(message)

        await self._app(scope, receive, answered)


def _refusal(wait: float, what: str) -> JSONResponse:
    seconds = math.ceil(wait)
    why = f"too many {what} from this address: ask again in {seconds} s"
    return JSONResponse({"error": why}, 429, {"Retry-After": str(seconds)})
