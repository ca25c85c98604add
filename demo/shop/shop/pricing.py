"""What a cart costs. Amounts are in euro; only the total is rounded."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
COUPONS = {"WELCOME5": Decimal("0.05"), "SUMMER20": Decimal("0.20")}


class UnknownCoupon(LookupError):
    """Somebody entered a coupon that we never gave out."""


def subtotal(lines: Iterable[tuple[Decimal, int]]) -> Decimal:
    """Add up lines of unit price and quantity."""
    return sum((price * quantity for price, quantity in lines), Decimal(0))


def discount(amount: Decimal, coupon: str | None) -> Decimal:
    """What the coupon takes off the amount."""
    if coupon is None:
        return Decimal(0)
    if coupon not in COUPONS:
        raise UnknownCoupon(f"no such coupon: {coupon}")
    return amount * COUPONS[coupon]


def total(amount: Decimal, coupon: str | None) -> Decimal:
    """What is left to pay, in whole cents."""
    return (amount - discount(amount, coupon)).quantize(CENT, rounding=ROUND_HALF_UP)
