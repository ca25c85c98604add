"""Serves the flaskr of the working folder as a platform would: counted for Prometheus, with a JSON log line a request.

A program: `python -P runner.py --port P --revision SHA --database FILE`, with flaskr and Flask on PYTHONPATH. It is no
part of flaskr's repository, and knows nothing of what flaskr does.
"""

import argparse
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import waitress
from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest

SERVICE = "flaskr"
STATUSES = (200, 302, 404, 500)
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Meter:
    """Requests by route and status. Every counter is there from the start, so that a first error is an increase."""

    def __init__(self, revision: str, routes: Iterable[str]) -> None:
        disable_created_metrics()
        self._registry = CollectorRegistry()
        labels = ("service", "route", "status")
        self._requests = Counter("http_requests_total", "Requests.", labels, registry=self._registry)
        for route in routes:
            for status in STATUSES:
                self._requests.labels(SERVICE, route, str(status))
        running = Gauge("build_info", "The commit that runs.", ("service", "revision"), registry=self._registry)
        running.labels(SERVICE, revision).set(1)

    def count(self, route: str, status: int) -> None:
        """Count one answered request."""
        self._requests.labels(SERVICE, route, str(status)).inc()

    def page(self) -> bytes:
        """The text of `/metrics`."""
        return generate_latest(self._registry)


def line(revision: str, method: str, route: str, status: int, error: BaseException | None) -> str:
    """One request as a log line; of an error its words and its trace."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")  # noqa: TID251 - a program of its own, in real time
    said: dict[str, object] = {"timestamp": now, "service": SERVICE, "revision": revision}
    said |= {"severity": "error" if error else "info", "message": f"{method} {route} {status}"}
    if error is not None:
        said |= {"error": f"{type(error).__name__}: {error}", "stack": "".join(traceback.format_exception(error))}
    return json.dumps(said)


def observed(app: Any, revision: str) -> Meter:  # noqa: ANN401 - Flask is not installed where this is checked
    """Count and log each request that the application answers."""
    flask: Any = importlib.import_module("flask")
    meter = Meter(revision, sorted(rule.endpoint for rule in app.url_map.iter_rules()))
    app.logger.disabled = True  # what it would say is in the request's own line

    def keep(_: object, exception: BaseException) -> None:
        flask.g.raised = exception

    def note(response: Any) -> Any:  # noqa: ANN401 - the same
        route, status = str(flask.request.endpoint), int(response.status_code)
        meter.count(route, status)
        sys.stdout.write(line(revision, flask.request.method, route, status, flask.g.get("raised")) + "\n")
        sys.stdout.flush()
        return response

    flask.got_request_exception.connect(keep, app, weak=False)
    app.after_request(note)
    return meter


def beside(app: Wsgi, meter: Meter, revision: str) -> Wsgi:
    """The application, with `/metrics` and `/healthz` beside it."""
    health = json.dumps({"status": "ok", "revision": revision, "pid": os.getpid()}).encode()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        own = {"/metrics": meter.page, "/healthz": lambda: health}.get(environ["PATH_INFO"])
        if own is None:
            return app(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
        return [own()]

    return answer


def main() -> None:
    """Serve until the process is ended."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--revision", required=True)
    options.add_argument("--database", type=Path, required=True)
    chosen = options.parse_args()
    flaskr: Any = importlib.import_module("flaskr")
    app = flaskr.create_app({"DATABASE": str(chosen.database)})
    if not chosen.database.exists():
        with app.app_context():
            importlib.import_module("flaskr.db").init_db()
    meter = observed(app, chosen.revision)
    served = beside(app.wsgi_app, meter, chosen.revision)
    waitress.serve(served, host="127.0.0.1", port=chosen.port, threads=4)


if __name__ == "__main__":
    main()
