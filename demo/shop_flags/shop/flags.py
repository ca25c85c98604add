"""What flags show to users, and the record of who saw what and what they did then.

`SHOP_FLAGS` names the flagd file, `SHOP_RECORD` the SQLite file of the record. Without the one everybody has the texts
of the code, without the other nothing is written down.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BUTTON = "Pay"
HAPPENINGS = frozenset({"left", "finished", "cancelled"})
"""How a user's visit to the last step may go on."""
TABLES = """
CREATE TABLE IF NOT EXISTS exposures (
    time REAL NOT NULL, flag TEXT NOT NULL, unit TEXT NOT NULL, variant TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS events (time REAL NOT NULL, unit TEXT NOT NULL, what TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS exposed ON exposures (time);
CREATE INDEX IF NOT EXISTS happened ON events (time);
"""


@dataclass(frozen=True)
class Shown:
    """What a flag shows to one user; `tried` says that the user is part of an experiment."""

    text: str
    variant: str = ""
    tried: bool = False


Ask = Callable[[str, str, str], Shown]
"""Asks for a flag: its key, the code's own text, the user."""


class Record:
    """Writes down exposures and events. Any number of threads may use it."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._file = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.executescript(TABLES)

    def exposure(self, flag: str, user: str, variant: str) -> None:
        """A user saw a variant of a flag."""
        with self._lock:
            self._file.execute("INSERT INTO exposures VALUES (?, ?, ?, ?)", (time.time(), flag, user, variant))

    def event(self, user: str, what: str) -> None:
        """A user left, finished, or cancelled what they had finished."""
        if what not in HAPPENINGS:
            raise ValueError(f"{what!r} is none of {', '.join(sorted(HAPPENINGS))}")
        with self._lock:
            self._file.execute("INSERT INTO events VALUES (?, ?, ?)", (time.time(), user, what))

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._file.close()


class Flags:
    """The shop's flags. Whoever is outside an experiment is not counted as exposed."""

    def __init__(self, ask: Ask | None = None, record: Record | None = None) -> None:
        self._ask = ask
        self._record = record

    def button(self, user: str) -> str:
        """The text of the button that ends the checkout."""
        if self._ask is None or not user:
            return BUTTON
        shown = self._ask("checkout_button", BUTTON, user)
        if shown.tried and self._record is not None:
            self._record.exposure("checkout_button", user, shown.variant)
        return shown.text

    def event(self, user: object, what: object) -> None:
        """Write down what a user did. Raises ValueError for what no user does."""
        if self._record is not None and user:
            self._record.event(str(user), str(what))


def from_environment() -> Flags:
    """The flags as the platform has set them up."""
    file, record = os.environ.get("SHOP_FLAGS"), os.environ.get("SHOP_RECORD")
    ask: Ask | None = None
    if file:
        from shop.openfeature_file import asking  # noqa: PLC0415 - without flags the package is not needed

        ask = asking(Path(file))
    return Flags(ask, Record(Path(record)) if record else None)
