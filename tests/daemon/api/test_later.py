"""Doors that are loaded when somebody comes."""

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daemon.api.later import Later
from daemon.api.routes import Health, routes
from daemon.api.server import serving


class Counting:
    paths = ("/late",)

    def routes(self) -> list[Route]:
        async def said(_: Request) -> Response:
            return JSONResponse({"here": True})

        return [Route("/late", said, methods=["POST"])]


def test_a_door_is_built_once_and_only_when_somebody_comes() -> None:
    built: list[Counting] = []

    def build() -> list[Counting]:
        built.append(Counting())
        return built[-1:]

    health = Health(stuck=None, blind={}, polled=True, paused="")
    app = routes(lambda: health, lambda: b"", doors=[Later(paths=("/late",), build=build)])
    with serving(app, "127.0.0.1:0") as url, httpx.Client(base_url=url) as client:
        assert client.get("/healthz").status_code == 200
        assert built == []
        assert client.post("/late").json() == {"here": True}
        assert client.get("/late").status_code == 405
        assert client.post("/later").status_code == 404
    assert len(built) == 1
