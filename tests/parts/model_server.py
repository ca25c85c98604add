"""What the servers of models' APIs have in common: they do what they are told, once a question, and count the bill."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.parts import web

KEY = "made-up-model-key-0123456789"

Behaviour = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]
"""What is done with one question: the request, and its body."""


@dataclass(slots=True, kw_only=True)
class ModelServer:
    """The server's address, what it does with the next questions, and what it was asked.

    `billed` counts the tokens (read, written) of the answers that a real account would pay for.
    """

    url: str = ""
    behaviours: list[Behaviour] = field(default_factory=list[Behaviour])
    otherwise: Behaviour = field(default=lambda request, _: web.sent(request, 500, b"nothing was prepared"))
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    billed: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    complaints: list[str] = field(default_factory=list[str])
    lists_models: bool = True
    released: threading.Event = field(default_factory=threading.Event)  # set at the end: whoever stalls goes on
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def will(self, *behaviours: Behaviour) -> None:
        """Do these with the next questions, one each."""
        self.behaviours = [*behaviours]

    def do_next(self, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        """Do what is to be done with a question that has nothing wrong with it."""
        with self._lock:
            self.asked.append(body)
            behaviour = self.behaviours.pop(0) if self.behaviours else self.otherwise
        behaviour(request, body)

    def stalls(self) -> Behaviour:
        """Take the question and never answer."""
        return just(web.stalls(self.released))

    def drips(self) -> Behaviour:
        """A byte every tenth of a second, for ever."""
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
        return just(web.drips(self.released, head, b" "))


def body_of(request: BaseHTTPRequestHandler) -> dict[str, Any]:
    """The question."""
    return json.loads(request.rfile.read(int(request.headers["content-length"])))


def keyed(request: BaseHTTPRequestHandler) -> bool:
    """Whether it came with the key."""
    return request.headers.get("authorization") == f"Bearer {KEY}"


def just(answer: web.Answer) -> Behaviour:
    """A behaviour that does not look at the question."""
    return lambda request, _: answer(request)


def says(status: int, body: str | bytes, kind: str = "application/json", **headers: str) -> Behaviour:
    """Just that. Underscores in header names are read as hyphens."""
    return just(web.says(status, body, kind, **headers))


def drops(request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    """Take the question, and close the connection without a word."""
    del request, body
