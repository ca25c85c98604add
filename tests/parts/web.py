"""A web server of a test, on a port of its own: one function answers every request."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for every one of them


@contextmanager
def serving(answer: Answer, *, host: str = "127.0.0.1", released: threading.Event | None = None) -> Generator[str]:
    """Serve until the end of the block, and yield the address. `released` is set at the end: whoever stalls goes on."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):  # who waited long enough hangs up, and who was answered badly as well
                answer(self)
            self.close_connection = True

        do_POST = do_HEAD = do_PATCH = do_GET  # noqa: N815 - the library's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with _Server((host, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://{host}:{server.server_address[1]}"
        finally:
            if released is not None:
                released.set()
            server.shutdown()
            thread.join()


def sent(
    request: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    kind: str = "application/json",
    *,
    headers: dict[str, str] | None = None,
    length: int | None = None,
) -> None:
    """Send a whole response; `length` is what its header claims, where that is not so."""
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def says(status: int, body: str | bytes, kind: str = "application/json", **headers: str) -> Answer:
    """Answer with just that. Underscores in header names are read as hyphens."""
    content = body if isinstance(body, bytes) else body.encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: sent(request, status, content, kind, headers=named)


def stalls(released: threading.Event) -> Answer:
    """Take the request and never answer."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        del request
        released.wait(20)

    return behave


def drips(released: threading.Event, head: bytes = b"HTTP/1.1 200 OK\r\n\r\n", drop: bytes = b"x") -> Answer:
    """The head, and then a byte every tenth of a second, for ever."""

    def behave(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)
        while not released.wait(0.1):
            request.wfile.write(drop)

    return behave
