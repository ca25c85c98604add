"""Templates in the daemon: their rates are signals like any other, and what is new is told to a diagnosis."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cases.errors import PermanentError, SourceDown
from cases.logs import LogPage
from cases.telemetry import Direction, LogLine, SeriesBlock, Severity, Sight, Signal
from config.settings import LokiSettings
from daemon.clock import ManualClock
from daemon.tail import BEHIND, NEWEST, Followed, Tail, loki_of, moment, nanoseconds, tail_of
from daemon.template_rates import WithTemplates, with_templates
from demo.loki.standin import LokiStandIn
from detectors.baseline import fit
from detectors.detect import detect
from detectors.sight import sight
from detectors.templates.register import NEW
from tests.daemon.test_tail import Remembered
from tests.parts.loki import log_standin, put
from tests.parts.settings import some_settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SETTLE = timedelta(seconds=10)
PAGE = 1_000


@dataclass(slots=True)
class Written:
    """A log source over lines that are there."""

    lines: list[LogLine] = field(default_factory=list[LogLine])
    name: str = "logs"
    down: str = ""
    asked: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def probe(self) -> str:
        return "written"

    def errors(self, since: int, until: int) -> LogPage:
        if self.down:
            raise SourceDown(self.name, self.down)
        self.asked.append((since, until))
        found = [line for line in self.lines if since <= nanoseconds(line.at) < until]
        if len(found) <= PAGE:
            return LogPage(lines=tuple(found), cursor=until, whole=True)
        return LogPage(lines=tuple(found[:PAGE]), cursor=nanoseconds(found[PAGE].at), whole=False)

    def write(self, text: str, since: datetime, until: datetime, every: timedelta = SECOND) -> None:
        for n in range((until - since) // every):
            said = text.replace("{n}", str(n))
            self.lines.append(LogLine(at=since + n * every, labels={"app": "shop"}, text=said))
        self.lines.sort(key=lambda line: line.at)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def standin() -> Iterator[LokiStandIn]:
    with log_standin(NOW) as running:
        yield running


def signal(query: str = "templates", service: str = "shop") -> Signal:
    return Signal(name="lines", service=service, source="logs", query=query, severity=Severity.NOTE)


def tail_on(source: Written, clock: ManualClock, remembered: Remembered, *, every: bool = False) -> Tail:
    followed = Followed(source=source, settle=SETTLE, errors=not every, templates=True)
    return Tail((followed,), remembered, clock)


def source_on(tail: Tail, clock: ManualClock, until: datetime) -> WithTemplates:
    """Follow the log until then, by the minute."""
    source = WithTemplates(LokiUnasked(), tail)
    while clock.now() < until:
        clock.advance(MINUTE)
        tail.once()
    return source


@dataclass(slots=True)
class LokiUnasked:
    """A source of which nothing may be asked."""

    name: str = "logs"

    def probe(self) -> str:
        return "Loki"

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        del start, end, step
        raise AssertionError(f"{signal.query}: the rates of templates are asked of no server")


def counted(tail: Tail, service: str) -> int:
    return sum(one.count for one in tail.errors(service, NOW - HOUR, NOW))


def test_an_ordinary_watch_sees_a_template_that_comes_ten_times_as_often(clock: ManualClock) -> None:
    written, remembered = Written(), Remembered()
    ends = NOW + 3 * HOUR
    written.write("error: upstream {n} timed out", NOW - HOUR, ends, every=10 * SECOND)
    written.write("error: upstream {n} timed out", ends - 8 * MINUTE, ends)
    tail = tail_on(written, clock, remembered)
    source_on(tail, clock, NOW + HOUR)
    source = source_on(tail_on(written, clock, remembered), clock, ends)
    history = source.read(signal(), ends - 14 * 24 * HOUR, ends - 30 * MINUTE, 5 * MINUTE)
    recent = source.read(signal(), ends - 30 * MINUTE, ends - MINUTE, MINUTE)
    assert sight(recent, ends, 5 * MINUTE).sight is Sight.FRESH
    found = detect(recent, fit(history, warm_up=2 * HOUR), confirm=3)
    (anomaly,) = found.anomalies
    assert anomaly.labels["template"] == "#0 error: upstream <*> timed out"
    assert anomaly.direction is Direction.UP
    assert anomaly.value == pytest.approx(1.1, abs=0.1)
    assert abs(anomaly.onset - (ends - 8 * MINUTE)) <= 2 * MINUTE


def test_what_was_never_said_moves_the_series_of_new_templates(clock: ManualClock) -> None:
    written = Written()
    ends = NOW + 3 * HOUR
    written.write("error: upstream {n} timed out", NOW - HOUR, ends, every=5 * SECOND)
    written.write("error: the second basket of {n} cannot be merged", ends - 10 * MINUTE, ends)
    tail = tail_on(written, clock, Remembered())
    source = source_on(tail, clock, ends - 10 * MINUTE)
    learnt = fit(source.read(signal(), ends - 4 * HOUR, clock.now() - 30 * MINUTE, 5 * MINUTE), warm_up=2 * HOUR)
    source_on(tail, clock, ends)
    recent = source.read(signal(), ends - 30 * MINUTE, ends - MINUTE, MINUTE)
    anomalies = detect(recent, learnt, confirm=3).anomalies
    assert [anomaly.labels["template"] for anomaly in anomalies] == [NEW]


def test_levels_choose_and_other_words_are_refused(clock: ManualClock) -> None:
    written = Written()
    written.write("ERROR order {n} failed", NOW - 20 * MINUTE, NOW)
    written.write("INFO order {n} taken after an error", NOW - 20 * MINUTE, NOW)
    source = source_on(tail_on(written, clock, Remembered()), clock, NOW + MINUTE)

    def named(query: str) -> list[str]:
        block = source.read(signal(query), NOW - 10 * MINUTE, NOW, MINUTE)
        return sorted(labels["template"] for labels in block.labels)

    assert len(named("templates")) == 3
    assert named("templates >= error") == ["#0 ERROR order <*> failed", NEW]
    for query in ("templates > error", "templates >= severe", "templates(x)"):
        with pytest.raises(PermanentError, match="no query for templates"):
            named(query)
    assert source.read(signal(service="cart"), NOW - MINUTE, NOW, MINUTE).labels == ({"template": NEW},)


def test_while_the_lines_cannot_be_read_nothing_is_known(clock: ManualClock) -> None:
    written = Written(down="refuses")
    tail = tail_on(written, clock, Remembered())
    source = WithTemplates(LokiUnasked(), tail)
    for because in ("not read yet", "refuses"):
        with pytest.raises(SourceDown, match=because):
            source.read(signal(), NOW - MINUTE, NOW, MINUTE)
        tail.once()
    with pytest.raises(PermanentError, match="set `templates` of this source"):
        Tail((Followed(source=written),), Remembered(), clock).rates("logs", "shop", np.array([1]), 1, frozenset())


def test_of_every_line_a_new_kind_is_told_and_an_error_is_left_to_the_book(clock: ManualClock) -> None:
    written = Written()
    written.write("INFO order {n} was taken", NOW - 4 * MINUTE, NOW + 10 * MINUTE, every=SECOND / 5)
    written.write("WARN falling back to the prices of yesterday for {n}", NOW + 8 * MINUTE, NOW + 10 * MINUTE)
    written.write("ERROR prices of {n} are gone", NOW + 8 * MINUTE, NOW + 10 * MINUTE)
    tail = tail_on(written, clock, Remembered(), every=True)
    source_on(tail, clock, NOW + 10 * MINUTE)
    (seen,) = tail.errors("shop", NOW + 7 * MINUTE, NOW + 10 * MINUTE)
    assert seen.sample.startswith("WARN falling back")
    assert seen.first == NOW + 8 * MINUTE
    assert seen.before == 0
    assert any("has a template that is new" in reason for reason in seen.news)
    assert tail.errors("shop", NOW, NOW + 7 * MINUTE) == ()


def test_every_line_is_followed_at_its_newest_end_and_the_gap_is_unknown(clock: ManualClock) -> None:
    written = Written()
    written.write("INFO order {n} was taken", NOW - 2 * HOUR, NOW + 2 * HOUR)
    tail = tail_on(written, clock, Remembered(), every=True)
    source = source_on(tail, clock, NOW + 2 * MINUTE)
    assert moment(written.asked[0][0]) == NOW + MINUTE - SETTLE - NEWEST
    clock.advance(HOUR)
    tail.once()
    late = clock.now()
    assert moment(written.asked[-1][0]) == late - SETTLE - NEWEST
    clock.advance(BEHIND)
    tail.once()
    block = source.read(signal(), NOW, late + 4 * MINUTE, MINUTE)
    known = ~block.missing[0]
    assert known[-4:].all()
    assert not known[4:60].any()


@pytest.mark.parametrize(
    ("templates", "wanted"),
    [
        ("errors", {NEW, "#0 ERROR order <*> lost"}),
        ("all", {NEW, "#0 INFO order <*> taken", "#1 ERROR order <*> lost"}),
        ("none", set[str]()),
    ],
)
def test_the_settings_choose_the_lines(
    clock: ManualClock, standin: LokiStandIn, templates: str, wanted: set[str]
) -> None:
    begin = nanoseconds(NOW - 50 * SECOND)
    put(standin, {"app": templates}, [(begin + n * 10**8, f"INFO order {n} taken") for n in range(300)])
    put(standin, {"app": templates, "pod": "b"}, [(begin + n * 10**8 + 1, f"ERROR order {n} lost") for n in range(99)])
    loki = {"name": "logs", "url": standin.url, "selector": f'{{app="{templates}"}}', "templates": templates}
    main = {"name": "main", "url": "http://127.0.0.1:9"}
    settings = some_settings(signals={"prometheus": [main], "loki": [loki]})
    tail = tail_of(settings, Remembered(), clock)
    sources = with_templates({"main": LokiUnasked("main"), "logs": LokiUnasked("logs")}, tail)
    tail.once()
    assert counted(tail, templates) == 99, "errors are read whatever is mined"
    assert isinstance(sources["main"], LokiUnasked)
    if templates == "none":
        with pytest.raises(PermanentError, match="set `templates`"):
            sources["logs"].read(signal(service=templates), NOW - MINUTE, NOW, MINUTE)
    else:
        block = sources["logs"].read(signal(service=templates), NOW - MINUTE, NOW - MINUTE, MINUTE)
        assert {labels["template"] for labels in block.labels} == wanted
    tail.close()


def test_other_queries_go_to_the_loki_itself(clock: ManualClock, standin: LokiStandIn) -> None:
    one = LokiSettings(name="logs", url=standin.url, selector='{app="own"}')
    put(standin, {"app": "own"}, [(nanoseconds(NOW - 90 * SECOND) + n * 10**9, f"ERROR {n}") for n in range(60)])
    inner = loki_of(one)
    source = WithTemplates(inner, Tail((Followed(source=inner, templates=True),), Remembered(), clock))
    block = source.read(signal('sum(count_over_time({app="own"}[1m]))'), NOW - MINUTE, NOW, MINUTE)
    assert np.nansum(block.values) > 0
    with pytest.raises(PermanentError, match="counted by the running daemon"):
        inner.read(signal(), NOW - MINUTE, NOW, MINUTE)
    assert source.probe() == f"Loki at {standin.url}"
    source.close()
