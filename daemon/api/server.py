"""The HTTP server in a thread of its own. asyncio lives only here."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from cases.errors import PermanentError, TemporaryError

START_TRIES = 1000  # of 10 ms each: a start takes a tenth of a second


def _await_start(server: uvicorn.Server, thread: threading.Thread, listen: str) -> None:
    """Return once it answers: whoever is told the address may ask at once."""
    pause = threading.Event()
    for _ in range(START_TRIES):
        if server.started:
            return
        if not thread.is_alive():
            break
        pause.wait(0.01)
    raise TemporaryError(f"the HTTP server did not start on {listen}; the log has the reason")


@contextmanager
def serving(app: ASGIApp, listen: str) -> Generator[str]:
    """Serve until the block ends; gives the address, with the port that was taken when `listen` asked for port 0."""
    host, _, port = listen.rpartition(":")
    server_socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server_socket.bind((host.strip("[]"), int(port)))
    except OSError as error:
        server_socket.close()
        raise PermanentError(
            f"cannot listen on {listen} ({error.strerror}); set `api.listen` to a free host:port"
        ) from None
    bound = server_socket.getsockname()[1]
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        loop="asyncio",
        http="h11",
        ws="none",
        proxy_headers=False,  # who asks is the connection's address: a header can say anything
        server_header=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [server_socket]}, name="api", daemon=True)
    thread.start()
    try:
        _await_start(server, thread, listen)
        yield f"http://{host}:{bound}"
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        server_socket.close()
