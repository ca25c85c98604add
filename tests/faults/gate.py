"""A way to a Docker engine on which the requests to remove a container can get lost."""

import socket
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CHUNK = 65_536


@dataclass
class Gate:
    """The gate's address. While `swallowing`, no DELETE comes through, and none is answered; `lost` counts them."""

    url: str
    engine: str
    swallowing: bool = False
    lost: int = 0
    _ends: list[socket.socket] = field(default_factory=list[socket.socket])
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def lead(self, listener: socket.socket) -> None:
        """Let everybody through until the listener is closed."""
        with suppress(OSError):  # the test is over
            while True:
                inside, _ = listener.accept()
                outside = socket.socket(socket.AF_UNIX)
                outside.connect(self.engine.removeprefix("unix://"))
                self._ends += [inside, outside]
                for source, target in ((inside, outside), (outside, inside)):
                    self._threads.append(threading.Thread(target=self._carry, args=(source, target)))
                    self._threads[-1].start()

    def shut(self) -> None:
        """Cut every connection."""
        for end in self._ends:
            with suppress(OSError):  # it was closed from the other side
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for end in self._ends:
            end.close()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):  # one side has left
            while chunk := source.recv(CHUNK):
                if self.swallowing and chunk.startswith(b"DELETE "):
                    self.lost += 1
                    continue
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def gate_to(engine: str) -> Generator[Gate]:
    """A gate to the engine at that unix:// address, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="trackwalker-gate-") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = Path(folder) / "gate.sock"
        listener.bind(str(path))
        listener.listen()
        gate = Gate(f"unix://{path}", engine)
        thread = threading.Thread(target=gate.lead, args=(listener,))
        thread.start()
        try:
            yield gate
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            gate.shut()
