"""One JSON line a request."""

import json
import threading
from datetime import UTC, datetime
from typing import TextIO


class AccessLog:
    """Writes to one stream from many threads."""

    def __init__(self, stream: TextIO, revision: str) -> None:
        self._stream = stream
        self._revision = revision
        self._lock = threading.Lock()

    def write(self, severity: str, message: str, **fields: object) -> None:
        """Write one line, now."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"timestamp": now, "service": "shop", "revision": self._revision, "severity": severity}
        with self._lock:
            self._stream.write(json.dumps({**line, "message": message, **fields}) + "\n")
            self._stream.flush()
