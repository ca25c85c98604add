import io
import json

import pytest

from shop.app import Shop
from shop.payment import CardNetwork
from shop.settings import Settings


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def shop(log: io.StringIO) -> Shop:
    settings = Settings(pool_size=2, timeout_ms=50, cache_ttl_s=10)
    return Shop(settings, revision="abc123", network=CardNetwork(answers_after_ms=0), log=log)


@pytest.mark.parametrize("page", ["/", "/catalogue", "/cart?item=tea:1"])
def test_pages_open(shop: Shop, page: str) -> None:
    assert shop.handle("GET", page).status == 200


def test_an_order_is_confirmed(shop: Shop) -> None:
    reply = shop.handle("POST", "/checkout", b'{"items": [{"sku": "tea", "quantity": 1}], "coupon": "WELCOME5"}')
    assert reply.status == 200
    assert json.loads(reply.body)["total"] == "3.04"


def test_nonsense_is_the_customers_mistake(shop: Shop) -> None:
    assert shop.handle("POST", "/checkout", b"not json").status == 400
    assert shop.handle("GET", "/cart?item=caviar:1").status == 404


def test_a_busy_stock_system_is_a_503_with_a_log_line(shop: Shop, log: io.StringIO) -> None:
    items = [{"sku": sku, "quantity": 1} for sku in ("tea", "honey", "soap")]
    assert shop.handle("POST", "/checkout", json.dumps({"items": items}).encode()).status == 503
    line = json.loads(log.getvalue())
    assert line["severity"] == "error"
    assert line["error"].startswith("StockBusy")


def test_requests_are_counted_and_the_revision_shown(shop: Shop) -> None:
    shop.handle("GET", "/")
    shop.handle("GET", "/healthz")
    text = shop.handle("GET", "/metrics").body.decode()
    assert 'http_requests_total{service="shop",route="/",status="200"} 1\n' in text
    assert 'build_info{service="shop",revision="abc123"} 1\n' in text
    assert 'route="/healthz"' not in text
