"""`/metrics`, `/healthz`, `/readyz`: what a supervisor and a Prometheus ask of the daemon; and whatever is added."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from daemon.api.access import Guard
from daemon.api.proof import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the daemon says of itself.

    stuck   seconds since the loop came round, when that is too long; else None
    blind   signal → why it cannot be judged now
    polled  whether a first poll has ended
    paused  why everything is paused, or ""
    daemons the daemons on this store that live, this one first
    """

    stuck: float | None
    blind: dict[str, str]
    polled: bool
    paused: str
    daemons: tuple[str, ...] = ()


class Doorway(Protocol):
    """Some routes whose callers prove themselves there, and the beginnings of their paths."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the general guard lets everybody through."""
        ...

    def routes(self) -> list[Route]:
        """What is there."""
        ...


def routes(
    health: Callable[[], Health],
    metrics: Callable[[], bytes],
    *,
    token: Credential | None = None,
    doors: Sequence[Doorway] = (),
    more: Sequence[BaseRoute] = (),
) -> ASGIApp:
    """The ASGI application, behind its guard.

    token  what everything but health and the webhooks asks for; None: this machine only
    doors  what takes messages from outside, and proves its callers itself
    more   further routes
    """

    async def healthz(_: Request) -> Response:
        state = health()
        if state.stuck is not None:
            return JSONResponse({"ok": False, "why": f"the cycle has not come round for {state.stuck:.0f} s"}, 503)
        return JSONResponse({"ok": True})

    async def readyz(_: Request) -> Response:
        state = health()
        ready = state.polled and not state.blind and state.stuck is None
        document = {
            "ready": ready,
            "polled": state.polled,
            "blind": state.blind,
            "paused": state.paused,
            "daemons": state.daemons,
        }
        return JSONResponse(document, 200 if ready else 503)

    async def exposition(_: Request) -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    own = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", exposition)]
    told = [route for door in doors for route in door.routes()]
    proving = tuple(path for door in doors for path in door.paths)
    return Guard(Starlette(routes=[*own, *told, *more]), token, own_proof=proving)
