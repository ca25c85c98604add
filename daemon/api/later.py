"""Doors that are loaded when somebody comes: what an idle daemon never needs takes no memory of it."""

from collections.abc import Callable, Sequence
from threading import Lock

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.api.routes import Doorway


class Later:
    """Doorways that lead from `paths`, built at the first request (see `daemon.api.routes.Doorway`)."""

    def __init__(self, *, paths: tuple[str, ...], build: Callable[[], Sequence[Doorway]]) -> None:
        self._paths = paths
        self._build = build
        self._inside: ASGIApp | None = None
        self._lock = Lock()

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the general guard lets everybody through."""
        return self._paths

    def routes(self) -> list[Route]:
        """One for each path, of any method; for one that ends in a slash and is not the top, for all below it."""
        below = {path: path != "/" and path.endswith("/") for path in self._paths}
        return [Route(f"{path}{{rest:path}}" if below[path] else path, self) for path in self._paths]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        with self._lock:
            if self._inside is None:
                self._inside = Starlette(routes=[route for door in self._build() for route in door.routes()])
        await self._inside(scope, receive, send)
