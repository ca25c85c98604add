"""Vendors of product analytics in trouble: sampled, cut, refusing, busy, and answering with garbage."""

from collections.abc import Generator
from datetime import date, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from cases.errors import PermanentError, SourceDown
from tests.parts.analytics import SECRET, TOKEN, Vendors, some_vendors
from tests.parts.connected import DAY, HOUR, LOADS, NOON, VENDORS, given, reader


@pytest.fixture
def vendors() -> Generator[Vendors]:
    with some_vendors() as running:
        yield running


# -- not the whole truth


SAID: dict[str, tuple[dict[str, Any], str]] = {
    "sampled": (
        {"sampling_metadatas": [{"samples_read_count": 500, "sampling_space_size": 9000}]},
        "it is sampled: 500 of 9000 events were read",
    ),
    "other row": ({"data_loss_from_other_row": True}, 'some rows are rolled into "(other)"'),
    "thresholds": ({"subject_to_thresholding": True}, "small counts are withheld (thresholding)"),
}


@pytest.mark.parametrize("flag", SAID)
def test_a_report_that_is_not_the_whole_truth_says_so(flag: str, vendors: Vendors, tmp_path: Path) -> None:
    vendors.metadata, said = SAID[flag]
    given(vendors, date(2026, 3, 14), [10, 20, 30])
    asked: dict[str, Any] = {"metric": "eventCount", "event": "load"}
    assert reader("ga4", vendors, tmp_path, **asked).block(8 * DAY).partial == said
    assert reader("ga4", vendors, tmp_path, sampled="accept", **asked).block(8 * DAY).partial == ""
    with pytest.raises(PermanentError) as refused:
        reader("ga4", vendors, tmp_path, sampled="refuse", **asked).block(8 * DAY)
    assert said in str(refused.value)


def test_what_was_partial_is_read_again_whole(vendors: Vendors, tmp_path: Path) -> None:
    given(vendors, date(2026, 3, 14), [10, 20, 30, 40, 50, 60])
    vendors.metadata = SAID["sampled"][0]
    found = reader("ga4", vendors, tmp_path, metric="eventCount", event="load", late="1d")
    assert found.block(6 * DAY).partial
    vendors.metadata = {}
    given(vendors, date(2026, 3, 14), [11, 21, 31, 41, 51, 61])
    found.clock.advance(6 * HOUR)
    assert found.block(6 * DAY).partial == ""
    assert found.counted(5 * DAY) == [11.0, 21.0, 31.0, 41.0, 51.0]


def test_values_that_were_cut_off_are_said_to_be(vendors: Vendors, tmp_path: Path) -> None:
    vendors.given = {name: {date(2026, 3, 19): 1.0} for name in ("web", "app")}
    vendors.there = 7
    mixpanel = reader("mixpanel", vendors, tmp_path, event="load", by="properties.os", most=2)
    assert mixpanel.block(DAY).partial == "it has 2 of 7 values of properties.os; raise `most`"
    amplitude = reader("amplitude", vendors, tmp_path, event="load", by="os", most=2)
    assert "raise `most`" in amplitude.block(DAY).partial
    http = reader("http", vendors, tmp_path)
    vendors.metadata = {"cut": True}
    assert http.block(DAY).partial == "the answer says so at meta.cut"


def test_a_query_that_posthog_cut_is_refused(vendors: Vendors, tmp_path: Path) -> None:
    given(vendors, date(2026, 3, 19), [1])
    vendors.has_more = True
    with pytest.raises(PermanentError, match="end it with a LIMIT"):
        reader("posthog", vendors, tmp_path, query="SELECT time, value FROM loads").block(DAY)


@pytest.mark.parametrize("kind", ["ga4", "posthog"])
def test_a_project_of_another_zone_is_refused(kind: str, tmp_path: Path) -> None:
    with some_vendors("America/New_York") as vendors:
        given(vendors, date(2026, 3, 14), [1, 2, 3])
        asked: dict[str, Any] = {"metric": "eventCount", "event": "load"} if kind == "ga4" else {"query": "SELECT 1"}
        with pytest.raises(PermanentError, match=r"time zone is America/New_York; write it into `zone`"):
            reader(kind, vendors, tmp_path, **asked).block(DAY)


# -- vendors in trouble


