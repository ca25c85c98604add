from decimal import Decimal

import pytest

from shop import pricing


def test_lines_add_up() -> None:
    assert pricing.subtotal([(Decimal("3.20"), 2), (Decimal("2.40"), 1)]) == Decimal("8.80")


def test_no_coupon_takes_nothing_off() -> None:
    assert pricing.total(Decimal("7.80"), None) == Decimal("7.80")


def test_a_coupon_takes_its_share_off() -> None:
    assert pricing.total(Decimal("3.20"), "WELCOME5") == Decimal("3.04")
    assert pricing.total(Decimal("4.90"), "SUMMER20") == Decimal("3.92")


def test_an_unknown_coupon_is_refused() -> None:
    with pytest.raises(pricing.UnknownCoupon, match="FREE"):
        pricing.discount(Decimal("3.20"), "FREE")
