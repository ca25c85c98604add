"""A Prometheus-shaped server of a production, which misbehaves now and then; and a webhook that is sometimes away."""

import itertools
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from daemon.clock import SystemClock
from tests.faults.soak.production import ROUTES, Production
from tests.parts.misbehaving import bombs, floods
from tests.parts.web import says

Behaviour = Callable[[BaseHTTPRequestHandler], None]

SERVICE = re.compile(r'service="([a-z]\d+)"')
REVISION = re.compile(r'revision="([0-9a-f]+)"')
EVERY = 4.0  # seconds between two misbehaviours
STALL = 8.0
AWAY, ROUND = 15.0, 60.0  # seconds that the receiver is away, of each so many


@dataclass(kw_only=True)
class Telemetry:
    """What it serves, and how often it did what."""

    production: Production
    url: str = ""
    did: Counter[str] = field(default_factory=Counter[str])
    released: threading.Event = field(default_factory=threading.Event)
    _machine: SystemClock = field(default_factory=SystemClock)
    _due: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _faults: Iterator[tuple[str, Behaviour]] | None = None

    def __post_init__(self) -> None:
        self._due = self._machine.monotonic() + 2 * EVERY
        self._faults = itertools.cycle(
            [
                ("200 MB", floods),
                ("503", says(503, "away")),
                ("gzip bomb", bombs),
                ("stall", self._stall),
                ("no JSON", says(200, b"<html>" * 1000)),
                ("200 MB", floods),
                ("empty", says(200, b'{"status":"success","data":{"resultType":"matrix","result":[]}}')),
                ("nested", says(200, b"[" * 2**20)),
            ]
        )

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one GET, well or not."""
        parts = urlsplit(request.path)
        fault = self._fault() if parts.path == "/api/v1/query_range" else None
        with suppress(ConnectionError):  # the client hangs up on whoever misbehaves
            if fault is not None:
                fault(request)
                request.close_connection = True
                return
            says(200, json.dumps(self._document(parts.path, parse_qs(parts.query))))(request)
        with self._lock:
            self.did["answered"] += 1

    def told(self, request: BaseHTTPRequestHandler) -> None:
        """Take a notice, or be away."""
        request.rfile.read(int(request.headers["Content-Length"]))
        away = self._machine.monotonic() % ROUND < AWAY
        with self._lock:
            self.did["notice refused" if away else "notice"] += 1
        with suppress(ConnectionError):
            (says(503, "away") if away else says(200, "ok", "text/plain"))(request)

    def _fault(self) -> Behaviour | None:
        now = self._machine.monotonic()
        with self._lock:
            if now < self._due or self._faults is None:
                return None
            self._due = now + EVERY
            name, behave = next(self._faults)
            self.did[name] += 1
            return behave

    def _stall(self, _: BaseHTTPRequestHandler) -> None:
        self.released.wait(STALL)

    def _document(self, path: str, asked: dict[str, list[str]]) -> dict[str, Any]:
        if path == "/api/v1/status/buildinfo":
            return {"status": "success", "data": {"version": "2.53.0"}}
        if path == "/api/v1/query":
            return _success("vector", [{"metric": {}, "value": [0, "1"]}])
        first, last = (round(float(asked[name][0]) * 1000) for name in ("start", "end"))
        times = np.arange(first, last + 1, round(float(asked["step"][0]) * 1000), dtype=np.int64)
        return _success("matrix", self._series(asked["query"][0], times))

    def _series(self, query: str, times: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - milliseconds
        found = SERVICE.search(query)
        service = found[1] if found else ""
        if "build_info" not in query:
            return [
                _one({"service": service, "route": route}, times, self.production.ratio(service, route, times))
                for route in ROUTES
            ]
        only = REVISION.search(query)
        seen: list[dict[str, Any]] = []
        for commit, since, until in self.production.commits(service, int(times[0]), int(times[-1])):
            if only is None or commit.startswith(only[1]):
                there = times[(times >= since) & (times < until)]
                seen.append(_one({"service": service, "revision": commit}, there, np.ones(len(there))))
        return [series for series in seen if series["values"]]


def _one(labels: dict[str, str], times: Any, values: Any) -> dict[str, Any]:  # noqa: ANN401 - two arrays
    pairs = zip((times / 1000).tolist(), values.tolist(), strict=True)
    return {"metric": labels, "values": [[at, f"{value:.6g}"] for at, value in pairs]}


def _success(kind: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": found}}


@contextmanager
def serving(production: Production) -> Generator[Telemetry]:
    """Serve it on a free port until the block ends."""
    telemetry = Telemetry(production=production)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            telemetry.take(self)

        def do_POST(self) -> None:
            telemetry.told(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True  # kept-alive connections end with the daemon
        telemetry.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield telemetry
        finally:
            telemetry.released.set()
            http.shutdown()
            thread.join()
