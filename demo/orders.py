"""The books of the shop: orders a minute in a SQLite file, a row every two seconds, after two weeks that are made up.

It is what a business keeps beside its metrics. The level is the live one: of 30 requests a second 12 are checkouts.
"""

import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from demo.history import DENSE, LENGTH, RATE, SEASON
from demo.load import LONG_CARTS, SHARES

EVERY = timedelta(seconds=2)
"""How often a row is written."""
COARSE = timedelta(minutes=5)
"""How far apart the made-up rows are, up to the last of them, which are as live ones."""
FINE = 12 * DENSE
QUERY = (
    "SELECT time, value FROM orders "
    "WHERE time >= CAST(strftime('%s', :start) AS INTEGER) AND time < CAST(strftime('%s', :end) AS INTEGER)"
)
"""What reads them: epoch seconds, and orders a minute."""


class Orders:
    """Writes the books until the `with` block ends. `placed` says how many orders there have been so far."""

    def __init__(self, file: Path, *, placed: Callable[[], int], now: Callable[[], datetime], seed: int = 13) -> None:
        self._file = file
        self._placed = placed
        self._now = now
        self._seed = seed
        self._end = threading.Event()
        self._writer = threading.Thread(target=self._write, args=(placed(), now()), name="orders")

    def __enter__(self) -> Self:
        with sqlite3.connect(self._file) as books:
            books.execute("PRAGMA journal_mode = WAL")
            books.execute("CREATE TABLE orders (time INTEGER PRIMARY KEY, value REAL NOT NULL)")
            books.executemany("INSERT INTO orders VALUES (?, ?)", made_up(self._now(), seed=self._seed))
        books.close()
        self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._writer.join()

    @property
    def url(self) -> str:
        """The file as an address."""
        return f"sqlite:///{self._file.absolute()}"

    def _write(self, before: int, began: datetime) -> None:
        books = sqlite3.connect(self._file, isolation_level=None)
        while not self._end.wait(EVERY.total_seconds()):
            placed, now = self._placed(), self._now()
            minutes = max((now - began) / timedelta(minutes=1), 1e-6)
            row = (int(now.timestamp()), (placed - before) / minutes)
            books.execute("INSERT OR REPLACE INTO orders VALUES (?, ?)", row)
            before, began = placed, now
        books.close()


def made_up(end: datetime, *, seed: int, length: timedelta = LENGTH) -> list[tuple[int, float]]:
    """Rows of (epoch seconds, orders a minute) up to `end`, from a seed: counted as live ones are, with the season."""
    dice = np.random.default_rng(seed)
    last, coarse, fine = int(end.timestamp()), int(COARSE.total_seconds()), int(EVERY.total_seconds())
    dense = int(FINE.total_seconds())
    times = np.concatenate(
        [
            np.arange(last - int(length.total_seconds()), last - dense, coarse, dtype=np.int64),
            np.arange(last - dense, last + 1, fine, dtype=np.int64),
        ]
    )
    season = 1 + SEASON * np.sin(2 * np.pi * (times - last) / timedelta(days=1).total_seconds())
    placed = dice.poisson(RATE * SHARES["/checkout"] * (1 - LONG_CARTS) * season * fine)
    return list(zip(times.tolist(), (placed * 60 / fine).tolist(), strict=True))
