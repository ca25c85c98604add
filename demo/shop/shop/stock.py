"""Connections to the stock system."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class StockBusy(RuntimeError):
    """All connections to the stock system are in use."""


class StockPool:
    """A fixed number of connections. A cart holds one for each of its lines while its order is placed."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._lock = threading.Lock()

    @contextmanager
    def reserve(self, lines: int) -> Iterator[None]:
        """Hold so many connections, or raise StockBusy at once."""
        with self._lock:
            if lines > self._free:
                raise StockBusy(f"{lines} stock connections wanted, {self._free} of {self.size} free")
            self._free -= lines
        try:
            yield
        finally:
            with self._lock:
                self._free += lines