@pytest.mark.parametrize("kind", [*VENDORS, "http"])
def test_too_many_questions_are_answered_by_waiting_as_long_as_they_say(
    kind: str, vendors: Vendors, tmp_path: Path
) -> None:
    given(vendors, date(2026, 3, 14), [10, 20, 30, 40, 50, 60])
    vendors.fails = [(429, {"Retry-After": "900"}, {"error": "slow down"})]
    found = reader(kind, vendors, tmp_path, **LOADS[kind])
    with pytest.raises(SourceDown, match="that it is asked too much: slow down") as busy:
        found.block(DAY)
    assert timedelta(seconds=900) == busy.value.retry_after
    assert busy.value.busy
    found.clock.advance(timedelta(seconds=899))
    with pytest.raises(SourceDown) as busy:
        found.block(DAY)
    assert timedelta(seconds=1) == busy.value.retry_after
    assert len(vendors.asked) == 1
    found.clock.advance(timedelta(seconds=1))
    assert found.block(DAY).labels


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (format_datetime(NOON + timedelta(minutes=10), usegmt=True), timedelta(minutes=10)),
        ("99999999999", HOUR),
        ("soon", timedelta(minutes=5)),
        ("", timedelta(minutes=5)),
    ],
    ids=["a date", "years", "no time", "nothing"],
)
def test_how_long_a_vendor_may_make_us_wait(asked: str, wait: timedelta, vendors: Vendors, tmp_path: Path) -> None:
    vendors.fails = [(429, {"Retry-After": asked} if asked else {}, {})]
    with pytest.raises(SourceDown) as busy:
        reader("amplitude", vendors, tmp_path, event="load").block(DAY)
    assert wait == busy.value.retry_after


@pytest.mark.parametrize("kind", [*VENDORS, "http"])
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_named_by_their_place(kind: str, status: int, vendors: Vendors, tmp_path: Path) -> None:
    basic = kind in {"amplitude", "mixpanel"}
    vendors.fails = [(status, {}, {"error": f"who is {SECRET if basic else TOKEN}?"})]
    with pytest.raises(PermanentError) as refused:
        reader(kind, vendors, tmp_path, **LOADS[kind]).block(DAY)
    place = "auth.basic.password" if basic else "auth.bearer"
    assert f"check {place} (file:{tmp_path}" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert TOKEN not in str(refused.value)


GARBAGE: dict[str, tuple[int, dict[str, str], object] | bytes] = {
    "a page": (200, {"Content-Type": "text/html"}, b"<html>maintenance</html>"),
    "half of it": b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"data": {',
    "half of it, without a length": b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"data": {',
    "a list": (200, {}, []),
    "nothing": (200, {}, {}),
    "null": (200, {}, None),
    "other shapes": (200, {}, {"data": 7, "results": {"a": 1}, "rows": 3, "columns": ["x"]}),
    "bad rows": (
        200,
        {},
        {"data": {"values": {"load": 3}, "items": 9}, "rows": [{}], "columns": [1], "results": [[1, 2]]},
    ),
    "a server's error": (502, {}, b"<html>bad gateway</html>"),
    "a redirect": (302, {"Location": "http://127.0.0.1:9/login"}, b""),
}


@pytest.mark.parametrize("kind", [*VENDORS, "http"])
@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_never_a_reading(kind: str, garbage: str, vendors: Vendors, tmp_path: Path) -> None:
    vendors.fails = [GARBAGE[garbage]]
    asked: dict[str, Any] = {"query": "SELECT 1 AS time"} if kind == "posthog" else LOADS[kind]
    with pytest.raises(SourceDown, match=r"^visits: "):
        reader(kind, vendors, tmp_path, **asked).block(DAY)


@pytest.mark.parametrize("kind", VENDORS)
def test_a_question_that_is_refused_is_quoted(kind: str, vendors: Vendors, tmp_path: Path) -> None:
    said = (
        {"error": {"code": 400, "message": "Field xyz is not a valid metric"}}
        if kind == "ga4"
        else {"error": "unknown event xyz"}
    )
    vendors.fails = [(400, {}, said)]
    with pytest.raises(PermanentError, match=r"refuses the question \(400\): (Field xyz|unknown event xyz)"):
        reader(kind, vendors, tmp_path, **LOADS[kind]).block(DAY)


def test_rows_that_are_finer_than_a_day_are_refused(vendors: Vendors, tmp_path: Path) -> None:
    rows = [{"day": f"2026-03-19T{hour:02}:00:00", "number": hour} for hour in range(3)]
    vendors.fails = [(200, {}, {"data": {"items": rows}})]
    with pytest.raises(PermanentError, match="several rows for a day; aggregate them, or set `bucket`"):
        reader("http", vendors, tmp_path, labels={}).block(DAY)


def test_a_vendor_that_failed_is_left_alone_for_a_while(vendors: Vendors, tmp_path: Path) -> None:
    given(vendors, date(2026, 3, 19), [10])
    vendors.fails = [(500, {}, {}), (401, {}, {})]
    found = reader("mixpanel", vendors, tmp_path, event="load")
    for fails in (SourceDown, PermanentError):
        for _ in range(10):
            with pytest.raises(fails):
                found.block(DAY)
            found.clock.advance(timedelta(minutes=1))
    assert found.now() == 10.0
    assert len(vendors.asked) == 3
