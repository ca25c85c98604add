"""The log stand-in's HTTP face, held to what a real Loki 3 answers.

Shapes: https://grafana.com/docs/loki/latest/reference/loki-http-api/. Refusals are text/plain, times are nanoseconds.
"""

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from demo.loki.answers import HOUR_NS, STATS, Window, instant_answer, log_answer, metric_answer
from demo.loki.logql import LogQuery, MetricQuery, RefusedQueryError, parse
from demo.loki.memory import LogMemory
from demo.loki.push import RefusedPushError, pushed

MOST_LINES = 5_000
LARGEST = 16 * 2**20

_PLAIN = "text/plain; charset=utf-8"
_JSON = "application/json; charset=UTF-8"
_LABEL_VALUES = re.compile(r"/loki/api/v1/label/([A-Za-z_]\w*)/values")


class Fault(StrEnum):
    """What goes wrong with one answer to a range query."""

    TOO_MANY = "429, as when the limit of queries is passed"
    BROKEN = "500, in plain text"
    CUT = "broken off in the middle of the body"
    SLOW = "no answer until the stand-in ends"
    NOT_READY = "503, as in the first seconds"


class LogHandler(BaseHTTPRequestHandler):
    """Answers as Loki does."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a GET."""
        url = urlsplit(self.path)
        self._answer(url.path, dict(parse_qsl(url.query)))

    def do_POST(self) -> None:
        """Take a push; read a form of anything else as parameters."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST:
            self._write(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _PLAIN, b"the request is too large\n")
            self.close_connection = True
            return
        body, url = self.rfile.read(length), urlsplit(self.path)
        if url.path == "/loki/api/v1/push":
            self._push(body)
            return
        self._answer(url.path, dict(parse_qsl(url.query)) | dict(parse_qsl(body.decode(errors="replace"))))

    def _push(self, body: bytes) -> None:
        try:
            streams = pushed(self.headers.get("Content-Type"), body)
        except RefusedPushError as error:
            self._write(HTTPStatus.BAD_REQUEST, _PLAIN, f"{error}\n".encode())
            return
        for labels, lines in streams:
            self._server.memory.add(labels, lines)
        self._write(HTTPStatus.NO_CONTENT, "", b"")

    def _answer(self, path: str, parameters: Mapping[str, str]) -> None:
        if path == "/loki/api/v1/query_range" and self._server.faults:
            fault = self._server.faults.popleft()
            if fault is not None:
                self._fail(fault)
                return
        values = _LABEL_VALUES.fullmatch(path)
        if values is not None:
            streams = self._server.memory.streams()
            self._success(sorted({stream[values[1]] for stream in streams if values[1] in stream}))
            return
        answer = _ANSWERS.get(path)
        if answer is None:
            # Without a pattern ingester Loki has no patterns, and says so with nothing at all.
            said = b"" if path == "/loki/api/v1/patterns" else b"404 page not found\n"
            self._write(HTTPStatus.NOT_FOUND, _PLAIN, said)
            return
        try:
            answer(self, parameters)
        except RefusedQueryError as error:
            self._write(HTTPStatus.BAD_REQUEST, _PLAIN, str(error).encode())

    def _fail(self, fault: Fault) -> None:
        if fault is Fault.TOO_MANY:
            self._write(429, _PLAIN, b"too many outstanding requests\n", {"Retry-After": "7"})
        elif fault is Fault.BROKEN:
            self._write(HTTPStatus.INTERNAL_SERVER_ERROR, _PLAIN, b"rpc error: code = Unknown desc = empty ring\n")
        elif fault is Fault.NOT_READY:
            self._write(HTTPStatus.SERVICE_UNAVAILABLE, _PLAIN, b"at least 1 live replicas required\n")
        elif fault is Fault.SLOW:
            self._server.ending.wait(30)
            self.close_connection = True
        else:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", _JSON)
            self.send_header("Content-Length", "4096")
            self.end_headers()
            self.wfile.write(b'{"status":"success","data":{"resultType":"streams","result":[')
            self.close_connection = True

    def range(self, parameters: Mapping[str, str]) -> None:
        """`/query_range`."""
        server = self._server
        window = Window(parameters, server.now_ns())
        query = parse(parameters.get("query", ""))
        if isinstance(query, MetricQuery):
            self._success(metric_answer(server.memory, query, window))
        else:
            self._success(log_answer(server.memory, query, window, parameters, server.most_lines))

    def instant(self, parameters: Mapping[str, str]) -> None:
        """`/query`."""
        self._success(instant_answer(self._server.memory, parameters, self._server.now_ns()))

    def labels(self, _: Mapping[str, str]) -> None:
        """`/labels`."""
        self._success(sorted({name for stream in self._server.memory.streams() for name in stream}))

    def series(self, parameters: Mapping[str, str]) -> None:
        """`/series`."""
        self._success([dict(stream) for stream in self._picked(parameters, "match[]")])

    def stats(self, _: Mapping[str, str]) -> None:
        """`/index/stats`: of what was written to disk, which nothing is."""
        self._json({"streams": 0, "chunks": 0, "bytes": 0, "entries": 0})

    def volume(self, parameters: Mapping[str, str]) -> None:
        """`/index/volume`: the bytes of the lines, by the labels that the query names."""
        query = self._log_query(parameters, "query")
        names = [matcher.label for matcher in query.matchers if matcher.label]
        now = self._server.now_ns()
        sizes: dict[str, int] = {}
        for labels, line in self._server.memory.pick(query, now - HOUR_NS, now, limit=-1, forward=True):
            key = json.dumps({name: labels[name] for name in names if name in labels})
            sizes[key] = sizes.get(key, 0) + len(line.text.encode())
        vector = [{"metric": json.loads(key), "value": [now // 10**6 / 1000, str(size)]} for key, size in sizes.items()]
        self._success({"resultType": "vector", "result": vector, "stats": STATS})

    def detected_labels(self, parameters: Mapping[str, str]) -> None:
        """`/detected_labels`."""
        values: dict[str, set[str]] = {}
        for stream in self._picked(parameters, "query"):
            for name, value in stream.items():
                values.setdefault(name, set()).add(value)
        self._json({"detectedLabels": [{"label": n, "cardinality": len(v)} for n, v in sorted(values.items())]})

    def format_query(self, parameters: Mapping[str, str]) -> None:
        """`/format_query`."""
        self._json(
            {"status": "success", "data": str(self._log_query(parameters, "query"))}, "application/json; charset=utf-8"
        )

    def build(self, _: Mapping[str, str]) -> None:
        """`/status/buildinfo`: nothing, like a Loki that was built by hand."""
        names = ("version", "revision", "branch", "buildUser", "buildDate", "goVersion")
        self._json(dict.fromkeys(names, ""), "application/json")

    def rules(self, _: Mapping[str, str]) -> None:
        """`/prometheus/api/v1/rules`: there are none."""
        self._json({"status": "success", "data": {"groups": []}, "errorType": "", "error": ""}, "application/json")

    def tail(self, _: Mapping[str, str]) -> None:
        """`/tail` speaks WebSocket only."""
        self._write(HTTPStatus.BAD_REQUEST, _PLAIN, b"Bad Request\n")

    def ready(self, _: Mapping[str, str]) -> None:
        """`/ready`."""
        if self._server.faults and self._server.faults[0] is Fault.NOT_READY:
            said = b"Ingester not ready: waiting for 15s after being ready\n"
            self._write(HTTPStatus.SERVICE_UNAVAILABLE, _PLAIN, said)
        else:
            self._write(HTTPStatus.OK, _PLAIN, b"ready\n")

    @property
    def _server(self) -> "LogServer":
        return cast("LogServer", self.server)

    def _log_query(self, parameters: Mapping[str, str], name: str) -> LogQuery:
        query = parse(parameters.get(name, ""))
        return query.log if isinstance(query, MetricQuery) else query

    def _picked(self, parameters: Mapping[str, str], name: str) -> list[Mapping[str, str]]:
        query = self._log_query(parameters, name)
        return [stream for stream in self._server.memory.streams() if query.picks(stream)]

    def _success(self, answer: object) -> None:
        self._json({"status": "success", "data": answer})

    def _json(self, document: object, kind: str = _JSON) -> None:
        self._write(HTTPStatus.OK, kind, json.dumps(document).encode() + b"\n")

    def _write(self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the demo's own output tells the story."""


