"""The tail: each line counts once, whatever dies or answers badly; what is not seen is said."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from cases.errors import PermanentError, SourceDown, TemporaryError
from cases.leases import Swap
from cases.logs import LogPage
from cases.moments import milliseconds
from cases.ports import LogSource
from cases.stores import Checkpoints
from cases.telemetry import LogLine
from config.settings import LokiSettings
from daemon.clock import ManualClock
from daemon.ledger.ledger import open_ledger
from daemon.tail import BEHIND, FIRST_LOOK, MOST_PAGES, NO_SOURCE, Followed, Tail, loki_of, nanoseconds
from demo.loki.standin import Fault, LokiStandIn
from detectors.templates.levels import Level
from signals.loki.source import LokiSource
from tests.parts.loki import log_standin, put

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SETTLE = timedelta(seconds=10)


@dataclass(slots=True)
class Remembered:
    """Checkpoints that survive whoever writes them. With `deaths` the next writes fail, one each."""

    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    deaths: int = 0
    puts: int = 0

    def get(self, key: str) -> bytes | None:
        return self.blobs.get(key)

    def put(self, key: str, blob: bytes, at: datetime) -> None:
        del at
        if self.deaths:
            self.deaths -= 1
            raise TemporaryError("the disk is full")
        self.blobs[key] = blob
        self.puts += 1

    def swap(self, swap: Swap, at: datetime) -> bool:
        if self.blobs.get(swap.key) != swap.before:
            return False
        self.put(swap.key, swap.after, at)
        return True


class KilledError(Exception):
    """The process ends here."""


@dataclass(slots=True)
class Dying:
    """A log source in whose process somebody pulls the plug: after that many pages, before the answer is used."""

    source: LogSource
    lives: int
    name: str = "logs"

    def probe(self) -> str:
        return self.source.probe()

    def errors(self, since: int, until: int) -> LogPage:
        page = self.source.errors(since, until)
        self.lives -= 1
        if self.lives < 0:
            raise KilledError
        return page


@dataclass(slots=True)
class Scripted:
    """A log source whose next answers are given."""

    answers: list[LogPage | SourceDown | PermanentError]
    name: str = "logs"
    asked: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def probe(self) -> str:
        return "scripted"

    def errors(self, since: int, until: int) -> LogPage:
        self.asked.append((since, until))
        if not self.answers:
            return LogPage(lines=(), cursor=until, whole=True)
        answer = self.answers.pop(0)
        if not isinstance(answer, LogPage):
            raise answer
        return answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def standin() -> Iterator[LokiStandIn]:
    with log_standin(NOW) as running:
        yield running


def tail_on(source: LogSource, checkpoints: Checkpoints, clock: ManualClock) -> Tail:
    followed = Followed(source=source, service_label="app", settle=SETTLE, templates=True)
    return Tail((followed,), checkpoints, clock)


def counted(tail: Tail) -> int:
    return sum(one.count for one in tail.errors("shop", NOW - 2 * HOUR, NOW + 2 * HOUR))


def loki(standin: LokiStandIn, limit: int = 250) -> LokiSource:
    return LokiSource("logs", url=standin.url, selector='{app="shop"}', errors='|= "error"', limit=limit)


@pytest.mark.parametrize("pages", [1, 6])
def test_ten_thousand_lines_count_ten_thousand_times(clock: ManualClock, pages: int) -> None:
    """Each life reads a few pages, meets a fault, goes on, and is killed between two pages or by its ledger."""
    begin = nanoseconds(NOW - MINUTE * 50)
    faults = (Fault.TOO_MANY, Fault.BROKEN, Fault.CUT, Fault.NOT_READY)
    remembered, met = Remembered(), list[str]()
    with log_standin(NOW) as standin:
        for pod in ("a", "b"):
            # Lines share their nanosecond with others, of this stream and of the other one.
            lines = [(begin + i // 4 * 10**9 // 2, f"error {'ab'[i % 2]} of order {i}") for i in range(5_000)]
            put(standin, {"app": "shop", "pod": pod}, lines)
        source = loki(standin, limit=500)
        for life in range(100):
            standin.misbehave(*[None] * pages, faults[life % len(faults)])
            tail = tail_on(Dying(source, lives=2 * pages), remembered, clock)
            remembered.deaths = life % 5 == 4
            try:
                tail.once()
                met.append(tail.blind())
                clock.advance(30 * SECOND)
                tail.once()
            except (KilledError, TemporaryError) as death:
                met.append(type(death).__name__)
            if not tail.blind():
                break
        clock.advance(MINUTE)
        last = tail_on(source, remembered, clock)
        last.once()
        source.close()
    assert last.blind() == ""
    assert counted(last) == 10_000
    times = np.arange(1, 61, dtype=np.int64) * 60_000 + milliseconds(NOW - HOUR)
    _, rates = last.rates("logs", "shop", times, 60_000, frozenset(Level))
    assert np.nansum(rates) * 60 == pytest.approx(10_000, abs=1), "no line counts twice in a template either"
    for wanted in ("429", "KilledError", "TemporaryError" if pages == 1 else "500"):
        assert any(wanted in one for one in met), f"{wanted} was never met in {met}"


def test_cursor_and_book_are_one_checkpoint_in_the_ledger(
    clock: ManualClock, standin: LokiStandIn, tmp_path: Path
) -> None:
    put(standin, {"app": "shop"}, [(nanoseconds(NOW - 20 * MINUTE) + i, f"error {i}") for i in range(30)])
    source = loki(standin)
    with open_ledger(f"sqlite:///{tmp_path}/l.db", clock=clock) as ledger:
        tail_on(source, ledger.checkpoints, clock).once()
        stored = ledger.checkpoints.get("log-tail/logs")
        again = tail_on(source, ledger.checkpoints, clock)
        again.once()
    source.close()
    assert stored is not None
    assert json.loads(stored)["cursor"] == nanoseconds(NOW - SETTLE)
    assert counted(again) == 30


def test_the_first_look_begins_an_hour_back_and_the_next_where_it_ended(clock: ManualClock) -> None:
    source = Scripted([])
    tail = tail_on(source, Remembered(), clock)
    tail.once()
    clock.advance(MINUTE)
    tail.once()
    first, second = source.asked
    assert first == (nanoseconds(NOW - FIRST_LOOK), nanoseconds(NOW - SETTLE))
    assert second == (first[1], first[1] + 60 * 10**9)


def test_nothing_is_read_that_would_be_forgotten_at_once(clock: ManualClock) -> None:
    remembered, source = Remembered(), Scripted([])
    tail_on(Scripted([]), remembered, clock).once()
    clock.advance(100 * HOUR)
    tail_on(source, remembered, clock).once()
    assert source.asked[0][0] == nanoseconds(clock.now() - 25 * HOUR)


def test_a_flood_is_read_in_parts(clock: ManualClock) -> None:
    begin = nanoseconds(NOW - HOUR)
    pages = [LogPage(lines=(), cursor=begin + i + 1, whole=False) for i in range(3 * MOST_PAGES)]
    source = Scripted(list(pages))
    tail = tail_on(source, Remembered(), clock)
    tail.once()
    assert len(source.asked) == MOST_PAGES
    assert "logs: read up to 2026-03-01T11:00:00Z so far, " in tail.blind()
    for _ in range(3):
        tail.once()
    assert tail.blind() == ""


def test_a_source_that_is_down_keeps_its_place_and_says_since_when(clock: ManualClock) -> None:
    source = Scripted([SourceDown("logs", "answered 429", timedelta(seconds=90)), SourceDown("logs", "refuses")])
    tail = tail_on(source, Remembered(), clock)
    assert tail.blind() == "logs: not read yet"
    tail.once()
    assert tail.blind() == "logs: answered 429 (since 2026-03-01T12:00:00Z)"
    clock.advance(89 * SECOND)
    tail.once()
    assert len(source.asked) == 1, "it stays away as long as it was asked to"
    clock.advance(SECOND)
    tail.once()
    assert tail.blind() == "logs: refuses (since 2026-03-01T12:00:00Z)"
    clock.advance(30 * SECOND)
    tail.once()
    assert tail.blind() == ""
    assert {since for since, _ in source.asked} == {nanoseconds(NOW - FIRST_LOOK)}


def test_what_only_a_human_can_mend_is_said_and_tried_again(clock: ManualClock) -> None:
    source = Scripted([PermanentError("logs: our credentials are refused")])
    tail = tail_on(source, Remembered(), clock)
    tail.once()
    assert "credentials are refused (since" in tail.blind()
    clock.advance(MINUTE)
    tail.once()
    assert tail.blind() == ""


def test_one_source_that_is_down_does_not_hold_the_other_up(clock: ManualClock) -> None:
    line = LogLine(at=NOW - MINUTE, labels={"app": "shop"}, text="error")
    sound = Scripted([LogPage(lines=(line,), cursor=nanoseconds(NOW - SETTLE), whole=True)], name="two")
    down = Scripted([SourceDown("one", "refuses")], name="one")
    tail = Tail((Followed(source=down), Followed(source=sound)), Remembered(), clock)
    tail.once()
    assert counted(tail) == 1
    assert tail.blind().startswith("one: refuses")


def test_a_tail_that_is_not_called_any_more_is_behind(clock: ManualClock) -> None:
    tail = tail_on(Scripted([]), Remembered(), clock)
    tail.once()
    clock.advance(BEHIND + MINUTE)
    assert tail.blind() == "logs: read up to 2026-03-01T11:59:50Z so far, 6m behind"


def test_with_no_source_nothing_is_seen(clock: ManualClock) -> None:
    tail = Tail((), Remembered(), clock)
    tail.once()
    assert tail.blind() == NO_SOURCE
    assert tail.errors("shop", NOW - HOUR, NOW) == ()


def test_nothing_is_stored_while_nothing_happens(clock: ManualClock) -> None:
    remembered = Remembered()
    tail = tail_on(Scripted([]), remembered, clock)
    for _ in range(60):
        tail.once()
        clock.advance(SECOND)
    assert remembered.puts == 1


def test_a_ledger_that_fails_loses_nothing(clock: ManualClock) -> None:
    line = LogLine(at=NOW - MINUTE, labels={"app": "shop"}, text="error")
    source = Scripted([LogPage(lines=(line,), cursor=nanoseconds(NOW - SETTLE), whole=True)])
    remembered = Remembered(deaths=1)
    tail = tail_on(source, remembered, clock)
    with pytest.raises(TemporaryError, match="disk"):
        tail.once()
    tail.once()
    assert counted(tail) == 1
    assert counted(tail_resumed(remembered, clock)) == 1


def tail_resumed(remembered: Remembered, clock: ManualClock) -> Tail:
    tail = tail_on(Scripted([]), remembered, clock)
    tail.once()
    return tail


@pytest.mark.parametrize("blob", [b"", b"{}", b'{"cursor": "x"}', b'{"cursor": 1, "book": {"version": 0}}', b"[]"])
def test_a_checkpoint_that_cannot_be_read_begins_anew(
    clock: ManualClock, blob: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    source = Scripted([])
    tail = tail_on(source, Remembered({"log-tail/logs": blob}), clock)
    tail.once()
    assert source.asked[0][0] == nanoseconds(NOW - FIRST_LOOK)
    assert "it begins anew" in caplog.text


def test_a_checkpoint_without_templates_keeps_its_errors(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    line = LogLine(at=NOW - MINUTE, labels={"app": "shop"}, text="error")
    remembered = Remembered()
    tail_on(Scripted([LogPage(lines=(line,), cursor=nanoseconds(NOW - SETTLE), whole=True)]), remembered, clock).once()
    stored = json.loads(remembered.blobs["log-tail/logs"])
    for templates in ({}, {"templates": {"version": 99}}):
        old = json.dumps({"cursor": stored["cursor"], "book": stored["book"], **templates}).encode()
        assert counted(tail_resumed(Remembered({"log-tail/logs": old}), clock)) == 1
    assert "they begin anew" in caplog.text


def test_the_settings_make_a_source_that_reads_traces(clock: ManualClock, standin: LokiStandIn) -> None:
    """With the shipped filter, on entries that hold a line of a trace each."""
    entries = [
        "Traceback (most recent call last):",
        '  File "/app/shop/pricing.py", line 31, in discounted',
        "    return price * RATES[coupon]",
        "KeyError: 'SPRING'",
        "nothing to see here",
        "checkout took long",
    ]
    begin = nanoseconds(NOW - 5 * MINUTE)
    put(standin, {"app": "till", "set": "traces"}, [(begin + i * 10**6, text) for i, text in enumerate(entries)])
    settings = LokiSettings(name="logs", url=standin.url, selector='{app="till"}')
    source = loki_of(settings)
    tail = Tail((Followed(source=source, settle=settings.settle),), Remembered(), clock)
    assert tail.probe() == (("logs", f"Loki at {standin.url}"),)
    tail.once()
    tail.close()
    (kind,) = tail.errors("till", NOW - HOUR, NOW)
    assert kind.trace is not None
    assert kind.signature == "KeyError at shop/pricing.py:discounted"
    assert kind.count == 1


def test_two_daemons_share_a_log_and_count_each_line_once(clock: ManualClock, standin: LokiStandIn) -> None:
    """They take turns as they come: whoever finds that the other one has read on takes up there."""
    remembered = Remembered()
    put(standin, {"app": "twice", "pod": "a"}, [(nanoseconds(NOW) + i * 10**9, f"error {i}") for i in range(120)])
    source = LokiSource("logs", url=standin.url, selector='{app="twice"}', errors='|= "error"', limit=50)
    one, two = tail_on(source, remembered, clock), tail_on(source, remembered, clock)
    for turn in range(40):
        clock.advance(timedelta(seconds=4))
        (one if turn % 3 else two).once()
    for tail in (one, two):
        tail.once()
        assert sum(found.count for found in tail.errors("twice", NOW - HOUR, NOW + HOUR)) == 120
    assert one.blind() == two.blind() == ""


def test_what_was_read_while_another_daemon_read_it_is_dropped(clock: ManualClock) -> None:
    remembered = Remembered()
    page = LogPage(
        lines=tuple(LogLine(at=NOW + SECOND, labels={"app": "shop"}, text="error: lost") for _ in range(3)),
        cursor=nanoseconds(NOW + MINUTE),
        whole=True,
    )
    slow, quick = Scripted([page]), Scripted([page])
    tail, other = tail_on(slow, remembered, clock), tail_on(quick, remembered, clock)
    blob = remembered.get("log-tail/logs")
    assert blob is None
    tail.checkpoints, kept = _Late(remembered, other), tail.checkpoints
    tail.once()  # between its look and its writing the other one is through
    tail.checkpoints = kept
    tail.once()
    assert counted(tail) == counted(other) == 3


@dataclass(slots=True)
class _Late:
    """Checkpoints whose owner is late: before each of its swaps, another daemon reads the same lines."""

    kept: Remembered
    other: Tail

    def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def put(self, key: str, blob: bytes, at: datetime) -> None:
        self.kept.put(key, blob, at)

    def swap(self, swap: Swap, at: datetime) -> bool:
        self.other.once()
        return self.kept.swap(swap, at)
