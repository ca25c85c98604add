"""A web server that misbehaves as it is told, one behaviour a path prefix of the query."""

import gzip
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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
        with suppress(ConnectionError):  # the client hangs up on whoever misbehaves: that is the point
            self.behave(request)
        request.close_connection = True
        with self._lock:
            self._now -= 1


@contextmanager
def misbehaving() -> Generator[Misbehaving]:
    """Run one on a free port until the end of the block."""
    server = Misbehaving()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.serve(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = False  # so that closing waits for every one of them
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            http.shutdown()
            thread.join()


def says(
    status: int, body: bytes | str, kind: str = "application/json", **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with just that. Underscores in header names are read as hyphens."""
    content = body if isinstance(body, bytes) else body.encode()

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return behave


def floods(request: BaseHTTPRequestHandler) -> None:
    """A body of 200 MB without a length."""
    request.send_response(200)
    request.end_headers()
    for _ in range(200):
        request.wfile.write(b" " * 2**20)


def bombs(request: BaseHTTPRequestHandler) -> None:
    """300 kB that unpack to 300 MB, asked for or not."""
    says(200, gzip.compress(b" " * (300 * 2**20), compresslevel=1), Content_Encoding="gzip")(request)


def drips(server: Misbehaving, *, headers: bool) -> Callable[[BaseHTTPRequestHandler], None]:
    """A byte every tenth of a second, for ever: in the headers or in the body."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n" if headers else b"HTTP/1.1 200 OK\r\n\r\n")
        while not server.released.wait(0.1):
            request.wfile.write(b"x")

    return behave


def stalls(server: Misbehaving) -> Callable[[BaseHTTPRequestHandler], None]:
    """Take the request and never answer."""

    def behave(_: BaseHTTPRequestHandler) -> None:
        server.released.wait(20)

    return behave