_ANSWERS: Mapping[str, Callable[[LogHandler, Mapping[str, str]], None]] = {
    "/ready": LogHandler.ready,
    "/loki/api/v1/query": LogHandler.instant,
    "/loki/api/v1/query_range": LogHandler.range,
    "/loki/api/v1/labels": LogHandler.labels,
    "/loki/api/v1/series": LogHandler.series,
    "/loki/api/v1/index/stats": LogHandler.stats,
    "/loki/api/v1/index/volume": LogHandler.volume,
    "/loki/api/v1/detected_labels": LogHandler.detected_labels,
    "/loki/api/v1/format_query": LogHandler.format_query,
    "/loki/api/v1/status/buildinfo": LogHandler.build,
    "/loki/api/v1/tail": LogHandler.tail,
    "/prometheus/api/v1/rules": LogHandler.rules,
}


class LogServer(ThreadingHTTPServer):
    """Serves one memory on a free port of 127.0.0.1; `faults` happen to the next range queries, one each."""

    daemon_threads = True

    def __init__(self, memory: LogMemory, now_ns: Callable[[], int], most_lines: int = MOST_LINES) -> None:
        super().__init__(("127.0.0.1", 0), LogHandler)
        self.memory = memory
        self.now_ns = now_ns
        self.most_lines = most_lines
        self.faults: deque[Fault | None] = deque()
        self.ending = threading.Event()
