"""The recorder's HTTP face: `/api/v1/query`, `/api/v1/query_range`, `/api/v1/status/buildinfo`, `/-/ready`, `/`.

Shapes and messages: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from demo.readings import Memory
from demo.selector import NotASelector, Selector, parse_duration, parse_selector

MOST_POINTS = 11_000
LARGEST_FORM = 64 * 1024
UNDERSTOOD = (
    'the telemetry recorder understands selectors only: name{label="value",other=~"regex"}, with [90s] for a range'
)


class BadQuery(ValueError):  # noqa: N818 - it names what the client sent
    """The client's mistake; the message goes into a `bad_data` answer."""


def _time_ms(parameters: Mapping[str, str], name: str, default: int | None = None) -> int:
    """Read Unix seconds or an RFC 3339 time."""
    text = parameters.get(name)
    if text is None:
        if default is None:
            raise BadQuery(f'invalid parameter "{name}": cannot parse "" to a valid timestamp')
        return default
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = datetime.fromisoformat(text).timestamp()
        except ValueError:
            raise BadQuery(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from None
    if not np.isfinite(seconds):
        raise BadQuery(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp')
    return round(seconds * 1000)


def _step_ms(parameters: Mapping[str, str]) -> int:
    text = parameters.get("step", "")
    try:
        step = round(float(text) * 1000)
    except (ValueError, OverflowError):
        try:
            step = parse_duration(text)
        except NotASelector:
            raise BadQuery(f'invalid parameter "step": cannot parse "{text}" to a valid duration') from None
    if step <= 0:
        raise BadQuery(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    return step


def _selector(parameters: Mapping[str, str]) -> Selector:
    try:
        return parse_selector(parameters.get("query", ""))
    except NotASelector as error:
        raise BadQuery(f'invalid parameter "query": {error}; {UNDERSTOOD}') from None


def _point(time_ms: int, value: float) -> list[object]:
    seconds = time_ms // 1000 if time_ms % 1000 == 0 else time_ms / 1000
    return [seconds, str(np.format_float_positional(value, trim="-"))]


def instant(memory: Memory, parameters: Mapping[str, str], now_ms: int) -> dict[str, object]:
    """Answer `/api/v1/query`: a vector for an instant selector, a matrix of raw samples for a range selector."""
    selector = _selector(parameters)
    at_ms = _time_ms(parameters, "time", now_ms)
    found: list[dict[str, object]] = []
    for readings in memory.select(selector):
        if selector.range_ms is not None:
            window = readings.between(at_ms - selector.range_ms, at_ms)
            pairs = zip(window.times.tolist(), window.values.tolist(), strict=True)
            points = [_point(time_ms, value) for time_ms, value in pairs]
            if points:
                found.append({"metric": readings.labels, "values": points})
            continue
        value = float(readings.at(np.array([at_ms], dtype=np.int64))[0])
        if not np.isnan(value):
            found.append({"metric": readings.labels, "value": _point(at_ms, value)})
    return {"resultType": "vector" if selector.range_ms is None else "matrix", "result": found}


def ranged(memory: Memory, parameters: Mapping[str, str]) -> dict[str, object]:
    """Answer `/api/v1/query_range`: the value of each picked series at each step."""
    start_ms, end_ms, step_ms = _time_ms(parameters, "start"), _time_ms(parameters, "end"), _step_ms(parameters)
    if end_ms < start_ms:
        raise BadQuery('invalid parameter "end": end timestamp must not be before start time')
    if (end_ms - start_ms) // step_ms > MOST_POINTS:
        raise BadQuery(
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    selector = _selector(parameters)
    if selector.range_ms is not None:
        raise BadQuery(
            'invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or '
            "instant Vector"
        )
    times = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
    found: list[dict[str, object]] = []
    for readings in memory.select(selector):
        values = readings.at(times)
        there = ~np.isnan(values)
        pairs = zip(times[there].tolist(), values[there].tolist(), strict=True)
        points = [_point(time_ms, value) for time_ms, value in pairs]
        if points:
            found.append({"metric": readings.labels, "values": points})
    return {"resultType": "matrix", "result": found}


BUILD = {
    "version": "0.0.0-recorder",
    "revision": "",
    "branch": "",
    "buildUser": "",
    "buildDate": "",
    "goVersion": "",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a GET."""
        url = urlsplit(self.path)
        self._answer(url.path, dict(parse_qsl(url.query)))

    def do_POST(self) -> None:
        """Answer a form; its fields count as parameters."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_FORM:
            self._write(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "text/plain", b"the form is too large\n")
            self.close_connection = True
            return
        url = urlsplit(self.path)
        form = self.rfile.read(length).decode(errors="replace")
        self._answer(url.path, dict(parse_qsl(url.query)) | dict(parse_qsl(form)))

    def _answer(self, path: str, parameters: Mapping[str, str]) -> None:
        server = cast("RecorderServer", self.server)
        try:
            if path == "/api/v1/query":
                self._success(instant(server.memory, parameters, server.now_ms()))
            elif path == "/api/v1/query_range":
                self._success(ranged(server.memory, parameters))
            elif path == "/api/v1/status/buildinfo":
                self._success(BUILD)
            elif path in {"/", "/-/ready", "/-/healthy"}:
                self._write(HTTPStatus.OK, "text/plain", b"The telemetry recorder is ready.\n")
            else:
                self._write(HTTPStatus.NOT_FOUND, "text/plain", b"404 page not found\n")
        except BadQuery as error:
            said = {"status": "error", "errorType": "bad_data", "error": str(error)}
            self._write(HTTPStatus.BAD_REQUEST, "application/json", json.dumps(said).encode())

    def _success(self, answer: Mapping[str, object]) -> None:
        body = json.dumps({"status": "success", "data": answer}).encode()
        self._write(HTTPStatus.OK, "application/json", body)

    def _write(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the demo's own output tells the story."""


class RecorderServer(ThreadingHTTPServer):
    """Serves one memory on a free port of 127.0.0.1; `now_ms` is the default time of instant queries."""

    daemon_threads = True

    def __init__(self, memory: Memory, now_ms: Callable[[], int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.memory = memory
        self.now_ms = now_ms
