"""The log store for machines without Loki, and the agent that follows the shop's log file."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from demo.errors import TelemetryError
from demo.log_shipper import LogShipper
from demo.loki.logql import RefusedQueryError, parse
from demo.loki.memory import LogMemory
from demo.loki.standin import LokiStandIn

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW_NS = round(NOW.timestamp()) * 10**9
LABELS = {"service": "shop"}


@pytest.fixture
def standin() -> Iterator[LokiStandIn]:
    with LokiStandIn(now=lambda: NOW) as running:
        yield running


def shipper(log: Path, standin: LokiStandIn) -> LogShipper:
    return LogShipper(log, url=standin.url, labels=LABELS, now=lambda: NOW)


def texts(standin: LokiStandIn) -> list[str]:
    return [line.text for line in standin.memory.between(0, 2 * NOW_NS)]


def shop_line(message: str, second: int) -> str:
    return json.dumps({"timestamp": f"2026-03-01T11:59:{second:02}.250Z", "severity": "error", "message": message})


def until(done: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(200):
        if done():
            return
        pause.wait(0.05)
    raise AssertionError("it did not happen within 10 s")


def test_lines_are_shipped_once_and_whole(tmp_path: Path, standin: LokiStandIn) -> None:
    log, ship = tmp_path / "shop.log", shipper(tmp_path / "shop.log", standin)
    assert ship.ship() == 0, "there is no file yet"
    log.write_text(shop_line("one", 1) + "\n" + shop_line("two", 2)[:20])
    assert ship.ship() == 1
    with log.open("a") as stream:
        stream.write(shop_line("two", 2)[20:] + "\nno JSON at all\n\n")
    assert ship.ship() == 2
    assert ship.ship() == 0
    assert texts(standin) == [shop_line("one", 1), shop_line("two", 2), "no JSON at all"]
    first = standin.memory.between(0, 2 * NOW_NS)[0]
    assert first.at == NOW_NS - 59 * 10**9 + 250 * 10**6
    assert first.labels == {"service": "shop", "service_name": "shop", "detected_level": "error"}


def test_the_thread_follows_and_ships_the_end(tmp_path: Path, standin: LokiStandIn) -> None:
    log = tmp_path / "shop.log"
    log.write_text(shop_line("one", 1) + "\n")
    with shipper(log, standin) as ship:
        until(lambda: len(texts(standin)) == 1)
        ship.check()
        with log.open("a") as stream:
            stream.write(shop_line("last", 2) + "\n")
    assert len(texts(standin)) == 2


def test_what_could_not_be_pushed_is_pushed_again(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"
    log.write_text(shop_line("one", 1) + "\n")
    with LokiStandIn(now=lambda: NOW) as gone:
        ship = shipper(log, gone)
    with ship:
        until(lambda: "Connection refused" in ship.failure)
        with pytest.raises(TelemetryError, match="do not arrive: ConnectionRefusedError"):
            ship.check()
    with pytest.raises(ConnectionRefusedError):
        ship.ship()


def ask(standin: LokiStandIn, query: str, **more: str) -> tuple[int, str]:
    asked = urlencode({"query": query, **more})
    try:
        with urlopen(f"{standin.url}/loki/api/v1/query_range?{asked}", timeout=10) as response:  # noqa: S310 - our own
            return response.status, response.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('{app="shop"}', ["a error", "b fine", "c Error 7"]),
        ('{app=~"sh.*", app!="x"} |= "error"', ["a error"]),
        ('{app="shop"} |~ "(?i)error"', ["a error", "c Error 7"]),
        ('{app="shop"} != "fine" !~ `\\d`', ["a error"]),
        ('{app="till"}', []),
    ],
)
def test_filters(standin: LokiStandIn, query: str, found: list[str]) -> None:
    lines = ["a error", "b fine", "c Error 7"]
    standin.memory.add({"app": "shop"}, [(NOW_NS - 10 + i, line, {}) for i, line in enumerate(lines)])
    status, body = ask(standin, query, direction="forward")
    assert status == 200
    result = json.loads(body)["data"]["result"]
    assert found == sorted(line for stream in result for _, line in stream["values"])


@pytest.mark.parametrize(
    "query",
    ["", "{", "{}", "{app}", '{app="x"', '{app="x"} |', '{app="x"} |= x', "sum(", 'rate({app="x"})',
     'rate({app="x"}[5x])', '{app=~"("}', '{app="x"} trailing', 'topk(3, rate({app="x"}[5m]))', "🐈"],
)  # fmt: skip
def test_what_is_no_query_is_refused_in_plain_text(standin: LokiStandIn, query: str) -> None:
    with pytest.raises(RefusedQueryError):
        parse(query)
    status, body = ask(standin, query)
    assert status == 400
    assert body.startswith("parse error")


def test_the_memory_is_bounded_and_knows_no_doubles() -> None:
    memory = LogMemory(most=50)
    memory.add(LABELS, [(i, f"line {i}", {}) for i in range(60)])
    memory.add(LABELS, [(50, "line 50", {})])
    kept = memory.between(0, 10**9)
    assert len(kept) == 50
    assert kept[0].at == 10


def test_it_says_when_it_does_not_run() -> None:
    standin = LokiStandIn(now=lambda: NOW)
    with pytest.raises(TelemetryError, match="never started"):
        _ = standin.url
    with standin:
        standin.check()
    with pytest.raises(TelemetryError, match="does not run"):
        standin.check()
