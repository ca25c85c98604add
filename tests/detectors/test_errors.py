"""The book of errors: what is of one kind, how it is counted, what is forgotten, and that it can be written down."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from cases.moments import milliseconds
from cases.telemetry import LogLine
from detectors.counts import REMEMBERED
from detectors.errors import MOST_KINDS, Book, errors
from tests.detectors.test_traces import CHAINED, GO, JAVA, PYTHON

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def line(text: str, at: datetime = START, **labels: str) -> LogLine:
    return LogLine(at=at, labels={"app": "shop", "pod": "a", **labels}, text=text)


def folded(lines: Iterable[LogLine]) -> Book:
    book, listed = Book(), list(lines)
    book.fold(listed, "app")
    book.settle(max((one.at for one in listed), default=START) + MINUTE)
    return book


def whole(book: Book) -> dict[str, int]:
    return {one.signature: one.count for one in errors(book, "shop", START - 24 * HOUR, START + 24 * HOUR)}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("error: order 17 took 3.5s", "error: order 9 took 12s", True),
        ("error: no user 'ann'", "error: no user 'bob'", True),
        ("error 6f1c9d1e-1111-2222-3333-444455556666", "error 0a1c9d1e-9999-2222-3333-444455556666", True),
        ("error at 0xdeadbeef in 1f2e3d4c5b6a", "error at 0x1 in aaaaaaa7", True),
        ("2026-03-01T12:00:00.123Z error: away", "2026-03-02T01:30:00.999Z error: away", True),
        ("error: no rate", "error: no price", False),
        (PYTHON, PYTHON.replace("line 31", "line 99").replace("'SPRING'", "'FALL'"), True),
        (PYTHON, PYTHON.replace("/app/", "/srv/releases/0a1b2c3d/"), True),
        (PYTHON, PYTHON.replace("KeyError", "ValueError"), False),
        (PYTHON, PYTHON.replace("in discounted", "in total"), False),
        (json.dumps({"ts": 1, "message": "no rate", "dur": 5}), json.dumps({"ts": 2, "message": "no rate"}), True),
        (json.dumps({"error": "A: x", "message": "m"}), json.dumps({"error": "B: x", "message": "m"}), False),
        ('ts=1 level=error msg="no rate" dur=5ms', 'ts=2 level=error msg="no rate" dur=9ms', True),
    ],
)
def test_what_is_of_one_kind(one: str, other: str, alike: bool) -> None:  # noqa: FBT001 - a table's column
    assert (1 if alike else 2) == len(whole(folded([line(one), line(other, START + MINUTE)])))


def shipped(text: str, every: timedelta = timedelta(milliseconds=1), **labels: str) -> list[LogLine]:
    """A trace whose every line is an entry of its own; Loki says of each how it sounds."""
    return [
        line(part, START + i * every, detected_level="error" if "rror" in part else "unknown", **labels)
        for i, part in enumerate(text.rstrip().split("\n"))
    ]


@pytest.mark.parametrize("text", [PYTHON, JAVA.split("\n", 1)[1], GO, "ERROR:shop:boom\n" + PYTHON])
def test_a_trace_that_was_shipped_line_by_line_is_one_error(text: str) -> None:
    at_once = whole(folded([line(text)]))
    assert at_once == whole(folded(shipped(text)))
    assert list(at_once.values()) == [1]


def test_only_the_lines_that_the_filter_lets_through_are_needed() -> None:
    kept = [one for one in shipped(PYTHON) if "File" in one.text or "rror" in one.text or "Trace" in one.text]
    assert len(kept) == 4
    assert whole(folded([line(PYTHON)])) == whole(folded(kept))


def test_a_chained_trace_line_by_line_is_one_error_of_what_was_raised_last() -> None:
    (kind,) = errors(folded(shipped(CHAINED.removesuffix("is locked\n"))), "shop", START - HOUR, START + HOUR)
    assert kind.trace is not None
    assert kind.trace.exception == "shop.stock.StockBusy"


def test_two_traces_in_a_row_are_two_errors() -> None:
    twice = shipped(PYTHON) + [line(one.text, one.at + SECOND) for one in shipped(PYTHON)]
    assert list(whole(folded(twice)).values()) == [2]


def test_streams_that_speak_at_once_are_kept_apart() -> None:
    pairs = zip(shipped(PYTHON, pod="a"), shipped(PYTHON, pod="b"), strict=True)
    assert list(whole(folded(one for pair in pairs for one in pair)).values()) == [2]


def test_lines_that_only_look_alike_stay_apart() -> None:
    texts = ["ERROR: one thing", "ValueError: another", " ERROR padded", "error at home", "KeyError: 'x'"]
    assert sum(whole(folded(line(text, START + i * SECOND) for i, text in enumerate(texts))).values()) == 5


def test_the_rest_of_a_trace_is_no_error() -> None:
    assert whole(folded([line("\tat com.acme.Shop(Native", START), line("    ... 34 more", START + SECOND)])) == {}


def test_counts_before_and_since() -> None:
    times = [START + i * MINUTE for i in range(60)]
    book = folded([line("error: old", at) for at in times] + [line("error: new", at) for at in times[40:]])
    new, old = errors(book, "shop", START + 40 * MINUTE, START + 60 * MINUTE)
    assert (new.sample, new.count, new.before) == ("error: new", 20, 0)
    assert (old.sample, old.count, old.before) == ("error: old", 20, 20)
    assert (new.first, new.last) == (START + 40 * MINUTE, START + 59 * MINUTE)
    assert old.first == START


def test_a_kind_that_began_within_a_bucket_has_nothing_before() -> None:
    onset = START + 3 * MINUTE
    (kind,) = errors(folded(line("error", onset + i * SECOND) for i in range(30)), "shop", onset, onset + MINUTE)
    assert (kind.count, kind.before) == (30, 0)


def test_a_burst_within_a_bucket_is_told_from_what_came_before_it() -> None:
    onset = START + 3 * MINUTE
    calm = [line("error", START + i * 20 * SECOND) for i in range(9)]
    burst = [line("error", onset + i * SECOND) for i in range(60)]
    book = folded([*calm, *burst])
    (kind,) = errors(book, "shop", onset, onset + MINUTE)
    assert (kind.count, kind.before) == (60, 3)
    book.settle(START + 3 * HOUR)  # long past: the counts are coarse then, and all are there
    (kind,) = errors(book, "shop", START, START + HOUR)
    assert kind.count == 69


def test_new_kinds_come_first_then_the_most_frequent() -> None:
    old = [line(f"error: {name}", START - HOUR + i * SECOND) for i, name in enumerate(["much", "little"])]
    now = [line("error: much", START + i * SECOND) for i in range(9)]
    book = folded([*old, *now, line("error: little", START + MINUTE), line("error: new", START + MINUTE)])
    found = errors(book, "shop", START, START + HOUR)
    assert [one.sample for one in found] == ["error: new", "error: much", "error: little"]


def test_services_are_told_apart_by_their_label() -> None:
    book = folded([line("error: a", app="shop"), line("error: b", app="till")])
    assert book.services() == ("shop", "till")
    assert [one.sample for one in errors(book, "till", START - HOUR, START + HOUR)] == ["error: b"]
    assert errors(book, "nobody", START - HOUR, START + HOUR) == ()


def test_a_sample_is_one_capped_line() -> None:
    (kind,) = errors(folded([line("error \x1b[31m\x00" + "x" * 9_000 + "\n")]), "shop", START - HOUR, START + HOUR)
    assert len(kind.sample) <= 501
    assert kind.sample.isprintable()


def test_what_is_too_old_goes() -> None:
    book = folded([line("error: old")])
    book.settle(START + REMEMBERED + HOUR)
    assert book.services() == ()


def test_a_flood_of_kinds_keeps_the_frequent_ones() -> None:
    often = [line("error: often", START + i * SECOND) for i in range(50)]
    words = ["".join(chr(ord("a") + int(digit)) for digit in str(i)) for i in range(1_000)]
    flood = [line(f"error: {word}", START + HOUR + i * SECOND) for i, word in enumerate(words)]
    book = folded([*often, *flood])
    assert len(book.kinds("shop")) == MOST_KINDS
    assert book.forgotten == 1_001 - MOST_KINDS
    assert "error: often" in book.kinds("shop")


def test_it_can_be_written_down_at_any_moment() -> None:
    lines = [*shipped(PYTHON), line("error: order 7", START + MINUTE), *shipped(JAVA, pod="b")]
    expected = folded(lines).document()
    for cut in range(len(lines) + 1):
        first = Book()
        first.fold(lines[:cut], "app")
        second = Book.of(json.loads(json.dumps(first.document())))
        second.fold(lines[cut:], "app")
        second.settle(START + 2 * MINUTE)
        assert json.dumps(expected, sort_keys=True) == json.dumps(second.document(), sort_keys=True)


def test_a_book_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="of version 99"):
        Book.of({"version": 99})


def test_kinds_of_the_first_version_go_on_under_the_signatures_of_today() -> None:
    def old(at: datetime, sample: str) -> list[object]:
        ms = milliseconds(at)
        return [ms, ms, sample, {}, None, [], [[ms // 10_000, 3]]]

    kinds = {
        "error: order # took #s": old(START, "error: order 17 took 3.5s"),
        "error: order # took # min": old(START + MINUTE, "error: order 18 took 2 min"),
    }
    book = Book.of({"version": 1, "forgotten": 0, "kinds": {"shop": kinds}, "open": {}})
    assert list(whole(book).values()) == [6]
    book.fold([line("error: order 9 took 12s", START + 2 * MINUTE)], "app")
    book.settle(START + 3 * MINUTE)
    assert list(whole(book).values()) == [7]
    (seen,) = errors(book, "shop", START + MINUTE, START + HOUR)
    assert seen.first == START


def test_a_thousand_streams_stay_small() -> None:
    book = Book()
    book.fold([line("error: " + "x" * 100_000, START + i * SECOND, pod=str(i)) for i in range(1_000)], "app")
    assert len(json.dumps(book.document())) < 4_000_000
