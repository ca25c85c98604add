"""What a Loki answers: 30 exchanges that a real one gave, sent again to the stand-in, and to `$LOKI_URL` where set."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.parts.loki import RECORDED_AT, Answered, Exchange, log_standin, moved, recorded, send

EXCHANGES = recorded()
NAMES = [exchange.name for exchange in EXCHANGES]
SERVERS = ["standin", *(["real"] if os.environ.get("LOKI_URL") else [])]


@pytest.fixture(scope="module", params=SERVERS)
def answers(request: pytest.FixtureRequest) -> Iterator[tuple[dict[str, Exchange], dict[str, Answered]]]:
    """Every exchange as it should be, and what the server answered when all were sent in order."""
    if request.param == "standin":
        with log_standin(RECORDED_AT) as running:
            yield {e.name: e for e in EXCHANGES}, {e.name: send(running.url, e) for e in EXCHANGES}
        return
    later = int(time.clock_gettime(time.CLOCK_REALTIME) - RECORDED_AT.timestamp()) // 60
    now = [
        Exchange(
            name=e.name,
            method=e.method,
            path=moved(e.path, later),
            headers=e.headers,
            sent=moved(e.sent, later),
            status=e.status,
            kind=e.kind,
            body=moved(e.body, later),
        )
        for e in EXCHANGES
    ]
    url = os.environ["LOKI_URL"]
    yield {e.name: e for e in now}, {e.name: send(url, e) for e in now}


def said(body: str) -> Any:  # noqa: ANN401 - JSON, or the text itself
    """What a body says: without statistics and the moment of asking; the order of labels and streams is nobody's."""
    try:
        document: dict[str, Any] = json.loads(body)
    except ValueError:
        return body
    data: dict[str, Any] = document["data"] if '"resultType"' in body else {}
    data.pop("stats", None)
    for series in data.get("result", []):
        if "value" in series:
            series["value"] = series["value"][1]
    for listed in (document.get("detectedLabels", []), data.get("result", [])):
        listed.sort(key=json.dumps)
    return document


def test_all_thirty_are_there() -> None:
    assert len(EXCHANGES) == 30
    assert len(set(NAMES)) == 30


@pytest.mark.parametrize("name", NAMES)
def test_an_exchange_is_answered_as_recorded(
    answers: tuple[dict[str, Exchange], dict[str, Answered]], name: str
) -> None:
    expected, answered = answers[0][name], answers[1][name]
    assert expected.status == answered.status
    assert expected.kind == answered.kind
    if name == "volume":  # its size counts what Loki keeps beside a line: only the shape is anybody's business
        wanted, got = said(expected.body), said(answered.body)
        assert int(got["data"]["result"][0].pop("value")) > 10_000
        wanted["data"]["result"][0].pop("value")
        assert wanted == got
        return
    if name == "too long":  # from the epoch to the moment of asking, which is another one
        assert answered.body.startswith("the query time range exceeds the limit (query length: ")
        assert answered.body.endswith("s, limit: 30d1h)")
        return
    assert said(expected.body) == said(answered.body)
