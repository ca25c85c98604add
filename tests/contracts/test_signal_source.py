"""The contract of `SignalSource`: the real Prometheus, a real database and the stand-in keep the same suite.

So do the vendors of product analytics and a plug-in, at a local server with the vendors' shapes. They know days only:
their day is the suite's minute.
"""

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from cases.connector import GROUP
from cases.errors import SourceDown
from cases.moments import milliseconds
from cases.ports import SignalSource
from cases.telemetry import SeriesBlock, Signal
from daemon.clock import ManualClock
from signals.prometheus import PrometheusSource
from signals.recorded import RecordedSource, Recording
from signals.sql.source import SqlSource
from tests.parts.analytics import Vendors, some_vendors
from tests.parts.connected import KINDS, connected
from tests.parts.plug_in import CONNECTOR, installed
from tests.parts.prometheus import exposition, running_prometheus

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEP = timedelta(minutes=1)
MINUTES = 60
HOLE = range(20, 40)  # minutes without a sample: more than the look-back of five minutes
ODD = {45: math.nan, 47: math.inf, 49: -math.inf}

Labels = tuple[tuple[str, str], ...]
LABELS: tuple[Labels, ...] = (
    (("__name__", "load"), ("host", "b"), ("note", r"C:\temp")),
    (("__name__", "load"), ("host", "a"), ("note", "zero")),
)


QUERIES = {
    "load": "SELECT * FROM load WHERE time >= unixepoch(:start) AND time < unixepoch(:end)",
    "never_heard_of": "SELECT * FROM load WHERE host = 'never_heard_of'",
}
"""A name of PromQL, as a database is asked for the same."""


def history() -> dict[Labels, list[tuple[float, float]]]:
    minutes = [minute for minute in range(MINUTES) if minute not in HOLE]
    at = START.timestamp()
    return {
        LABELS[0]: [(at + 60 * minute, ODD.get(minute, float(minute))) for minute in minutes],
        LABELS[1]: [(at + 60 * minute, 0.0) for minute in minutes],
    }


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignalSource]:
    series = {
        tuple((k, v.replace("\\", "\\\\")) for k, v in labels if k != "__name__"): samples
        for labels, samples in history().items()
    }
    text = exposition("load", series) + "\n# EOF\n"
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), text) as running:
        source = PrometheusSource("main", url=running.url, points_per_request=7)
        yield source
        source.close()


@pytest.fixture(scope="module")
def recorded() -> SignalSource:
    series = history()
    times = np.array([round(1000 * at) for at, _ in series[LABELS[0]]], dtype=np.int64)
    values = np.array([[value for _, value in samples] for samples in series.values()])
    recording = Recording(times=times, values=values, labels=tuple(dict(labels) for labels in series))
    return RecordedSource(name="main", recordings={"load": recording})


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignalSource]:
    """The same history as a table; its look-back is Prometheus's five minutes."""
    file = tmp_path_factory.mktemp("sql") / "history.db"
    with sqlite3.connect(file) as base:
        base.execute('CREATE TABLE load (time REAL, value REAL, "__name__" TEXT, host TEXT, note TEXT)')
        for labels, samples in history().items():
            rows = [(at, value, *(text for _, text in labels)) for at, value in samples]
            base.executemany("INSERT INTO load VALUES (?, ?, ?, ?, ?)", rows)
    base.close()
    source = SqlSource(
        "main",
        url=f"sqlite:///{file}",
        query=QUERIES["load"],
        clock=ManualClock(START + 2 * MINUTES * STEP),
        every=STEP,
        look_back=4 * STEP,
    )
    yield source
    source.close()


class ByTheDay:
    """A source of days, seen so that a day is a minute, and the label `segment` all of the suite's labels.

    What a day is worth is known when it has ended: a day later.
    """

    def __init__(self, inner: SignalSource) -> None:
        self._inner = inner
        self.name = inner.name
        self.probe = inner.probe

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        scale, origin = DAY // STEP, START + DAY
        asked = replace(signal, query="" if signal.query == "load" else signal.query)
        block = self._inner.read(asked, origin + scale * (start - START), origin + scale * (end - START), scale * step)
        return SeriesBlock(
            signal=signal,
            labels=tuple(dict(BY_HOST[labels["segment"]]) for labels in block.labels),
            times=(block.times - milliseconds(origin)) // scale + milliseconds(START),
            values=block.values,
            missing=block.missing,
            partial=block.partial,
        )


DAY = timedelta(days=1)
BY_HOST = {dict(labels)["host"]: labels for labels in LABELS}
LOADS: dict[str, dict[str, object]] = {
    "mixpanel": {"event": "load", "by": 'properties["host"]'},
    "amplitude": {"event": "load", "by": "host"},
    "ga4": {"metric": "eventCount", "event": "load", "by": ["segment"]},
    "posthog": {"query": "SELECT time, value, segment FROM loads"},
    "http": {},
    "plugins": {},
}


