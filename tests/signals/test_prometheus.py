"""What a Prometheus can do to its client, on a server that does it."""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from cases.errors import PermanentError, SourceDown
from cases.telemetry import SeriesBlock, Signal
from signals.prometheus import PrometheusSource
from tests.parts.misbehaving import Misbehaving, bombs, drips, floods, misbehaving, stalls
from tests.parts.prometheus import running_prometheus
from tests.parts.web import says

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEP = timedelta(minutes=1)
SHORT = timedelta(seconds=0.4)
SECRET = "s3cr3t-token-7f2a"
HEADERS = {"Authorization": f"Bearer {SECRET}", "X-Scope-OrgID": "7"}


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with misbehaving() as running:
        yield running


@pytest.fixture
def source(server: Misbehaving) -> Iterator[PrometheusSource]:
    made = PrometheusSource("main", url=server.url, timeout=timedelta(seconds=5), headers=HEADERS)
    yield made
    made.close()


def read(source: PrometheusSource, query: str = "up", minutes: float = 3) -> SeriesBlock:
    signal = Signal(name="load", service="shop", source="main", query=query)
    return source.read(signal, START, START + minutes * STEP, STEP)


def answer(*series: object, **more: object) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": list(series)}, **more})


def refusal(kind: str, text: str) -> str:
    return json.dumps({"status": "error", "errorType": kind, "error": text})


