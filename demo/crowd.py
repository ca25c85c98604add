"""Simulated users at the last step of the checkout: each comes once, reads the button, and leaves or buys.

They are no model of people. What each text does to them is given, so that a story has a truth to be found.
"""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import numpy as np

HIGHEST_RATE = 200
"""Users a second: more than the shop's one process serves on a small machine."""
HANDS = 4
"""Threads that users come through: while one order waits for the card network, others go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What a text does: the chance that a user leaves; and that one who bought cancels at once."""

    leaves: float
    cancels: float


class Crowd:
    """Sends `rate` new users a second, `most` in all, until the `with` block ends. Users whom no shop answers are lost.

    habits  the text of the button → what it does; `otherwise` for a text that is not there
    """

    def __init__(
        self,
        port: int,
        habits: Mapping[str, Habit],
        otherwise: Habit,
        *,
        rate: float = 40.0,
        most: int = 20_000,
        seed: int = 17,
    ) -> None:
        if not 0 < rate <= HIGHEST_RATE:
            raise ValueError(f"a rate between 0 and {HIGHEST_RATE} users a second is wanted, not {rate:g}")
        self.rate = rate
        self._port = port
        self._habits = habits
        self._otherwise = otherwise
        self._each = most // HANDS
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._end = threading.Event()
        seeds = np.random.SeedSequence(seed).spawn(HANDS)
        self._hands = [
            threading.Thread(target=self._come, args=(number, np.random.default_rng(one)), name=f"users-{number}")
            for number, one in enumerate(seeds)
        ]

    def __enter__(self) -> Self:
        for hand in self._hands:
            hand.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        for hand in self._hands:
            hand.join()

    @property
    def counts(self) -> dict[str, int]:
        """How many users `left`, `finished`, `cancelled`, or were `unanswered` so far."""
        with self._lock:
            return dict(self._counts)

    def _come(self, hand: int, dice: np.random.Generator) -> None:
        interval, due = HANDS / self.rate, time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2.0)
        for number in range(self._each):
            if self._end.wait(max(0.0, due - time.monotonic())):
                break
            try:
                did = self._visit(connection, f"user-{hand}-{number}", dice)
            except (OSError, http.client.HTTPException):  # a release is exchanged: the next one comes anew
                connection.close()
                did = ("unanswered",)
            with self._lock:
                self._counts.update(did)
            due = max(due + interval, time.monotonic())
        connection.close()

    def _visit(self, connection: http.client.HTTPConnection, user: str, dice: np.random.Generator) -> tuple[str, ...]:
        """One user, from the cart to the end; what they did."""
        cart = _asked(connection, "GET", f"/cart?item=tea:1&user={user}")
        habit = self._habits.get(cart["button"], self._otherwise)
        leaves, cancels = dice.random(2)
        if leaves < habit.leaves:
            _asked(connection, "POST", "/events", {"user": user, "what": "left"})
            return ("left",)
        _asked(connection, "POST", "/checkout", {"user": user, "items": [{"sku": "tea", "quantity": 1}]})
        if cancels >= habit.cancels:
            return ("finished",)
        _asked(connection, "POST", "/events", {"user": user, "what": "cancelled"})
        return ("finished", "cancelled")


def _asked(connection: http.client.HTTPConnection, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    connection.request(method, path, body=None if body is None else json.dumps(body))
    response = connection.getresponse()
    answer = response.read()
    if response.status != HTTPStatus.OK:
        raise http.client.HTTPException(f"{method} {path} was answered with {response.status}")
    return json.loads(answer)
