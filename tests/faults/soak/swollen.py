"""A forge whose API now and then answers with 200 MB."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from daemon.clock import SystemClock
from remediation.forge.local.application import Wsgi

EVERY = 20.0  # seconds between two such answers
MEGABYTES = 200


def swollen(did: Counter[str], every: float = EVERY) -> Callable[[Wsgi], Wsgi]:
    """Go around the forge's application; `did` counts."""
    machine, lock = SystemClock(), threading.Lock()
    due = machine.monotonic() + every

    def fits(environ: dict[str, Any]) -> bool:
        nonlocal due
        daemon = "PyGithub" in environ.get("HTTP_USER_AGENT", "")
        with lock:
            if not daemon or environ["REQUEST_METHOD"] != "GET" or machine.monotonic() < due:
                return False
            due = machine.monotonic() + every
            did["200 MB of the forge"] += 1
            return True

    def around(inner: Wsgi) -> Wsgi:
        def application(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own
            if not fits(environ):
                return inner(environ, start_response)
            start_response("200 OK", [("Content-Type", "application/json")])
            return _body()

        return application

    return around


def _body() -> Iterator[bytes]:
    yield b"["
    piece = (json.dumps("x" * 1000) + ",").encode() * 1000
    for _ in range(MEGABYTES):
        yield piece
    yield b"1]"
