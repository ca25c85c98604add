"""Serving the local forge: `with serve(root, "127.0.0.1:0", token) as forge:`, and it is at `forge.url`."""

import socket
import threading
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug import Request, Response

from cases.errors import PermanentError
from remediation.forge.local.application import Application, Tokens, Wsgi
from remediation.forge.local.call import Refusal, reply
from remediation.forge.local.grants import Grants

THREADS = 4
LARGEST_PUSH = 1 << 30
WAKE = 5.0  # seconds; the loop is also woken by every event


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A forge that is being served. `url` has no slash at its end; `grants` tells which tokens of Apps are out."""

    url: str
    port: int
    grants: Grants

    @property
    def api_url(self) -> str:
        """Where its API is."""
        return f"{self.url}/api/v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How a request goes wrong, for those who test a client.

    after        the request is done first, and only its answer is lost
    status       what is answered instead; 0 cuts the answer off in the middle
    retry_after  seconds, for a secondary rate limit (status 403)
    """

    status: int
    after: bool = False
    retry_after: int | None = None


Faults = Callable[[str, str], "Fault | None"]
"""From method and path to how that request shall go wrong, or None."""


@contextmanager
def serve(
    root: Path,
    listen: str,
    token: str | None = None,
    *,
    readers: Collection[str] = (),
    faults: Faults | None = None,
    around: Callable[[Wsgi], Wsgi] | None = None,
) -> Generator[Served]:
    """Serve every bare repository `root/<owner>/<name>.git` at `listen` (`HOST:PORT`, port 0 for any free one).

    token    what clients must send, as Basic, Bearer or `token`; None lets everybody in
    readers  tokens that may only read
    faults   which requests go wrong, and how
    around   wraps the application, faults apart: to watch what goes through
    Raises PermanentError when it cannot listen there.
    """
    with _listening(listen) as listener:
        root.mkdir(parents=True, exist_ok=True)
        application = Application(root, Tokens(token=token, readers=readers))
        inner: Wsgi = around(application) if around else application
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        try:
            with _running(_faulty(inner, faults) if faults else inner, listener):
                yield Served(url=f"http://{shown}:{port}", port=port, grants=application.grants)
        finally:
            application.records.close()


def _listening(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family)
    except (OSError, ValueError, OverflowError) as error:
        raise PermanentError(f"the forge cannot listen at {listen!r}, which must be HOST:PORT: {error}") from None


@contextmanager
def _running(application: Wsgi, listener: socket.socket) -> Generator[None]:
    """Run waitress on the listener until the block ends; then nothing of it is left."""
    from waitress import wasyncore
    from waitress.server import create_server

    channels: dict[int, Any] = {}
    server: Any = create_server(
        application,
        map=channels,
        sockets=[listener],
        threads=THREADS,
        ident="trackwalker-forge",
        max_request_body_size=LARGEST_PUSH,
    )
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            wasyncore.loop(timeout=WAKE, map=channels, count=1)

    loop = threading.Thread(target=run, name="forge", daemon=True)
    loop.start()
    try:
        yield
    finally:
        stop.set()
        server.pull_trigger()
        loop.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(channels)


def _faulty(inner: Wsgi, faults: Faults) -> Wsgi:
    """The application with its faults."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own
        request = Request(environ)
        fault = faults(request.method, request.path)
        if fault is None:
            return inner(environ, start_response)
        if fault.after:
            Response.from_app(inner, environ, buffered=True)
        else:
            request.get_data()
        return _wrong(fault)(environ, start_response)

    return application


def _wrong(fault: Fault) -> Response:
    if fault.status == 0:
        # Less than was promised: the server hangs up, and the client has half an answer.
        return Response(b'{"id": 1', status=201, headers={"Content-Length": "1000"}, mimetype="application/json")
    limited = fault.retry_after is not None
    message = "You have exceeded a secondary rate limit. Please wait." if limited else "Server Error"
    answer = reply(Refusal(fault.status, message).body, fault.status)
    if limited:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer
