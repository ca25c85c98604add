"""The Loki client: on the stand-in that answers as a real one, and on a server that misbehaves."""

import gzip
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cases.errors import PermanentError, SourceDown, TemporaryError
from cases.telemetry import LogLine, SeriesBlock, Signal
from demo.loki.standin import Fault, LokiStandIn
from signals.loki.source import LokiSource
from tests.parts.loki import log_standin, put
from tests.parts.misbehaving import Misbehaving, drips, floods, misbehaving, stalls
from tests.parts.web import says

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW_NS = round(NOW.timestamp()) * 10**9
SECRET = "s3cr3t-token-7f2a"
SELECTOR, ERRORS = '{app="shop"}', '|~ "(?i)error"'
SHOP = {"app": "shop", "pod": "a"}


@pytest.fixture(scope="module")
def standin() -> Iterator[LokiStandIn]:
    with log_standin(NOW) as running:
        yield running


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with misbehaving() as running:
        yield running


def source_at(url: str, **more: Any) -> LokiSource:  # noqa: ANN401 - the source's own settings
    settings: dict[str, Any] = {"selector": SELECTOR, "errors": ERRORS, **more}
    return LokiSource("logs", url=url, **settings)


def everything(source: LokiSource, since: int, until: int) -> tuple[list[LogLine], int]:
    """All lines of a stretch, page by page, and how many pages it took."""
    found: list[LogLine] = []
    for pages in range(1, 500):
        page = source.errors(since, until)
        assert page.cursor > since or page.whole, "each page goes on"
        since = page.cursor
        found += page.lines
        if page.whole:
            assert since == until
            return found, pages
    raise AssertionError("it never ends")


def stream(*values: list[str], **labels: str) -> dict[str, object]:
    return {"stream": labels or SHOP, "values": list(values)}


def answer(*streams: object, kind: str = "streams") -> str:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": list(streams)}})


