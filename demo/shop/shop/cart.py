"""What somebody wants to buy."""

from dataclasses import dataclass
from decimal import Decimal

from shop import catalogue, pricing


class BadCart(ValueError):
    """The request does not describe a cart."""


@dataclass(frozen=True)
class Line:
    """One product, so many times."""

    product: catalogue.Product
    quantity: int


@dataclass(frozen=True)
class Cart:
    """Lines in the order they were put in, and the coupon, if any."""

    lines: tuple[Line, ...]
    coupon: str | None = None

    @property
    def subtotal(self) -> Decimal:
        """What the lines cost, before the coupon."""
        return pricing.subtotal((line.product.price, line.quantity) for line in self.lines)


def parse_line(sku: str, quantity: object) -> Line:
    """Build a line from what a request says."""
    if not isinstance(quantity, int) or quantity < 1:
        raise BadCart(f"{quantity!r} of {sku} cannot be bought")
    return Line(catalogue.find(sku), quantity)


def from_query(items: list[str]) -> Cart:
    """Build a cart from `tea:2` items of a query string."""
    lines: list[Line] = []
    for item in items:
        sku, _, quantity = item.partition(":")
        lines.append(parse_line(sku, int(quantity) if quantity.isdigit() else quantity))
    return Cart(tuple(lines))


def from_order(order: object) -> Cart:
    """Build a cart from the JSON body of a checkout."""
    if not isinstance(order, dict) or not isinstance(order.get("items"), list) or not order["items"]:
        raise BadCart("an order needs items")
    lines = tuple(parse_line(str(item["sku"]), item["quantity"]) for item in order["items"])
    return Cart(lines, order.get("coupon") or None)
