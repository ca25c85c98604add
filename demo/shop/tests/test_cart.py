from decimal import Decimal

import pytest

from shop import cart, catalogue


def test_a_query_becomes_a_cart() -> None:
    wanted = cart.from_query(["tea:2", "honey:1"])
    assert [line.quantity for line in wanted.lines] == [2, 1]
    assert wanted.subtotal == Decimal("11.30")


def test_an_order_carries_its_coupon() -> None:
    order = {"items": [{"sku": "bread", "quantity": 1}], "coupon": "WELCOME5"}
    assert cart.from_order(order).coupon == "WELCOME5"


@pytest.mark.parametrize("order", [None, [], {}, {"items": []}, {"items": [{"sku": "tea", "quantity": 0}]}])
def test_what_is_no_order_is_refused(order: object) -> None:
    with pytest.raises(cart.BadCart):
        cart.from_order(order)


def test_what_is_not_on_the_shelf_cannot_be_bought() -> None:
    with pytest.raises(catalogue.UnknownProduct, match="caviar"):
        cart.from_query(["caviar:1"])
