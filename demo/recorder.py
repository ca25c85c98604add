"""A telemetry recorder for machines without Prometheus.

It scrapes one target, evaluates the recorded series, and answers selectors over the part of Prometheus's HTTP API that
a client needs. A page that holds NaN or infinity cannot be read and counts as a failed scrape.
"""

import http.client
import threading
import time
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self

from demo.errors import TelemetryError
from demo.history import History
from demo.processes import get
from demo.readings import Key, Memory, evaluate
from demo.recorder_api import RecorderServer
from demo.rules import RULES, WINDOW_S, target_labels
from demo.selector import NAME, NotASelector, parse_exposition

EVERY = 1.0
"""Seconds between two scrapes, and the time a scrape may take."""


class Recorder:
    """Records one target on 127.0.0.1 until the `with` block ends; keeps everything in memory.

    `now` gives the wall-clock time that samples carry.
    """

    def __init__(self, *, target_port: int, history: History, now: Callable[[], datetime]) -> None:
        self._target_port = target_port
        self._now = now
        self._memory = Memory()
        self._memory.preload(history)
        self._scraped: set[Key] = set()
        self._recorded: set[Key] = set()
        self._end = threading.Event()
        self._server: RecorderServer | None = None
        self._threads: tuple[threading.Thread, ...] = ()

    def __enter__(self) -> Self:
        self._server = server = RecorderServer(self._memory, self._now_ms)
        self._threads = (
            threading.Thread(target=server.serve_forever, args=(0.05,), name="recorder-api"),
            threading.Thread(target=self._scrape_all, name="recorder-scrapes"),
        )
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._server is not None:
            self._server.shutdown()
            for thread in self._threads:
                thread.join()
            self._server.server_close()

    @property
    def url(self) -> str:
        """Where clients ask, once it runs."""
        if self._server is None:
            raise TelemetryError("the telemetry recorder was never started")
        return f"http://127.0.0.1:{self._server.server_port}"

    def describe(self) -> str:
        """Say which telemetry this is, for people."""
        return "telemetry recorder (no Prometheus found)"

    def check(self) -> None:
        """Raise TelemetryError if it does not scrape or answer any more."""
        dead = [thread.name for thread in self._threads if not thread.is_alive()]
        if dead or not self._threads:
            raise TelemetryError(f"the telemetry recorder does not run: {', '.join(dead) or 'never started'}")

    def scrape(self) -> None:
        """Scrape once and evaluate every rule, at the time that the clock says now."""
        at_ms = self._now_ms()
        target = target_labels()
        try:
            status, body = get(self._target_port, "/metrics", timeout=EVERY)
            read = parse_exposition(body.decode()) if status == HTTPStatus.OK else None
        except (OSError, http.client.HTTPException, NotASelector, UnicodeDecodeError):
            read = None  # what Prometheus does: `up` is 0, and every series of the target goes stale
        scraped = self._memory.add(at_ms, [(target | labels, value) for labels, value in read or ()])
        self._memory.add(at_ms, [({NAME: "up", **target}, 0.0 if read is None else 1.0)])
        self._memory.end(at_ms, self._scraped - scraped)
        self._scraped = scraped
        results = (
            result for rule in RULES for result in evaluate(rule, self._memory, at_ms=at_ms, window_ms=WINDOW_S * 1000)
        )
        recorded = self._memory.add(at_ms, list(results))
        self._memory.end(at_ms, self._recorded - recorded)
        self._recorded = recorded

    def _now_ms(self) -> int:
        return round(self._now().timestamp() * 1000)

    def _scrape_all(self) -> None:
        due = time.monotonic()
        while not self._end.wait(max(0.0, due - time.monotonic())):
            self.scrape()
            due = max(due + EVERY, time.monotonic())
