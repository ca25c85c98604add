import json
import sqlite3
from pathlib import Path

import pytest

from shop.app import Shop
from shop.flags import BUTTON, Flags, Record, Shown
from shop.payment import CardNetwork
from shop.settings import Settings

FILE = Path(__file__).parents[1] / "config" / "flags.json"
WIDEST = 24
"""Letters that fit on the button of a small phone."""


def served(tmp_path: Path, shown: Shown) -> Shop:
    flags = Flags(lambda *_: shown, Record(tmp_path / "record.db"))
    settings = Settings(pool_size=2, timeout_ms=50, cache_ttl_s=10)
    return Shop(settings, revision="abc123", network=CardNetwork(answers_after_ms=0), flags=flags)


def rows(tmp_path: Path, query: str) -> list[tuple[str, ...]]:
    read = sqlite3.connect(tmp_path / "record.db")
    found = read.execute(query).fetchall()
    read.close()
    return found


def test_whatever_the_flag_may_show_fits_the_button() -> None:
    flag = json.loads(FILE.read_text())["flags"].get("checkout_button", {"variants": {"control": BUTTON}})
    for text in flag["variants"].values():
        assert text.strip() == text != ""
        assert len(text) <= WIDEST


def test_who_is_in_an_experiment_sees_its_text_and_is_written_down(tmp_path: Path) -> None:
    shop = served(tmp_path, Shown("Buy", "treated", tried=True))
    reply = shop.handle("GET", "/cart?item=tea:1&user=ann")
    assert json.loads(reply.body)["button"] == "Buy"
    assert rows(tmp_path, "SELECT flag, unit, variant FROM exposures") == [("checkout_button", "ann", "treated")]


def test_who_is_in_none_is_not(tmp_path: Path) -> None:
    shop = served(tmp_path, Shown("Buy", "control"))
    assert json.loads(shop.handle("GET", "/cart?item=tea:1&user=ann").body)["button"] == "Buy"
    assert json.loads(shop.handle("GET", "/cart?item=tea:1").body)["button"] == BUTTON
    assert rows(tmp_path, "SELECT * FROM exposures") == []


def test_what_users_did_is_written_down(tmp_path: Path) -> None:
    shop = served(tmp_path, Shown("Buy"))
    order = b'{"items": [{"sku": "tea", "quantity": 1}], "user": "ann"}'
    assert shop.handle("POST", "/checkout", order).status == 200
    assert shop.handle("POST", "/events", b'{"user": "bob", "what": "left"}').status == 200
    assert rows(tmp_path, "SELECT unit, what FROM events") == [("ann", "finished"), ("bob", "left")]


@pytest.mark.parametrize("body", [b'{"user": "ann", "what": "slept"}', b"[]", b'{"user": "ann"}'])
def test_what_no_user_does_is_refused(tmp_path: Path, body: bytes) -> None:
    assert served(tmp_path, Shown("Buy")).handle("POST", "/events", body).status == 400
