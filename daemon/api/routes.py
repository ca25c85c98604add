"""`/metrics`, `/healthz`, `/readyz`: what a supervisor and a Prometheus ask of the daemon; and whatever is added."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from daemon.api.access import Guard
from daemon.api.alert_webhook import PATH as ALERTS
from daemon.api.alert_webhook import AlertWebhook
from daemon.api.proof import Credential
from daemon.api.webhooks import PATH as DEPLOYS
from daemon.api.webhooks import DeployWebhooks


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


def routes(
    health: Callable[[], Health],
    metrics: Callable[[], bytes],
    *,
    token: Credential | None = None,
    deploys: DeployWebhooks | None = None,
    alerts: AlertWebhook | None = None,
    more: Sequence[BaseRoute] = (),
) -> ASGIApp:
    """The ASGI application, behind its guard.

    token    what everything but health and the webhooks asks for; None: this machine only
    deploys  takes messages about deploys
    alerts   takes messages about alerts
    more     further routes
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
    told = [*(deploys.routes() if deploys is not None else []), *(alerts.routes() if alerts is not None else [])]
    return Guard(Starlette(routes=[*own, *told, *more]), token, own_proof=(DEPLOYS, ALERTS))
