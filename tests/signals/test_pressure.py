"""A source under pressure is asked for less: history first, then detail; and for all of it once it is at ease."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cases.errors import SourceDown
from cases.ports import Relieving
from cases.telemetry import SeriesBlock, Sight, Signal
from daemon.clock import ManualClock
from detectors.sight import sight
from signals.grid import grid
from signals.pressure import CALM, RISE, Pressure, Relief, laid, wider
from signals.prometheus import PrometheusSource
from signals.shared import SharedSource
from tests.parts.misbehaving import Misbehaving, misbehaving
from tests.parts.web import says

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SIGNAL = Signal(name="errors", service="shop", source="main", query="errors", threshold=0.5)


class Slow:
    """A source that takes as long as it is told to."""

    name = "main"

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.takes = 0.0
        self.busy = False
        self.asked: list[tuple[datetime, datetime, timedelta]] = []

    def probe(self) -> str:
        return "slow"

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        self.asked.append((start, end, step))
        self.clock.advance(timedelta(seconds=self.takes))
        if self.busy:
            raise SourceDown("main", "answered 429", busy=True)
        times = grid(start, end, step)
        values = (times[None, :] // 60_000 % 7).astype(np.float64)
        missing = np.zeros(values.shape, dtype=np.bool_)
        return SeriesBlock(signal=signal, labels=({},), times=times, values=values, missing=missing)


@pytest.fixture
def slow() -> Slow:
    return Slow(ManualClock(NOW))


def recent(source: SharedSource) -> SeriesBlock:
    return source.recent(SIGNAL, NOW - 30 * MINUTE, NOW, MINUTE)


def history(source: SharedSource) -> SeriesBlock:
    return source.history(SIGNAL, NOW - 14 * DAY, NOW, timedelta(minutes=10))


def pressed(source: SharedSource, slow: Slow, relief: Relief) -> None:
    """Let it answer late until it is relieved that much."""
    slow.takes = 3
    for _ in range(60):
        if source.pressure.relief is relief:
            return
        recent(source)
        slow.clock.advance(timedelta(seconds=5))
    raise AssertionError(f"never {relief}")


def test_one_late_answer_is_chance(slow: Slow) -> None:
    source = SharedSource(slow, slow.clock)
    for takes in (3, 0.1, 3, 0.1):
        slow.takes = takes
        recent(source)
    assert source.pressure.relief is Relief.NONE
    slow.takes = 60
    for _ in range(5):
        history(source)
    assert source.pressure.relief is Relief.NONE, "history may well take its time"


def test_history_is_put_off_first_and_let_through_a_little_at_a_time(
    slow: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    source = SharedSource(slow, slow.clock)
    assert isinstance(source, Relieving)
    with caplog.at_level(logging.INFO):
        pressed(source, slow, Relief.BACKFILL)
        slow.takes = 4
        history(source)  # nothing went into it yet
        with pytest.raises(SourceDown, match="main: is under pressure: history is put off"):
            history(source)
        assert len(recent(source).times) == 31
        assert not np.any(recent(source).missing), "recent readings are whole"
        slow.clock.advance(timedelta(seconds=40))
        history(source)
    assert [line for line in caplog.messages if "under pressure" in line] == [
        "main is under pressure: history is put off"
    ]


def test_then_detail_and_what_is_not_asked_for_is_missing(slow: Slow) -> None:
    source = SharedSource(slow, slow.clock)
    pressed(source, slow, Relief.DETAIL)
    block = recent(source)
    assert slow.asked[-1] == (NOW - 30 * MINUTE, NOW, 2 * MINUTE)
    assert block.missing[0].tolist() == [False, True] * 15 + [False]
    assert np.array_equal(block.values[0, ::2], (block.times[::2] // 60_000 % 7).astype(np.float64))
    assert sight(block, NOW, 5 * MINUTE).sight is Sight.FRESH, "the newest reading is always among them"
    whole = source.read(SIGNAL, NOW - 3 * DAY, NOW, timedelta(minutes=5))
    assert not np.any(whole.missing), "what an objective or a judgement needs is never thinned out"


def test_it_is_asked_for_all_of_it_once_it_is_at_ease(slow: Slow) -> None:
    source = SharedSource(slow, slow.clock)
    pressed(source, slow, Relief.DETAIL)
    slow.takes = 0.1
    seen = [source.pressure.relief]
    for _ in range(40):
        slow.clock.advance(timedelta(seconds=15))
        recent(source)
        if source.pressure.relief is not seen[-1]:
            seen.append(source.pressure.relief)
    assert seen == [Relief.DETAIL, Relief.BACKFILL, Relief.NONE]


def test_a_source_that_says_that_it_is_asked_too_much_is_believed(slow: Slow) -> None:
    source = SharedSource(slow, slow.clock)
    slow.busy = True
    for _ in range(2):
        with pytest.raises(SourceDown, match="429"):
            recent(source)
    assert source.pressure.relief is Relief.BACKFILL
    assert source.relieved() == 1.0


def test_steps_are_taken_slowly() -> None:
    clock = ManualClock(NOW)
    felt = Pressure(source="main", clock=clock)
    for _ in range(10):
        felt.felt(5, busy=False)
    assert felt.relief is Relief.BACKFILL
    clock.advance(timedelta(seconds=RISE))
    felt.felt(5, busy=False)
    felt.felt(5, busy=False)
    assert felt.relief is Relief.DETAIL
    clock.advance(timedelta(seconds=CALM))
    felt.felt(0.1, busy=False)
    felt.felt(0.1, busy=False)
    assert felt.relief is Relief.BACKFILL


def test_too_few_points_are_never_thinned_out() -> None:
    assert wider(NOW - 9 * MINUTE, NOW, MINUTE) is None
    assert wider(NOW - 11 * MINUTE, NOW, MINUTE) == (NOW - 10 * MINUTE, 2 * MINUTE)
    empty = SeriesBlock(
        signal=SIGNAL, labels=(), times=grid(NOW - 4 * MINUTE, NOW, 2 * MINUTE), values=np.empty((0, 3)),
        missing=np.empty((0, 3), dtype=np.bool_), partial="store 3",
    )  # fmt: skip
    assert laid(empty, grid(NOW - 4 * MINUTE, NOW, MINUTE)).partial == "store 3"


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with misbehaving() as running:
        yield running


# As VictoriaMetrics' cluster answers while a vmstorage is away, and Thanos' querier while a store is: the shapes are
# those of their documentation.
SERIES = {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[NOW.timestamp(), "1"]]}]}
VICTORIA = {"status": "success", "isPartial": True, "data": SERIES, "stats": {"seriesFetched": "1"}}
THANOS = {"status": "success", "data": SERIES, "warnings": ["receive series from Addr: 10.0.0.3:10901: unavailable"]}


@pytest.mark.parametrize(
    ("document", "because"),
    [
        (VICTORIA, "the answer is partial: the source says that its answer is partial"),
        (THANOS, "the answer is partial: receive series from Addr: 10.0.0.3:10901: unavailable"),
    ],
    ids=["VictoriaMetrics", "Thanos"],
)
def test_a_partial_answer_is_blindness_and_no_reading(
    server: Misbehaving, document: dict[str, object], because: str
) -> None:
    source = PrometheusSource("main", url=server.url)
    server.behave = says(200, json.dumps(document))
    block = source.read(SIGNAL, NOW, NOW, MINUTE)
    state = sight(block, NOW, 5 * MINUTE)
    assert (state.sight, state.because) == (Sight.BLIND, because)
    server.behave = says(200, json.dumps({**document, "isPartial": False, "warnings": []}))
    assert sight(source.read(SIGNAL, NOW, NOW, MINUTE), NOW, 5 * MINUTE).sight is Sight.FRESH
    source.close()


@pytest.mark.parametrize(("status", "busy"), [(429, True), (503, True), (500, False), (404, False)])
def test_who_is_asked_too_much_says_so_by_its_status(server: Misbehaving, status: int, *, busy: bool) -> None:
    source = PrometheusSource("main", url=server.url)
    for body in ("slow down", json.dumps({"status": "error", "errorType": "unavailable", "error": "too many queries"})):
        server.behave = says(status, body)
        with pytest.raises(SourceDown) as failure:
            source.read(SIGNAL, NOW, NOW, MINUTE)
        assert failure.value.busy is busy
    source.close()
