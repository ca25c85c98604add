"""Guard: who may ask the daemon's own HTTP side for anything but its health."""

import asyncio
import logging

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cases.errors import PermanentError, TemporaryError
from daemon.api.proof import Caller, Credential

log = logging.getLogger("trackwalker.api")

HEALTH = frozenset({"/healthz", "/readyz"})  # a supervisor has no token


class Guard:
    """Stands in front of an ASGI application.

    Anybody may ask for /healthz and /readyz, and for what starts with one of `own_proof` ("/" is the top alone), which
    asks for a proof itself. For anything else one sends `token` as a bearer token, or is a program on this machine
    where there is none.
    """

    def __init__(self, app: ASGIApp, token: Credential | None, own_proof: tuple[str, ...] = ()) -> None:
        self._app = app
        self._token = token
        self._free = HEALTH | (frozenset({"/"}) & frozenset(own_proof))
        self._own_proof = tuple(path for path in own_proof if path != "/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or path in self._free or path.startswith(self._own_proof or "\0"):
            await self._app(scope, receive, send)
            return
        refusal = await self._refusal(caller_of(scope))
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, caller: Caller) -> JSONResponse | None:
        if self._token is None:
            why = "only programs on this machine may ask: use 127.0.0.1, or set api.token"
            return None if caller.is_here else JSONResponse({"error": why}, 403)
        try:
            known = await asyncio.to_thread(self._token.is_token, caller.bearer)
        except (PermanentError, TemporaryError) as error:
            log.warning("api.token cannot be read: %s", error)
            return JSONResponse({"error": "api.token cannot be read now; the log has the reason"}, 503)
        if known:
            return None
        return JSONResponse({"error": "send api.token as a bearer token"}, 401, {"WWW-Authenticate": "Bearer"})


def caller_of(scope: Scope) -> Caller:
    """Who asks, by the connection and the headers. Of a header that is there twice the first counts."""
    client: tuple[str, int] | None = scope.get("client")
    headers = Headers(scope=scope)
    return Caller(address=client[0] if client else "", headers={name: headers[name] for name in headers})
