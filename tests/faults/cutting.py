"""A way to a server on which things happen: before a chosen request arrives, or to the connection once it was done."""

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass
class Cutting:
    """Where it listens, and how often it cut.

    `chosen` is asked of each piece that a client sends before it is passed on: the connection of the first that fits
    is cut when the server has done what was asked, before a byte of the answer.
    """

    server: int
    chosen: Callable[[bytes], bool]
    port: int = 0
    cuts: int = 0
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def lead(self, listener: socket.socket) -> None:
        """Let everybody through until the listener is closed."""
        with suppress(OSError):  # the test is over
            while True:
                client, _ = listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(client,)))
                self._threads[-1].start()

    def join(self) -> None:
        """Wait for everybody to leave."""
        for thread in self._threads:
            thread.join(10)

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.server)) as server, suppress(OSError):
            answers = threading.Thread(target=self._answer, args=(server, client))
            answers.start()
            while piece := client.recv(CHUNK):
                if not self.cuts and self.chosen(piece):
                    self.cuts += 1
                server.sendall(piece)
            with suppress(OSError):  # the server left first
                server.shutdown(socket.SHUT_WR)
            answers.join(10)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        cuts = self.cuts
        with suppress(OSError):  # the client left first
            while piece := server.recv(CHUNK):
                if self.cuts > cuts:  # the answer to the chosen request: it is done, and nobody hears of it
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)


@contextmanager
def cutting(server: int, chosen: Callable[[bytes], bool]) -> Generator[Cutting]:
    """Lead to a server on this machine, at the port, until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cut = Cutting(server, chosen, port=listener.getsockname()[1])
        thread = threading.Thread(target=cut.lead, args=(listener,))
        thread.start()
        try:
            yield cut
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            cut.join()
