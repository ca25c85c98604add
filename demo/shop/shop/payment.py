"""The card network."""

import threading
from dataclasses import dataclass
from decimal import Decimal


class PaymentTimeout(TimeoutError):
    """The card network did not answer in time."""


@dataclass(frozen=True)
class CardNetwork:
    """A card network that answers after a while; the real one sits behind the same method."""

    answers_after_ms: int = 12

    def authorise(self, amount: Decimal, *, timeout_ms: int) -> str:
        """Return the authorisation of that amount, or raise PaymentTimeout."""
        threading.Event().wait(min(self.answers_after_ms, timeout_ms) / 1000)
        if self.answers_after_ms > timeout_ms:
            raise PaymentTimeout(f"no answer for {amount} EUR within {timeout_ms} ms")
        return f"approved-{amount}"
