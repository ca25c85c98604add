"""A web server that misbehaves as it is told, one behaviour a path prefix of the query."""

import gzip
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.parts import web


@dataclass(slots=True, kw_only=True)
class Misbehaving:
    """The server's address, what to do with the next requests, and what was asked."""

    url: str = ""
    behave: Callable[[BaseHTTPRequestHandler], None] = field(default=lambda _: None)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    most_at_once: int = 0
    released: threading.Event = field(default_factory=threading.Event)  # set at the end: whoever stalls goes on
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Do what is to be done with one request."""
        with self._lock:
            self.asked.append((request.path, dict(request.headers.items())))
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            self.behave(request)
        finally:
            with self._lock:
                self._now -= 1


@contextmanager
def misbehaving() -> Generator[Misbehaving]:
    """Run one on a free port until the end of the block."""
    server = Misbehaving()
    with web.serving(server.serve, released=server.released) as server.url:
        yield server


def floods(request: BaseHTTPRequestHandler) -> None:
    """A body of 200 MB without a length."""
    request.send_response(200)
    request.end_headers()
    for _ in range(200):
        request.wfile.write(b" " * 2**20)


def bombs(request: BaseHTTPRequestHandler) -> None:
    """300 kB that unpack to 300 MB, asked for or not."""
    web.says(200, gzip.compress(b" " * (300 * 2**20), compresslevel=1), Content_Encoding="gzip")(request)


def drips(server: Misbehaving, *, headers: bool) -> web.Answer:
    """A byte every tenth of a second, for ever: in the headers or in the body."""
    return web.drips(server.released, b"HTTP/1.1 200 OK\r\n" if headers else b"HTTP/1.1 200 OK\r\n\r\n")


def stalls(server: Misbehaving) -> web.Answer:
    """Take the request and never answer."""
    return web.stalls(server.released)
