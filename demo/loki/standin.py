"""A log store for machines without Loki: it takes pushes, and answers queries as Loki does. Keeps all in memory."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from demo.errors import TelemetryError
from demo.loki.api import MOST_LINES, Fault, LogServer
from demo.loki.memory import LogMemory

__all__ = ["Fault", "LokiStandIn"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LokiStandIn:
    """Serves on 127.0.0.1 until the `with` block ends.

    `now` is what queries without an end ask for, `most_lines` the most that one answer may hold.
    """

    def __init__(self, *, now: Callable[[], datetime], most_lines: int = MOST_LINES) -> None:
        self.memory = LogMemory()
        self._now = now
        self._most_lines = most_lines
        self._server: LogServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = LogServer(self.memory, self._now_ns, self._most_lines)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="log-api")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.ending.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    @property
    def url(self) -> str:
        """Where clients push and ask, once it runs."""
        return f"http://127.0.0.1:{self._serving.server_port}"

    def describe(self) -> str:
        """Say which log store this is, for people."""
        return "log stand-in (no Loki configured)"

    def check(self) -> None:
        """Raise TelemetryError if it does not answer any more."""
        if self._thread is None or not self._thread.is_alive():
            raise TelemetryError("the log stand-in does not run")

    def misbehave(self, *faults: Fault | None) -> None:
        """What happens to the next range queries, one each; None is a good answer."""
        self._serving.faults.extend(faults)

    @property
    def _serving(self) -> LogServer:
        if self._server is None:
            raise TelemetryError("the log stand-in was never started")
        return self._server

    def _now_ns(self) -> int:
        return (self._now() - _EPOCH) // timedelta(microseconds=1) * 1_000
