"""The agent beside the shop: follows its log file and pushes each line to the log store."""

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

from demo.errors import TelemetryError

EVERY = 0.5
"""Seconds between two looks at the file."""
MOST = 512 * 1024
"""Bytes that are read at once."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_CONTENT = 204
_PATIENCE = 5.0


class LogShipper:
    """Ships one file until the `with` block ends: what is in it then goes first.

    A line's time is its own `timestamp`, or `now` where it has none. A push that fails is made again at the next look;
    the store drops what it has already.
    """

    def __init__(self, log: Path, *, url: str, labels: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._log = log
        self._host = urlsplit(url).netloc
        self._labels = dict(labels)
        self._now = now
        self._place = 0
        self.failure = ""
        """Why the last push did not go through, or ""."""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="log-shipper")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def check(self) -> None:
        """Raise TelemetryError if lines do not arrive."""
        if self.failure or not self._thread.is_alive():
            raise TelemetryError(f"the shop's log lines do not arrive: {self.failure or 'the shipper does not run'}")

    def ship(self) -> int:
        """Push what was written since the last time; the lines that were pushed. Whole lines only."""
        if not self._log.exists():
            return 0
        with self._log.open("rb") as log:
            log.seek(self._place)
            read = log.read(MOST)
        whole = read[: read.rfind(b"\n") + 1]
        lines = [line for line in whole.decode(errors="replace").split("\n") if line.strip()]
        if lines:
            self._push([[str(self._at(line)), line] for line in lines])
        self._place += len(whole)
        return len(lines)

    def _at(self, line: str) -> int:
        """The time of a line in nanoseconds."""
        try:
            document: object = json.loads(line)
            stamp = cast("dict[str, object]", document)["timestamp"] if isinstance(document, dict) else ""
            at = datetime.fromisoformat(str(stamp))
        except (ValueError, KeyError):
            at = self._now()
        return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1) * 1_000

    def _push(self, values: list[list[str]]) -> None:
        body = json.dumps({"streams": [{"stream": self._labels, "values": values}]})
        connection = http.client.HTTPConnection(self._host, timeout=_PATIENCE)
        try:
            connection.request("POST", "/loki/api/v1/push", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            said = response.read().decode(errors="replace")
        finally:
            connection.close()
        if response.status != _NO_CONTENT:
            raise TelemetryError(f"the log store answered {response.status}: {said.strip()[:300]}")

    def _follow(self) -> None:
        ended = False
        while not ended:
            ended = self._end.wait(EVERY)
            try:
                self.ship()
                self.failure = ""
            except (OSError, http.client.HTTPException, TelemetryError) as error:
                self.failure = f"{type(error).__name__}: {error}"
