"""Customers: a steady, bounded stream of requests to a shop on 127.0.0.1."""

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

HIGHEST_RATE = 100.0
"""Requests a second that this will ever send."""
UNANSWERED = "unanswered"

SHARES = {"/": 0.20, "/catalogue": 0.25, "/cart": 0.15, "/checkout": 0.40}
"""What customers ask for."""
LONG_CARTS = 0.025
"""Share of checkouts with more lines than the shop can hold: 1 % of all requests fail at the best of times."""
SMALL_COUPONS = 0.25
"""Share of checkouts whose coupon takes less than 1 EUR off."""
LARGE_COUPONS = 0.35
"""Share of checkouts whose coupon takes 1 EUR or more off."""
BASKETS = 0.25
"""Share of checkouts with 4 to 6 lines: the shop can hold them, with all of its connections."""
CAMPAIGN_CARTS = 0.5
"""Share of checkouts that the campaign turns into hampers of 7 to 16 lines."""
BASE_ERROR_RATIO = SHARES["/checkout"] * LONG_CARTS

SKUS = ("tea", "coffee", "honey", "bread", "cheese", "apples", "candle", "soap")
PLAIN: tuple[tuple[str, ...], ...] = (
    ("tea:1",),
    ("bread:2", "apples:1"),
    ("coffee:1", "cheese:1", "honey:2"),
    ("soap:3",),
    ("candle:2", "tea:1"),
)
SMALL = ((("tea:1",), "WELCOME5"), (("honey:1",), "SUMMER20"), (("coffee:2",), "WELCOME5"), (("bread:1",), "SUMMER20"))
LARGE = (
    (("coffee:1",), "SUMMER20"),
    (("tea:2",), "SUMMER20"),
    (("candle:3", "soap:2"), "SUMMER20"),
    (("honey:4", "cheese:2"), "WELCOME5"),
    (("cheese:2",), "SUMMER20"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; a body makes it a POST."""

    path: str
    body: bytes | None = None


def draw(dice: np.random.Generator, *, campaign: bool = False) -> Request:
    """Return what the next customer asks for."""
    route = str(dice.choice(list(SHARES), p=list(SHARES.values())))
    if route == "/cart":
        items = PLAIN[dice.integers(len(PLAIN))]
        return Request(path="/cart?" + "&".join(f"item={item}" for item in items))
    if route == "/checkout":
        items, coupon = _cart(dice, campaign=campaign)
        pairs = (item.split(":") for item in items)
        order = {"items": [{"sku": sku, "quantity": int(count)} for sku, count in pairs], "coupon": coupon}
        return Request(path="/checkout", body=json.dumps(order).encode())
    return Request(path=route)


def _cart(dice: np.random.Generator, *, campaign: bool) -> tuple[tuple[str, ...], str | None]:
    if campaign and dice.random() < CAMPAIGN_CARTS:
        return _lines(dice, int(dice.integers(7, 17))), None
    kind = dice.random()
    if kind < LONG_CARTS:
        return _lines(dice, 14), None
    if kind < LONG_CARTS + SMALL_COUPONS:
        return SMALL[dice.integers(len(SMALL))]
    if kind < LONG_CARTS + SMALL_COUPONS + LARGE_COUPONS:
        return LARGE[dice.integers(len(LARGE))]
    if kind < LONG_CARTS + SMALL_COUPONS + LARGE_COUPONS + BASKETS:
        return _lines(dice, int(dice.integers(4, 7))), None
    return PLAIN[dice.integers(len(PLAIN))], None


def _lines(dice: np.random.Generator, count: int) -> tuple[str, ...]:
    return tuple(f"{sku}:1" for sku in dice.choice(SKUS, size=count))


class Load:
    """Sends `rate` requests a second, one after the other, until the `with` block ends.

    It never catches up: what a slow or absent shop costs is lost, not sent later in a burst.
    """

    def __init__(self, port: int, *, rate: float = 30.0, seed: int = 7) -> None:
        if not 0 < rate <= HIGHEST_RATE:
            raise ValueError(f"a rate between 0 and {HIGHEST_RATE:g} requests a second is wanted, not {rate:g}")
        self._port = port
        self._interval = 1 / rate
        self._dice = np.random.default_rng(seed)
        self._counts: Counter[str] = Counter()
        self._orders = 0
        self._lock = threading.Lock()
        self._campaign = threading.Event()
        self._end = threading.Event()
        self._sender = threading.Thread(target=self._send_all, name="load")

    def __enter__(self) -> Self:
        self._sender.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._sender.join()

    @property
    def counts(self) -> dict[str, int]:
        """Requests sent so far by status ("200", "503", …), or "unanswered"."""
        with self._lock:
            return dict(self._counts)

    @property
    def orders(self) -> int:
        """Checkouts that went through so far."""
        with self._lock:
            return self._orders

    def campaign(self) -> None:
        """From now on half of the checkouts are hampers of 7 to 16 lines."""
        self._campaign.set()

    def _send_all(self) -> None:
        due = time.monotonic()
        while not self._end.wait(max(0.0, due - time.monotonic())):
            request = draw(self._dice, campaign=self._campaign.is_set())
            status = self._send(request)
            with self._lock:
                self._counts[status] += 1
                self._orders += request.path == "/checkout" and status == "200"
            due = max(due + self._interval, time.monotonic())

    def _send(self, request: Request) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2.0)
        try:
            connection.request("GET" if request.body is None else "POST", request.path, body=request.body)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return UNANSWERED
        else:
            return str(response.status)
        finally:
            connection.close()