def test_pages_have_no_overlap_and_no_gap(standin: LokiStandIn) -> None:
    since = NOW_NS - 3_000 * 10**9
    times = [since + i // 3 * 10**9 for i in range(900)]  # three lines share each nanosecond
    texts = [f"error {i}" for i in range(900)]
    put(standin, {"app": "shop", "set": "pages"}, zip(times, texts, strict=True))
    source = source_at(standin.url, selector='{set="pages"}', limit=50)
    found, pages = everything(source, since, NOW_NS)
    source.close()
    assert texts == [line.text for line in found]
    assert pages > 900 // 50
    assert found[0].labels["detected_level"] == "error"


def test_both_ends_are_kept(standin: LokiStandIn) -> None:
    at = NOW_NS - 500 * 10**9
    put(standin, {"app": "shop", "set": "ends"}, [(at + i, f"error {i}") for i in range(5)])
    source = source_at(standin.url, selector='{set="ends"}')
    page = source.errors(at + 1, at + 4)
    source.close()
    assert [line.text for line in page.lines] == ["error 1", "error 2", "error 3"]
    assert (at + 4, True) == (page.cursor, page.whole)


@pytest.fixture(scope="module")
def small() -> Iterator[LokiStandIn]:
    """One that answers with 100 lines at most."""
    with log_standin(NOW, most_lines=100) as running:
        yield running


@pytest.mark.parametrize("streams", [1, 150])
def test_more_lines_than_a_page_in_one_nanosecond(small: LokiStandIn, streams: int) -> None:
    standin, at = small, NOW_NS - (1_000 + streams) * 10**9
    texts = [f'error of order "{i}" (a+b)' for i in range(600 // streams)] + [
        "the same error",
        "the",
        "error\n",
        "erro r error",
    ]
    texts = [text for text in texts if "error" in text]
    for pod in range(streams):
        labels = {"app": "shop", "set": f"moment{streams}", "pod": str(pod)}
        put(standin, labels, [(at, text) for text in texts])
        put(standin, labels, [(at + 1, "an error just after")])
    source = source_at(standin.url, selector=f'{{set="moment{streams}"}}', timeout=timedelta(seconds=20))
    found, pages = everything(source, at - 10, at + 10)
    source.close()
    assert sorted([*texts, "an error just after"] * streams) == sorted(line.text for line in found)
    assert pages <= 3, "the moment, and what comes after it"


def test_a_moment_that_cannot_be_told_apart_is_said(server: Misbehaving) -> None:
    server.behave = says(200, answer(stream(*[["5", "error"]] * 5_000)))
    source = source_at(server.url, limit=5_000)
    with pytest.raises(SourceDown, match=r"at the one nanosecond 5 than can be told apart .* narrow `selector`"):
        source.errors(0, 10)
    source.close()


def test_long_lines_are_read_fewer_at_a_time(standin: LokiStandIn) -> None:
    at = NOW_NS - 2_500 * 10**9
    texts = [f"error {i} " + "x" * 20_000 for i in range(40)]
    put(standin, {"app": "shop", "set": "long"}, [(at + i, text) for i, text in enumerate(texts)])
    source = source_at(standin.url, selector='{set="long"}', max_response_bytes=200_000)
    assert texts == [line.text for line in everything(source, at, at + 100)[0]]
    source.close()


def test_a_loki_that_allows_fewer_lines_gets_its_way(server: Misbehaving) -> None:
    def behave(request: BaseHTTPRequestHandler) -> None:
        limit = int(parse_qs(urlsplit(request.path).query)["limit"][0])
        refusal = f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > 10)"
        does = says(400, refusal, "text/plain") if limit > 10 else says(200, answer(stream(["5", "error"])))
        does(request)

    server.behave = behave
    source = source_at(server.url)
    assert [round(source.errors(0, 10).lines[0].at.timestamp() * 1e9) + 5 for _ in range(2)] == [5, 5]
    source.close()
    assert len(server.asked) == 3, "asked once too much, and never again"


def test_a_stretch_is_at_most_a_day(server: Misbehaving) -> None:
    server.behave = says(200, answer())
    source = source_at(server.url)
    day = 86_400 * 10**9
    page = source.errors(0, 3 * day)
    source.close()
    assert (day, False) == (page.cursor, page.whole)


def test_less_is_asked_for_where_much_is_not_answered_in_time(server: Misbehaving) -> None:
    def behave(request: BaseHTTPRequestHandler) -> None:
        window = parse_qs(urlsplit(request.path).query)
        long = int(window["end"][0]) - int(window["start"][0]) > 3_600 * 10**9
        does = stalls(server) if long else says(200, answer())
        does(request)

    server.behave = behave
    source = source_at(server.url, timeout=timedelta(seconds=0.1))
    for _ in range(3):
        with pytest.raises(SourceDown, match="did not answer in full"):
            source.errors(0, 10**15)
    page = source.errors(0, 10**15)
    source.close()
    assert 0 < page.cursor < 3_600 * 10**9
    assert not page.whole


def read(source: LokiSource, query: str, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
    signal = Signal(name="errors", service="shop", source="logs", query=query)
    return source.read(signal, start, end, step)


def test_a_metric_query_is_readings_on_the_grid(standin: LokiStandIn) -> None:
    minute = timedelta(minutes=1)
    at = NOW - timedelta(hours=3)
    for pod, every in (("a", 10), ("b", 30)):
        lines = [(round(at.timestamp() + s) * 10**9, f"error {s}") for s in range(1, 241, every)]
        put(standin, {"app": "shop", "set": "metric", "pod": pod}, lines)
    source = source_at(standin.url, points_per_request=4)
    query = 'sum by (pod) (count_over_time({set="metric"} |= "error" [1m]))'
    block = read(source, query, at, at + 6 * minute, minute)
    between = read(source, query, at + minute / 2, at + 2.5 * minute, minute)
    source.close()
    assert [dict(labels) for labels in block.labels] == [{"pod": "a"}, {"pod": "b"}]
    assert block.values[0, 1:5].tolist() == [6.0] * 4
    assert block.values[1, 1:5].tolist() == [2.0] * 4
    assert block.missing[0].tolist() == [True, False, False, False, False, True, True], "no line is no reading"
    assert between.missing[0].tolist() == [True, False, False], "a point between shows the evaluation before it"


def test_many_points_and_long_stretches_are_asked_for_in_pieces(server: Misbehaving) -> None:
    server.behave = says(200, answer(kind="matrix"))
    source = source_at(server.url)
    end = NOW + timedelta(days=70)
    assert read(source, 'rate({a="b"}[5m])', NOW, end, timedelta(hours=1)).values.shape == (0, 70 * 24 + 1)
    assert read(source, 'rate({a="b"}[5m])', NOW, NOW + timedelta(days=8), timedelta(seconds=60)).labels == ()
    source.close()
    windows = [parse_qs(urlsplit(path).query) for path, _ in server.asked]
    assert len(windows) == 3 + 2
    assert all(int(w["end"][0]) - int(w["start"][0]) <= 30 * 86_400 * 10**9 for w in windows)


def test_probe_says_what_it_is(standin: LokiStandIn) -> None:
    source = source_at(standin.url)
    assert f"Loki at {standin.url}" == source.probe()
    source.close()


def test_probe_says_that_it_is_not_ready(standin: LokiStandIn) -> None:
    standin.misbehave(Fault.NOT_READY)
    source = source_at(standin.url)
    with pytest.raises(SourceDown, match="logs: is not ready: Ingester not ready: waiting for 15s"):
        source.probe()
    with pytest.raises(SourceDown, match=r"answered 503 .*: at least 1 live replicas"):
        source.errors(0, 5)
    source.close()


@pytest.mark.parametrize(
    ("fault", "because"),
    [
        (Fault.TOO_MANY, "answered 429 for the query .*: too many outstanding requests"),
        (Fault.BROKEN, "answered 500 for the query .*: rpc error: code = Unknown desc = empty ring"),
        (Fault.CUT, "broke its answer off"),
        (Fault.SLOW, r"did not answer in full within 0.4 s"),
    ],
)
def test_faults_make_the_source_down(fault: Fault, because: str) -> None:
    with log_standin(NOW) as running:
        running.misbehave(fault)
        source = source_at(running.url, timeout=timedelta(seconds=0.4))
        with pytest.raises(SourceDown, match=f"^logs: .*{because}") as failure:
            source.errors(NOW_NS - 10**9, NOW_NS)
        assert timedelta(seconds=7 if fault is Fault.TOO_MANY else 30) == failure.value.retry_after
        assert source.errors(NOW_NS - 10**9, NOW_NS).whole
        source.close()


def test_a_stopped_loki_is_down() -> None:
    with log_standin(NOW) as running:
        source = source_at(running.url)
    with pytest.raises(SourceDown, match="refuses connections: is it running"):
        source.errors(0, 5)
    source.close()


@pytest.mark.parametrize(
    ("status", "body", "kind", "because"),
    [
        (200, "<html>please log in</html>", "text/html", "not its API's JSON .text/html."),
        (200, "", "application/json", "not its API's JSON"),
        (200, "[" * 100_000, "application/json", "not its API's JSON"),
        (200, b"\xff\xfe{}", "application/json", "not its API's JSON"),
        (200, '{"status": "success", "data": {"result": 3}}', "", "not its API's JSON"),
        (200, answer(kind="matrix"), "application/json", "an answer of type 'matrix'"),
        (200, answer(3), "application/json", "a stream without labels"),
        (200, answer({"stream": {"a": 1}, "values": []}), "application/json", "a stream without labels"),
        (200, answer(stream(["x", "error"])), "application/json", "not .nanoseconds, text."),
        (200, answer({"stream": {}, "values": [[5, "error"]]}), "application/json", "not .nanoseconds, text."),
        (200, answer(stream(["50", "error"])), "application/json", "other times than were asked for"),
        (302, "", "text/html", "answered 302, a redirect"),
        (404, "404 page not found", "text/plain", "is `url` the address of Loki itself"),
        (502, "<html>" + "bad gateway " * 100, "text/html", "answered 502 .*: <html>bad gateway"),
    ],
)
def test_what_is_no_answer_makes_the_source_down(
    server: Misbehaving, status: int, body: str | bytes, kind: str, because: str
) -> None:
    server.behave = says(status, body, kind, Location="http://127.0.0.1:1/")
    source = source_at(server.url)
    with pytest.raises(SourceDown, match=f"^logs: .*{because}") as failure:
        source.errors(0, 10)
    source.close()
    assert len(server.asked) == 1, "backing off is the caller's"
    assert len(str(failure.value)) < 600


@pytest.mark.parametrize(
    ("status", "body", "because"),
    [
        (
            400,
            "parse error at line 1, col 12: syntax error: unexpected $end",
            "refuses the query .*: parse error at line 1",
        ),
        (401, "who are you?", "our credentials are refused"),
        (403, "no", "our credentials are refused"),
    ],
)
def test_what_only_a_human_can_mend(server: Misbehaving, status: int, body: str, because: str) -> None:
    server.behave = says(status, body, "text/plain")
    source = source_at(server.url)
    with pytest.raises(PermanentError, match=f"^logs: .*{because}"):
        source.errors(0, 10)
    source.close()


def test_lokis_own_sentence_comes_through(standin: LokiStandIn) -> None:
    source = source_at(standin.url, selector='{app="shop"', errors="")
    with pytest.raises(PermanentError, match=r"refuses .*: parse error at line 1, col 13: .* expecting } or ,"):
        source.errors(0, 10)
    source.close()


@pytest.mark.parametrize("attack", ["floods", "bombs", "drips headers", "drips body", "stalls"])
def test_nothing_holds_it_up_or_fills_it(server: Misbehaving, attack: str) -> None:
    bomb = says(200, gzip.compress(b" " * 50 * 2**20, 1), Content_Encoding="gzip")
    server.behave = {
        "floods": floods,
        "bombs": bomb,
        "drips headers": drips(server, headers=True),
        "drips body": drips(server, headers=False),
        "stalls": stalls(server),
    }[attack]
    source = source_at(server.url, timeout=timedelta(seconds=0.5), limit=1)
    because = {"floods": "more than 8 MiB", "bombs": "a packed body"}
    with pytest.raises(SourceDown, match=because.get(attack, "did not answer in full within 0.5 s")):
        source.errors(0, 10)
    source.close()


@pytest.mark.parametrize(("asked", "seconds"), [("17", 17), ("99999999", 300), ("soon", 30), ("9" * 40, 30)])
def test_retry_after_is_honoured_and_capped(server: Misbehaving, asked: str, seconds: int) -> None:
    server.behave = says(429, "slow down", "text/plain", Retry_After=asked)
    source = source_at(server.url)
    with pytest.raises(SourceDown) as failure:
        source.errors(0, 10)
    source.close()
    assert timedelta(seconds=seconds) == failure.value.retry_after


def test_headers_are_revealed_at_each_request(server: Misbehaving) -> None:
    server.behave = says(200, answer())
    tenants = iter(["one", "two"])
    source = source_at(server.url, headers=lambda: {"X-Scope-OrgID": next(tenants)})
    source.errors(0, 10)
    source.errors(0, 10)
    source.close()
    assert [headers["X-Scope-OrgID"] for _, headers in server.asked] == ["one", "two"]
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


def test_a_secret_that_cannot_be_read_now_makes_it_down(server: Misbehaving) -> None:
    def reveal() -> dict[str, str]:
        raise TemporaryError("cmd:pass … did not answer within 10 s")

    source = source_at(server.url, headers=reveal)
    with pytest.raises(SourceDown, match="cmd:pass … did not answer"):
        source.errors(0, 10)
    source.close()


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 500, 503])
def test_no_error_leaks_a_secret(server: Misbehaving, status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.behave = says(status, f"you sent Bearer {SECRET}", "text/plain")
    source = source_at(server.url, headers={"Authorization": f"Bearer {SECRET}"})
    with pytest.raises((SourceDown, PermanentError)) as failure:
        source.errors(0, 10)
    source.close()
    assert SECRET not in str(failure.value)
    assert failure.value.__cause__ is None
    assert SECRET not in repr(source)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("value", [f"{SECRET}\r\nX-Evil: 1", "", f" {SECRET}", f"{SECRET}é"])
def test_a_header_that_cannot_be_sent_is_named_and_not_shown(server: Misbehaving, value: str) -> None:
    source = source_at(server.url, headers={"Authorization": value})
    with pytest.raises(PermanentError, match="the value of header Authorization") as failure:
        source.errors(0, 10)
    source.close()
    assert SECRET not in str(failure.value)
    assert server.asked == []


@pytest.mark.parametrize(
    "url", ["ftp://h", "http://", "http://h:x", "http://u:p@h", "http://h/?a=b", "http://h/#f", "http://[::1"]
)
def test_an_address_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(PermanentError, match=r"^logs: the url"):
        source_at(url)
