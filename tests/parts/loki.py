"""Log stand-ins for tests, the recorded exchanges of a real Loki, and a client that sends them again."""

import http.client
import json
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from demo.loki.standin import LokiStandIn

RECORDED = Path(__file__).parents[1] / "data" / "loki" / "golden.jsonl"
RECORDED_AT = datetime(2026, 11, 21, 9, 39, 21, 386_000, tzinfo=UTC)
"""When the exchanges were recorded: the `now` of queries that name no end."""

_FIRST = 1_795_253_661_313_086_448  # the first of 300 lines, a second apart
_CUT = 2_000  # the recorder kept that many characters of a request


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One recorded request and what Loki answered."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str]
    sent: str
    status: int
    kind: str | None
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a server answered."""

    status: int
    kind: str | None
    body: str


def recorded() -> list[Exchange]:
    """The exchanges in the order in which they were recorded; the one that was cut is whole again."""
    found: list[Exchange] = []
    for line in RECORDED.read_text().splitlines():
        row = json.loads(line)
        sent: str = row["request_body"]
        if len(sent) == _CUT:
            whole = _three_hundred_lines()
            assert whole.startswith(sent), "the lines that are pushed again are those that were recorded"
            sent = whole
        found.append(
            Exchange(
                name=row["name"],
                method=row["method"],
                path=row["path"],
                headers=row["request_headers"],
                sent=sent,
                status=row["status"],
                kind=row["content_type"],
                body=row["body"],
            )
        )
    return found


def _three_hundred_lines() -> str:
    texts = (
        f'level=error msg="checkout KeyError" dur={299 - i}ms'
        if i % 3 == 2
        else f'level=info msg="checkout ok" dur={299 - i}ms'
        for i in range(300)
    )
    values = [[str(_FIRST + i * 10**9), text] for i, text in enumerate(texts)]
    streams = {"streams": [{"stream": {"app": "shop", "env": "prod"}, "values": values}]}
    return json.dumps(streams, separators=(",", ":"))


def moved(text: str, minutes: int) -> str:
    """The same text with its recorded times that many minutes later: a real Loki refuses what is old."""
    text = re.sub(r"(?<!\d)179[45]\d{6}(\d{9})?(?!\d)", lambda at: _later(at[0], minutes), text)
    return re.sub(r"(?<!\d)179[45]\d{6}(?=\.)", lambda at: _later(at[0], minutes), text)


def _later(at: str, minutes: int) -> str:
    return str(int(at) + minutes * 60 * 10 ** (len(at) - 10))


def send(url: str, exchange: Exchange) -> Answered:
    """Send one exchange's request, just as it was recorded."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        body = exchange.sent.encode() if exchange.sent else None
        connection.request(exchange.method, parts.path + exchange.path, body, dict(exchange.headers))
        response = connection.getresponse()
        kind = response.getheader("Content-Type")
        return Answered(status=response.status, kind=kind, body=response.read().decode())
    finally:
        connection.close()


@contextmanager
def log_standin(now: datetime, most_lines: int = 5_000) -> Generator[LokiStandIn]:
    """A log stand-in at a moment that stands still."""
    with LokiStandIn(now=lambda: now, most_lines=most_lines) as running:
        yield running


def put(standin: LokiStandIn, labels: Mapping[str, str], lines: Iterable[tuple[int, str]]) -> None:
    """Lines straight into the stand-in's memory: (nanoseconds, text)."""
    standin.memory.add(dict(labels), [(at, text, {}) for at, text in lines])
