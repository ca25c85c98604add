"""Placing an order."""

import itertools
from dataclasses import dataclass
from decimal import Decimal

from shop import pricing
from shop.cart import Cart
from shop.payment import CardNetwork
from shop.settings import Settings
from shop.stock import StockPool


@dataclass(frozen=True)
class Order:
    """A paid order."""

    number: int
    total: Decimal
    authorisation: str

    @property
    def confirmation(self) -> str:
        """What the customer reads at the end."""
        return f"Thank you! Order {self.number} over {self.total} EUR is on its way."


class Checkout:
    """Takes carts, gives orders."""

    def __init__(self, settings: Settings, network: CardNetwork) -> None:
        self._settings = settings
        self._network = network
        self._stock = StockPool(settings.pool_size)
        self._numbers = itertools.count(1)

    def place(self, cart: Cart) -> Order:
        """Reserve the stock, charge the card and return the order.

        Raises StockBusy, PaymentTimeout, or UnknownCoupon.
        """
        with self._stock.reserve(len(cart.lines)):
            total = pricing.total(cart.subtotal, cart.coupon)
            authorisation = self._network.authorise(total, timeout_ms=self._settings.timeout_ms)
        return Order(next(self._numbers), total, authorisation)