@pytest.fixture(scope="module")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendors]:
    """The same history, each minute a day; what is no number is null."""
    folder = tmp_path_factory.mktemp("plug-in") / "loads"
    with some_vendors() as vendors, installed(folder, {"loads": CONNECTOR}, {"loads": "loads:Loads"}, GROUP):
        vendors.page = 1_000
        for labels, samples in history().items():
            minutes = {round((at - START.timestamp()) / 60): value for at, value in samples}
            vendors.given[dict(labels)["host"]] = {
                START.date() + minute * DAY: value if math.isfinite(value) else None
                for minute, value in minutes.items()
            }
        yield vendors


def vendor_of(kind: str, vendors: Vendors, folder: Path) -> SignalSource:
    clock = ManualClock(START + 2 * MINUTES * DAY)
    # It is asked at noon and at midnight, so that a day is known at noon of the next one: the suite begins at noon.
    asked = {"every": "12h", "settle": "1s", "late": "3d"}
    return ByTheDay(connected(kind, vendors.url, folder, clock, reach=5 * DAY, name="main", **asked, **LOADS[kind]))


@pytest.fixture(params=["prometheus", "recorded", "sql", *KINDS])
def source(request: pytest.FixtureRequest) -> SignalSource:
    if request.param in KINDS:
        return vendor_of(request.param, request.getfixturevalue("vendors"), request.getfixturevalue("tmp_path"))
    made: SignalSource = request.getfixturevalue(request.param)
    return made


def read(source: SignalSource, first: float, last: float, query: str = "load", step: timedelta = STEP) -> SeriesBlock:
    query = QUERIES[query] if isinstance(source, SqlSource) else query
    signal = Signal(name="load", service="shop", source=source.name, query=query)
    return source.read(signal, START + first * STEP, START + last * STEP, step)


def test_it_has_the_name_of_the_configuration(source: SignalSource) -> None:
    assert source.name == "main"


def test_both_ends_of_the_grid_are_included(source: SignalSource) -> None:
    block = read(source, 0, 10)
    assert block.times.dtype == np.int64
    assert [milliseconds(START + minute * STEP) for minute in range(11)] == block.times.tolist()
    assert block.values[1].tolist() == list(range(11))
    assert not block.missing.any()
    assert block.partial == ""


def test_an_end_between_two_points_ends_at_the_one_before(source: SignalSource) -> None:
    assert read(source, 0, 2.5).times.tolist() == read(source, 0, 2).times.tolist()


def test_a_grid_may_be_one_point(source: SignalSource) -> None:
    assert read(source, 3, 3).values[:, 0].tolist() == [0, 3]


def test_a_grid_between_the_samples_shows_the_newest_one(source: SignalSource) -> None:
    block = read(source, 1.5, 3.5)
    assert block.values[1].tolist() == [1, 2, 3]
    assert block.times[0] == milliseconds(START) + 90_000


def test_many_points_have_no_overlap_and_no_gap(source: SignalSource) -> None:
    block = read(source, 0, 19, step=timedelta(seconds=30))
    assert len(block.times) == 39
    assert block.values[1].tolist() == [point // 2 for point in range(39)]


def test_series_are_ordered_by_their_labels(source: SignalSource) -> None:
    assert [dict(labels) for labels in read(source, 0, 5).labels] == [dict(labels) for labels in sorted(LABELS)]


def test_missing_is_not_zero(source: SignalSource) -> None:
    block = read(source, 15, 45)
    missing = block.missing[0].tolist()
    assert missing == [25 <= minute < 40 for minute in range(15, 46)]  # five minutes of look-back
    assert np.isnan(block.values[0][block.missing[0]]).all()
    assert (block.values[0][~block.missing[0]] == 0).all()


def test_what_is_no_number_is_missing(source: SignalSource) -> None:
    block = read(source, 44, 50)
    assert block.missing[1].tolist() == [False, True, False, True, False, True, False]
    assert not np.isinf(block.values).any()


def test_an_unknown_query_has_no_series_on_the_whole_grid(source: SignalSource) -> None:
    block = read(source, 0, 10, query="never_heard_of")
    assert block.labels == ()
    assert block.values.shape == (0, 11)


def test_a_window_without_a_sample_has_no_series(source: SignalSource) -> None:
    assert read(source, 26, 38).labels == ()


def test_a_window_cannot_end_before_it_starts(source: SignalSource) -> None:
    with pytest.raises(ValueError, match="cannot end"):
        read(source, 5, 4)


def test_a_step_is_a_length_of_time(source: SignalSource) -> None:
    with pytest.raises(ValueError, match="at least one"):
        read(source, 0, 4, step=timedelta(0))


def test_the_stand_in_can_be_down_and_up_again() -> None:
    source = RecordedSource(name="main", recordings={})
    source.down("closed for repairs")
    with pytest.raises(SourceDown, match="main: closed for repairs"):
        read(source, 0, 1)
    source.up()
    assert read(source, 0, 1).labels == ()


def test_a_stopped_prometheus_is_down_and_never_empty(tmp_path: Path) -> None:
    with running_prometheus(tmp_path) as running:
        source = PrometheusSource("main", url=running.url)
        assert read(source, 0, 1).labels == ()
        running.stop()
        with pytest.raises(SourceDown, match=r"main: .* refuses connections") as failure:
            read(source, 0, 1)
        assert failure.value.source == "main"
        source.close()
