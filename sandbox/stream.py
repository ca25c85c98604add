"""The two-way stream of a command in a container: plain, or inside TLS for an engine elsewhere."""

import os
import socket
import ssl
from collections.abc import Callable
from functools import partial
from io import IOBase
from typing import Any

from cases.errors import PermanentError

CHUNK = 65_536


class Stream:
    """A socket that never waits. `raw` is what the SDK hands out; closing this closes that."""

    def __init__(self, raw: Any, address: str) -> None:  # noqa: ANN401 - the SDK's own, of several kinds
        """Raises PermanentError for a kind of stream that nothing can be read from without waiting."""
        self._hang_up = partial(_hang_up, raw)
        if isinstance(raw, ssl.SSLSocket):
            self._socket: socket.socket = raw
        elif isinstance(raw, IOBase):
            self._socket = socket.socket(fileno=os.dup(raw.fileno()))
        else:
            raise PermanentError(
                f"commands cannot be attached to at {address}: give the sandbox a unix:// or tcp:// address, with or "
                "without TLS (an engine behind ssh can be reached through a tunnel)"
            )
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def receive(self) -> bytes | None:
        """Take a piece: None when there is none now, b"" at the end. Raises OSError."""
        try:
            return self._socket.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def held_back(self) -> bool:
        """Whether bytes that no selector sees any more wait to be received."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def send(self, piece: memoryview) -> int:
        """Send what fits: how many bytes that were. Raises BrokenPipeError when nobody reads any more, and OSError."""
        try:
            return self._socket.send(piece[:CHUNK])
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def close(self) -> None:
        """Hang up. What runs in the container goes on."""
        self._socket.close()
        self._hang_up()


def _hang_up(raw: object) -> None:
    held = vars(raw)["_response"]  # the SDK keeps its own connection there, and has no other way to close it
    for each in (held, raw):
        close: Callable[[], None] = getattr(each, "close")  # noqa: B009 - neither has a type that says so
        close()
