"""Quota: what a forge lets one user write and ask, kept over all threads, and over a restart.

GitHub asks for a second between two writes, and for at most 80 a minute and 500 an hour; whoever is told to slow down
and goes on is shut out. Here every request of a client passes: a write waits for its second; whatever would pass a
limit, or comes before the forge wants to hear from us again, is not sent.
Limits: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import json
import logging
import threading
from bisect import bisect_right
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from cases.errors import TemporaryError
from cases.moments import iso
from cases.ports import Clock
from remediation.forge.limits import LIMITED, LONGEST_WAIT, retry_after

log = logging.getLogger("trackwalker.forge")

READS = frozenset({"GET", "HEAD"})
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may be written. `spacing` is the least time between two writes."""

    spacing: timedelta = timedelta(seconds=1)
    per_minute: int = 80
    per_hour: int = 500


class Quota:
    """What was written lately, and until when nothing may be asked. Safe for threads.

    file  where it is kept over a restart; None: it is forgotten then. One daemon writes it
    """

    def __init__(self, limits: Limits, clock: Clock, file: Path | None = None) -> None:
        self._limits = limits
        self._clock = clock
        self._file = file
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # one write at a time waits for its second
        self._last = float("-inf")  # of the monotonic clock: the wall clock may be set
        self._writes, self._until = _kept(file)

    @property
    def writes(self) -> int:
        """How many writes of the last hour are known."""
        with self._lock:
            return len(self._recent(self._clock.now()))

    def before(self, method: str) -> None:
        """Let a request through: a write waits for its second. Raises TemporaryError for one that may not be sent."""
        with self._lock:
            self._open(self._clock.now())
        if method.upper() in READS:
            return
        with self._turn:
            self._space()
            with self._lock:
                now = self._clock.now()
                self._open(now)
                self._room(now)
                self._writes.append(now.timestamp())
                self._keep()

    def after(self, status: int, headers: Mapping[str, str]) -> None:
        """Take in what an answer says of limits. `headers` have names in lower case."""
        spent = headers.get("x-ratelimit-remaining") == "0"
        if not spent and not (status in LIMITED and "retry-after" in headers):
            return
        until = self._clock.now() + retry_after(headers)
        with self._lock:
            if until.timestamp() > self._until:
                self._until = until.timestamp()
                self._keep()
                log.warning("the forge wants to hear nothing from us until %s", iso(until))

    def _open(self, now: datetime) -> None:
        """Raise TemporaryError while the forge wants to hear nothing. One that was set for a later clock is capped."""
        left = self._until - now.timestamp()
        if 0 < left <= LONGEST_WAIT.total_seconds():
            until = iso(datetime.fromtimestamp(self._until, UTC))
            raise TemporaryError(f"the forge asked to slow down: nothing is sent before {until}", _seconds(left))

    def _room(self, now: datetime) -> None:
        """Raise TemporaryError where one more write would pass a limit."""
        recent = self._writes = self._recent(now)
        for span, most, name in ((MINUTE, self._limits.per_minute, "minute"), (HOUR, self._limits.per_hour, "hour")):
            start = (now - span).timestamp()
            if len(recent) - bisect_right(recent, start) >= most:
                left = recent[-most] - start
                raise TemporaryError(f"{most} writes to the forge in one {name} are all: it goes on", _seconds(left))

    def _recent(self, now: datetime) -> list[float]:
        """The writes of the last hour, oldest first; one that a clock set back has put into the future is of now."""
        start = (now - HOUR).timestamp()
        return [min(at, now.timestamp()) for at in self._writes if at > start]

    def _space(self) -> None:
        wait = self._last + self._limits.spacing.total_seconds() - self._clock.monotonic()
        if wait > 0:
            threading.Event().wait(wait)  # a second at most: nobody wakes it
        self._last = self._clock.monotonic()

    def _keep(self) -> None:
        if self._file is None:
            return
        try:
            with NamedTemporaryFile("w", dir=self._file.parent, prefix=self._file.name, delete=False) as made:
                json.dump({"writes": self._writes, "until": self._until}, made)
            Path(made.name).replace(self._file)
        except OSError as error:  # a full disk: the limits hold in this process all the same
            log.warning("what was written to the forge cannot be kept over a restart: %s", error.strerror)


def _kept(file: Path | None) -> tuple[list[float], float]:
    """What an earlier life wrote down. A file that does not read is none: it is a memory of an hour at most."""
    try:
        found: dict[str, Any] = json.loads(file.read_text()) if file is not None else {}
        return sorted(float(at) for at in found.get("writes", [])), float(found.get("until", 0.0))
    except FileNotFoundError:
        return [], 0.0
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("what was written to the forge in the last hour is not known: %s", type(error).__name__)
        return [], 0.0


def _seconds(left: float) -> timedelta:
    return timedelta(seconds=max(left, 1.0))


_COUNTING: ContextVar[Quota | None] = ContextVar("quota", default=None)
"""Whose quota the requests of this thread count against now: the library's connections have no room for it."""


@contextmanager
def counting(quota: Quota | None) -> Generator[None]:
    """Count the requests that are made inside."""
    token = _COUNTING.set(quota)
    try:
        yield
    finally:
        _COUNTING.reset(token)


def quota_now() -> Quota | None:
    """What requests count against here."""
    return _COUNTING.get()
