"""Stripe's list of charges as a local server: newest first, in pages, by the hour they were made; and nothing else.

Shape: as Stripe's reference shows it (https://docs.stripe.com/api/charges/list), the fields that count here.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "rk_test_reads-charges"


@dataclass
class Account:
    """Charges, and the questions that came. `answer` takes the place of the next ones."""

    url: str = ""
    charges: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    answer: object = None

    def charge(self, at: datetime, amount: int, *, refunded: int = 0, currency: str = "eur", **more: object) -> None:
        """Somebody pays."""
        self.charges.append(
            {
                "id": f"ch_{len(self.charges):04}", "object": "charge", "created": round(at.timestamp()),
                "amount": amount, "amount_captured": amount, "amount_refunded": refunded, "currency": currency,
                "status": "succeeded", **more,
            }
        )  # fmt: skip

    def listed(self, params: dict[str, str]) -> object:
        """One page."""
        self.asked.append(params)
        if self.answer is not None:
            return self.answer
        first, end = int(params["created[gte]"]), int(params["created[lt]"])
        found = sorted(self.charges, key=lambda one: (-one["created"], one["id"]))
        found = [one for one in found if first <= one["created"] < end]
        ids = [one["id"] for one in found]
        begin = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        limit = int(params.get("limit", "10"))
        assert limit <= 100
        data = found[begin : begin + limit]
        return {"object": "list", "url": "/v1/charges", "has_more": begin + limit < len(found), "data": data}


@contextmanager
def an_account() -> Generator[Account]:
    """A server with an account."""
    account = Account()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            known = self.headers["Authorization"] == f"Bearer {KEY}"
            status = 401 if not known else 200 if parts.path == "/v1/charges" else 404
            error = {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
            body = json.dumps(account.listed(dict(parse_qsl(parts.query))) if status == 200 else error).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    account.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield account
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
