from decimal import Decimal

import pytest

from shop import cart
from shop.checkout import Checkout
from shop.payment import CardNetwork, PaymentTimeout
from shop.settings import Settings
from shop.stock import StockBusy

SETTINGS = Settings(pool_size=2, timeout_ms=10, cache_ttl_s=10)


def test_an_order_is_charged_and_numbered() -> None:
    checkout = Checkout(SETTINGS, CardNetwork(answers_after_ms=0))
    first, second = (checkout.place(cart.from_query(["tea:1"])) for _ in range(2))
    assert (first.number, second.number) == (1, 2)
    assert first.total == Decimal("3.20")
    assert first.authorisation == "approved-3.20"


def test_the_customer_reads_the_number_and_the_total() -> None:
    order = Checkout(SETTINGS, CardNetwork(answers_after_ms=0)).place(cart.from_query(["honey:1"]))
    assert "1" in order.confirmation
    assert "4.90 EUR" in order.confirmation


def test_a_cart_with_more_lines_than_connections_waits_for_another_day() -> None:
    checkout = Checkout(SETTINGS, CardNetwork(answers_after_ms=0))
    with pytest.raises(StockBusy, match="3 stock connections wanted, 2 of 2 free"):
        checkout.place(cart.from_query(["tea:1", "honey:1", "soap:1"]))


def test_a_slow_card_network_is_a_timeout_and_frees_its_connections() -> None:
    slow = Checkout(SETTINGS, CardNetwork(answers_after_ms=20))
    for _ in range(3):
        with pytest.raises(PaymentTimeout, match="within 10 ms"):
            slow.place(cart.from_query(["tea:1", "honey:1"]))
