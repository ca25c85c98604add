"""The door: the port stays where it is while what is behind it changes."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Door:
    """An ASGI application that leads to another one: nowhere at first, and to the last one that was named."""

    def __init__(self) -> None:
        self._inside: ASGIApp = JSONResponse({"ok": False, "why": "it is starting"}, 503)

    def lead_to(self, inside: ASGIApp) -> None:
        """Lead there from the next request on. Safe from any thread."""
        self._inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one in."""
        await self._inside(scope, receive, send)
