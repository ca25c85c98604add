"""Places are blotted out for a reader outside, and what a cause is found by stays."""

import pytest

from cases.asking import REPOSITORY, Material
from cases.places import without_places
from remediation.model.quoting import cleaned

GONE = {
    "connect to 10.0.0.12:5432": "10.0.0.12",
    "peer [2001:db8::1]:443 and ::1": "2001:db8",
    "fe80::1ff:fe23:4567:890a down": "fe80",
    "postgres://ann@db.acme.example:5432/shop": "acme",
    "https://shop.acme.com/checkout?x=1": "acme",
    "db7.prod.internal:5432 refused": "db7",
    "shop.default.svc.cluster.local": "cluster",
    "pod shop-7d9f8b6c5d-x2x1z evicted": "7d9f8b6c5d",
    "node ip-10-0-0-1 is gone": "10-0-0-1",
    'up{instance="db1:9100"}': "db1",
    "host=web-3 level=error": "web-3",
    'File "/srv/acme/shop/pool.py", line 7': "/srv/acme",
    "open /home/ann/.netrc": "ann",
    "C:\\Users\\ann\\shop.py": "ann",
}
STAYS = (
    "GET /checkout 500 in 12:30:45.123 at 2026-01-02T03:04:05Z",
    "ValueError in shop/pricing.py:137 amount()",
    "java.io.IOException: at org.apache.kafka.Foo(Foo.java:10)",
    "std::vector<int> foo::bar and a::b",
    "v1.2.3 to 1.2.4, 99.9 %, 0x7f3a, e3: 0.5, 1,200 tokens",
    'sum by (service) (rate(http_requests_total{status=~"5.."}[1m]))',
    "server error: 500",
    "shop.checkout.total raised KeyError('sku')",
    "commit 0123456789abcdef0123456789abcdef01234567 by ann",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
)


@pytest.mark.parametrize("text", GONE)
def test_a_place_is_gone(text: str) -> None:
    assert GONE[text] not in without_places(text)
    assert "[redacted: " in without_places(text)


@pytest.mark.parametrize("text", STAYS)
def test_what_is_no_place_stays(text: str) -> None:
    assert without_places(text) == text


def test_the_last_name_of_a_path_stays() -> None:
    assert without_places("in /srv/acme/shop/pool.py:7") == "in [redacted: path]/pool.py:7"


def test_code_is_shown_as_it_is_without_its_secrets() -> None:
    text = (
        'URL = "http://db7.prod.internal:80"  # /srv/x/y\nTOKEN = "gh' + "p_" + 'A1b2C3d4E5A1b2C3d4E5A1b2C3d4E5A1b2C3"'
    )
    code, log = cleaned(
        [Material(title="t", source=REPOSITORY, text=text), Material(title="t", source="logs", text=text)], places=False
    )
    assert "db7.prod.internal" in code.text
    assert "/srv/x/y" in code.text
    assert "db7" not in log.text
    assert not any("A1b2C3" in piece.text for piece in (code, log))


def test_a_megabyte_takes_no_time_that_grows_with_its_square() -> None:
    for piece in ("a.", "1.", "1:", "a-", "/a", "host=", "://", "ip-"):
        without_places(piece * 60_000)
