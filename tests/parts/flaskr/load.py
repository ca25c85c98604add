"""Readers and writers: a steady, bounded stream of requests to a flaskr on 127.0.0.1."""

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

import httpx
import numpy as np

RATE = 15.0
"""Requests a second."""
SHARES = {"read": 0.60, "sign in": 0.04, "form": 0.20, "write": 0.16}
"""What people do: read the index, log in, look at the page for a new post, write one."""
EMPTY = 0.3
"""Share of posts that are a title and nothing more, which flaskr allows."""
STRAY_EVERY = 100
"""Each so many requests one asks for a post by a number that no database can hold: flaskr fails on it, and always did.
So the error ratio is not zero at the best of times, and an old error is in the logs."""
STRAY = f"/{2**63}/update"
WHO = {"username": "reader", "password": "made-up-password"}
UNANSWERED = "unanswered"


class Visitors:
    """Sends its requests one after the other until the `with` block ends; it never catches up in a burst."""

    def __init__(self, port: int, *, seed: int = 5) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=2.0, trust_env=False)
        self._dice = np.random.default_rng(seed)
        self._sent = 0
        self.counts: Counter[str] = Counter()
        """Requests so far, by what was done and how it was answered: "read 200"."""
        self._end = threading.Event()
        self._sender = threading.Thread(target=self._send_all, name="visitors")

    def __enter__(self) -> Self:
        assert self._client.post("/auth/register", data=WHO).status_code == httpx.codes.FOUND
        assert self._client.post("/auth/login", data=WHO).status_code == httpx.codes.FOUND
        for body in ("Some words to begin with.", ""):
            assert self._client.post("/create", data={"title": "a post", "body": body}).status_code == httpx.codes.FOUND
        assert self._client.get(STRAY).status_code == httpx.codes.INTERNAL_SERVER_ERROR
        self._sender.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._sender.join()
        self._client.close()

    def _send_all(self) -> None:
        due = time.monotonic()
        while not self._end.wait(max(0.0, due - time.monotonic())):
            self._sent += 1
            what = str(self._dice.choice(list(SHARES), p=list(SHARES.values())))
            what = what if self._sent % STRAY_EVERY else "stray"
            self.counts[f"{what} {self._send(what)}"] += 1
            due = max(due + 1 / RATE, time.monotonic())

    def _send(self, what: str) -> str:
        try:
            return str(self._answer(what).status_code)
        except httpx.TransportError:
            return UNANSWERED

    def _answer(self, what: str) -> httpx.Response:
        if what == "sign in":
            return self._client.post("/auth/login", data=WHO)
        if what != "write":
            return self._client.get({"read": "/", "form": "/create", "stray": STRAY}[what])
        body = "" if self._dice.random() < EMPTY else "Words that somebody wrote."
        return self._client.post("/create", data={"title": "a post", "body": body})