def hangs_up(_: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""


AT = START.timestamp()
GOOD = {"metric": {"a": "b"}, "values": [[AT, "1"], [AT + 120, "3"]]}


def test_one_request_brings_the_columns(server: Misbehaving, source: PrometheusSource) -> None:
    server.behave = says(200, answer(GOOD))
    block = read(source)
    assert block.labels == ({"a": "b"},)
    assert block.missing.tolist() == [[False, True, False, True]]
    assert len(server.asked) == 1
    _, headers = server.asked[0]
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["Accept-Encoding"] == "identity"


def test_packed_answers_are_an_option(server: Misbehaving) -> None:
    server.behave = says(200, answer(GOOD))
    source = PrometheusSource("main", url=server.url, compressed=True)
    read(source)
    source.close()
    assert server.asked[0][1]["Accept-Encoding"] == "gzip"


def test_a_window_keeps_its_milliseconds(server: Misbehaving, source: PrometheusSource) -> None:
    server.behave = says(200, answer())
    signal = Signal(name="load", service="shop", source="main", query="up")
    odd = START + timedelta(milliseconds=123)
    source.read(signal, odd, odd + timedelta(seconds=1), timedelta(milliseconds=250))
    path = server.asked[0][0]
    assert f"start={AT:.0f}.123" in path
    assert f"end={AT + 1:.0f}.123" in path
    assert "step=0.250" in path


def test_a_partial_answer_says_so(server: Misbehaving, source: PrometheusSource) -> None:
    warnings = ["store 3 did not answer", "PromQL info: metric might not be a counter"]
    server.behave = says(200, answer(GOOD, warnings=warnings))
    assert read(source).partial == "store 3 did not answer"


def test_a_remark_on_style_hides_nothing(server: Misbehaving, source: PrometheusSource) -> None:
    server.behave = says(200, answer(GOOD, infos=["metric might not be a counter"], warnings=None))
    assert read(source).partial == ""


@pytest.mark.parametrize(
    ("status", "body", "kind", "because"),
    [
        (200, "<html>please log in</html>", "text/html", "something that is not its API's JSON"),
        (200, "", "application/json", "something that is not its API's JSON"),
        (200, "[" * 100_000, "application/json", "something that is not its API's JSON"),
        (200, b"\xff\xfe{}", "application/json", "something that is not its API's JSON"),
        (200, "[]", "application/json", "something that is not its API's JSON"),
        (200, "{}", "application/json", "something that is not its API's JSON"),
        (200, '{"status": "success"}', "application/json", "an unknown shape"),
        (200, '{"status": "success", "data": {"result": 3}}', "application/json", "without a list of series"),
        (200, '{"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}}', "", "type 'scalar'"),
        (200, answer(3), "application/json", "a series that is not an object"),
        (200, answer({"values": []}), "application/json", "a series without labels"),
        (200, answer({"metric": {"a": 1}, "values": []}), "application/json", "a series without labels"),
        (200, answer({"metric": {}, "values": [[AT, 1]]}), "application/json", r"a sample that is not \[time, text\]"),
        (200, answer({"metric": {}, "values": [[AT, "many"]]}), "application/json", "a sample that is not a number"),
        (200, answer({"metric": {}, "values": [[AT + 1, "1"]]}), "application/json", "other times than were asked"),
        (200, answer({"metric": {}, "values": [[AT - 60, "1"]]}), "application/json", "other times than were asked"),
        (200, answer(GOOD, GOOD), "application/json", "the same series twice"),
        (503, "upstream is away", "text/plain", "answered 503 for the query `up`"),
        (503, refusal("timeout", "query timed out"), "application/json", "could not answer .*: query timed out"),
        (500, refusal("bad_data", "disk"), "application/json", "could not answer .*: disk"),
        (404, "404 page not found", "text/plain", "answered 404"),
        (302, "", "text/html", "answered 302"),
    ],
)
def test_what_is_no_answer_makes_the_source_down(
    server: Misbehaving, source: PrometheusSource, status: int, body: str | bytes, kind: str, because: str
) -> None:
    server.behave = says(status, body, kind)
    with pytest.raises(SourceDown, match=f"^main: .*{because}"):
        read(source)
    assert len(server.asked) == 1, "backing off is the caller's"


@pytest.mark.parametrize(
    ("status", "body", "because"),
    [
        (
            400,
            refusal("bad_data", '1:3: parse error: unexpected "}"'),
            "main: refuses the query `up.`: 1:3: parse error",
        ),
        (422, refusal("execution", "too many samples"), "too many samples. Correct the query"),
        (401, "who are you?", "credentials are refused. Check `auth` and `headers`"),
        (403, refusal("unauthorized", "no"), "credentials are refused"),
        (200, answer({"metric": {}, "histograms": []}), "gives native histograms"),
    ],
)
def test_what_only_a_human_can_mend_is_permanent(
    server: Misbehaving, source: PrometheusSource, status: int, body: str, because: str
) -> None:
    server.behave = says(status, body)
    with pytest.raises(PermanentError, match=because):
        read(source, "up}")


def test_it_waits_as_long_as_it_is_asked_to_within_reason(server: Misbehaving, source: PrometheusSource) -> None:
    server.behave = says(429, "slow down", "text/plain", Retry_After="90")
    with pytest.raises(SourceDown, match="429") as failure:
        read(source)
    assert failure.value.retry_after == timedelta(seconds=90)
    server.behave = says(429, "slow down", "text/plain", Retry_After="9" * 5000)
    with pytest.raises(SourceDown, match="429") as failure:
        read(source)
    assert failure.value.retry_after == timedelta(seconds=30)
    server.behave = says(503, "later", "text/plain", Retry_After="99999")
    with pytest.raises(SourceDown, match="503") as failure:
        read(source)
    assert failure.value.retry_after == timedelta(minutes=5)


@pytest.mark.parametrize("behaviour", [floods, bombs])
def test_no_answer_is_read_beyond_the_cap(
    server: Misbehaving, source: PrometheusSource, behaviour: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    server.behave = behaviour
    with pytest.raises(SourceDown, match="more than 8 MiB for the query `up`; narrow the query"):
        read(source)


@pytest.mark.parametrize("how", ["stalls", "drips headers", "drips the body"])
def test_nobody_holds_it_up(server: Misbehaving, how: str) -> None:
    server.behave = stalls(server) if how == "stalls" else drips(server, headers=how == "drips headers")
    source = PrometheusSource("main", url=server.url, timeout=SHORT)
    began = time.monotonic()
    with pytest.raises(SourceDown, match=r"did not answer in full within 0.4 s"):
        read(source)
    assert time.monotonic() - began < 2.0
    source.close()


def test_a_redirect_is_not_followed_to_another_door(server: Misbehaving, source: PrometheusSource) -> None:
    with misbehaving() as other:
        server.behave = says(307, "", Location=f"{other.url}/api/v1/query_range")
        with pytest.raises(SourceDown, match="a redirect, which is never followed"):
            read(source)
        assert other.asked == []


def test_cookies_are_not_kept(server: Misbehaving, source: PrometheusSource) -> None:
    server.behave = says(200, answer(), Set_Cookie="session=abc; Path=/")
    read(source)
    read(source)
    assert all("Cookie" not in headers for _, headers in server.asked)


def test_no_more_than_so_many_reads_at_a_time(server: Misbehaving) -> None:
    good = says(200, answer(GOOD))

    def slow(request: BaseHTTPRequestHandler) -> None:
        server.released.wait(0.05)
        good(request)

    server.behave = slow
    source = PrometheusSource("main", url=server.url, max_in_flight=2)
    threads = [threading.Thread(target=read, args=(source,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    source.close()
    assert len(server.asked) == 6
    assert server.most_at_once == 2


def test_whoever_finds_no_place_in_time_is_told(server: Misbehaving) -> None:
    server.behave = stalls(server)
    source = PrometheusSource("main", url=server.url, timeout=SHORT, max_in_flight=1)
    errors: list[str] = []

    def ask() -> None:
        try:
            read(source)
        except SourceDown as error:
            errors.append(error.because)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    source.close()
    assert len(errors) == 2
    assert any("busy" in error or "within" in error for error in errors)


def test_a_connection_that_is_hung_up_is_a_source_down(server: Misbehaving, source: PrometheusSource) -> None:
    server.behave = hangs_up
    with pytest.raises(SourceDown, match="closed the connection without an answer"):
        read(source)


def test_a_name_that_does_not_exist_is_a_source_down() -> None:
    source = PrometheusSource("main", url="http://nowhere.invalid:9090")
    with pytest.raises(SourceDown, match=r"http://nowhere\.invalid:9090 has no address"):
        read(source)
    source.close()


@pytest.mark.parametrize(
    ("url", "headers", "because"),
    [
        ("127.0.0.1:9090", {}, "needs http://"),
        ("http://127.0.0.1:port", {}, "a port that is a number"),
        ("http://[::1", {}, "a port that is a number"),
        (f"http://user:{SECRET}@127.0.0.1", {}, "carries a user or password"),
        (f"http://127.0.0.1/?token={SECRET}", {}, "carries a query"),
        ("http://127.0.0.1", {"Authorization": f"Bearer {SECRET}\n"}, "the value of header Authorization"),
        ("http://127.0.0.1", {"Authorization": f"Bearer {SECRET}é"}, "the value of header Authorization"),
        ("http://127.0.0.1", {"Authorization": ""}, "the value of header Authorization"),
        ("http://127.0.0.1", {"Bad name": SECRET}, "is no header name"),
    ],
)
def test_what_can_never_work_is_refused_without_showing_it(url: str, headers: dict[str, str], because: str) -> None:
    with pytest.raises(PermanentError, match=because) as failure:
        PrometheusSource("main", url=url, headers=headers)
    assert SECRET not in repr(failure.value)


@pytest.mark.parametrize(
    "behaviour",
    [
        says(200, f"<html>{SECRET}</html>", "text/html"),
        says(400, refusal("bad_data", f"header Bearer {SECRET} is not welcome")),
        says(503, refusal("internal", f"no backend for {SECRET}")),
        says(401, SECRET, SECRET),
        says(302, "", Location=f"http://elsewhere/?token={SECRET}"),
        hangs_up,
    ],
)
def test_it_leaks_no_secret(
    server: Misbehaving,
    source: PrometheusSource,
    caplog: pytest.LogCaptureFixture,
    behaviour: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    server.behave = behaviour
    with caplog.at_level(logging.DEBUG), pytest.raises((SourceDown, PermanentError)) as failure:
        read(source)
    seen = [repr(failure.value), str(failure.value), caplog.text, repr(source)]
    seen += [repr(error) for error in (failure.value.__cause__, failure.value.__context__) if error]
    assert not any(SECRET in text for text in seen), f"secret found in {seen}"


def test_a_warning_that_repeats_the_secret_is_cleaned(server: Misbehaving, source: PrometheusSource) -> None:
    server.behave = says(200, answer(GOOD, warnings=[f"tenant {SECRET}\x1b[31m is over its limit"]))
    assert read(source).partial == "tenant … [31m is over its limit"


def test_check_learns_the_version_of_a_real_one(tmp_path: Path) -> None:
    with running_prometheus(tmp_path) as running:
        source = PrometheusSource("main", url=running.url + "/")
        assert source.probe().startswith("Prometheus 2.")
        with pytest.raises(PermanentError, match=r"refuses the query `sum\(`: .*parse error"):
            read(source, "sum(")
        with pytest.raises(PermanentError, match="type"):
            read(source, '"text"')
        source.close()


def test_check_is_not_fooled_by_another_server(server: Misbehaving, source: PrometheusSource) -> None:
    server.behave = says(200, '{"status": "success", "data": {"name": "something else"}}')
    with pytest.raises(SourceDown, match="no version"):
        source.describe()


def test_neither_pandas_nor_matplotlib_is_ever_imported() -> None:
    code = "import sys, signals.prometheus; print([m for m in ('pandas', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"
