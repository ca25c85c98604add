"""The shop: one request in, one reply out. `shop.server` puts it on the network."""

import json
import os
import sys
import time
import traceback
from dataclasses import dataclass
from typing import TextIO
from urllib.parse import parse_qs, urlsplit

from shop import cart, catalogue, pricing
from shop.access_log import AccessLog
from shop.checkout import Checkout
from shop.metrics import ROUTES, Metrics
from shop.payment import CardNetwork, PaymentTimeout
from shop.settings import Settings
from shop.stock import StockBusy


@dataclass(frozen=True)
class Reply:
    """What goes back to the client."""

    status: int
    body: bytes
    content_type: str = "application/json"


def _json(status: int, value: object) -> Reply:
    return Reply(status, json.dumps(value).encode())


class Shop:
    """Routes requests, counts them, and writes a log line for each."""

    def __init__(
        self, settings: Settings, *, revision: str, network: CardNetwork | None = None, log: TextIO = sys.stdout
    ) -> None:
        self.settings = settings
        self.revision = revision
        self.metrics = Metrics(revision)
        self._log = AccessLog(log, revision)
        self._checkout = Checkout(settings, network or CardNetwork())
        self._catalogue: tuple[float, Reply] | None = None

    def handle(self, method: str, target: str, body: bytes = b"") -> Reply:
        """Answer one request. Never raises: what goes wrong inside is a 500 and a log line with its stack."""
        url = urlsplit(target)
        if url.path == "/healthz":
            return _json(200, {"status": "ok", "revision": self.revision, "pid": os.getpid()})
        if url.path == "/metrics":
            return Reply(200, self.metrics.render().encode(), "text/plain; version=0.0.4")
        if url.path not in ROUTES:
            return _json(404, {"error": "no such page"})
        begun = time.perf_counter()
        trouble: dict[str, object] = {}
        try:
            reply = self._page(method, url.path, url.query, body)
        except (cart.BadCart, pricing.UnknownCoupon, KeyError, ValueError) as error:
            reply = _json(400, {"error": str(error)})
        except catalogue.UnknownProduct as error:
            reply = _json(404, {"error": str(error)})
        except (StockBusy, PaymentTimeout) as error:
            reply = _json(503, {"error": "please try again"})
            trouble = {"error": f"{type(error).__name__}: {error}"}
        except Exception as error:  # noqa: BLE001 - the one place that turns a bug into a 500
            reply = _json(500, {"error": "something went wrong"})
            trouble = {"error": f"{type(error).__name__}: {error}", "stack": traceback.format_exc()}
        self._record(method, url.path, reply.status, time.perf_counter() - begun, trouble)
        return reply

    def _page(self, method: str, path: str, query: str, body: bytes) -> Reply:
        if path == "/checkout":
            if method != "POST":
                raise cart.BadCart("an order is a POST")
            order = self._checkout.place(cart.from_order(json.loads(body)))
            return _json(200, {"order": order.number, "total": str(order.total), "message": order.confirmation})
        if path == "/cart":
            wanted = cart.from_query(parse_qs(query).get("item", []))
            return _json(200, {"items": len(wanted.lines), "subtotal": str(wanted.subtotal)})
        if path == "/catalogue":
            return self._cached_catalogue()
        return _json(200, {"shop": "the corner shop", "products": len(catalogue.SHELF)})

    def _cached_catalogue(self) -> Reply:
        now = time.monotonic()
        if self._catalogue is None or now - self._catalogue[0] > self.settings.cache_ttl_s:
            self._catalogue = (now, _json(200, {"products": catalogue.page()}))
        return self._catalogue[1]

    def _record(self, method: str, route: str, status: int, seconds: float, trouble: dict[str, object]) -> None:
        self.metrics.count(route, status, seconds)
        severity = "error" if trouble else "info"
        request: dict[str, object] = {"route": route, "status": status, "duration_ms": round(seconds * 1000, 2)}
        self._log.write(severity, f"{method} {route} {status}", **request, **trouble)
