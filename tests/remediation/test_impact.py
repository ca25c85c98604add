"""What else moved since the onset: said when the numbers support it, and only then."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from cases.case import Case
from cases.errors import SourceDown
from cases.events import Opened
from cases.lifecycle import opened as opening
from cases.moments import milliseconds
from cases.ports import SignalSource
from cases.telemetry import DAY, SeriesBlock, Signal
from daemon.clock import ManualClock
from remediation.evidence import Pack
from remediation.impact import Impact, add_impacts, impact_headline, impact_lines, impact_of, impacts
from remediation.ports import Ports
from remediation.shift import BlockOf, Span, Window, judge
from sandbox.scripted import ScriptedSandbox
from signals.recorded import RecordedSource, Recording
from tests.parts.nouns import NOW, SHA, a_signal, an_anomaly, an_entry
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings

ONSET = NOW - timedelta(minutes=20)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAYS = 15


def orders(dice: np.random.Generator, *, since: float = 1.0, days: int = DAYS) -> Recording:
    """Orders a minute: a daily wave around 60, counted; times `since` from the onset on."""
    times = np.arange(milliseconds(NOW - days * DAY), milliseconds(NOW) + 1, 60_000, dtype=np.int64)
    rate = 60 * (1 + 0.4 * np.sin(2 * np.pi * times / (24 * 3_600_000)))
    rate[times > milliseconds(ONSET)] *= since
    return Recording(times=times, values=dice.poisson(rate)[np.newaxis].astype(np.float64), labels=({},))


def a_case() -> Case:
    anomaly = replace(an_anomaly(), onset=ONSET)
    opened = Opened(case_id="deadbeef", service="shop", fingerprint=anomaly.fingerprint, anomaly=anomaly)
    return opening(an_entry(opened))


def business(name: str = "orders", service: str = "shop") -> Signal:
    return Signal(name=name, service=service, source="books", query=name)


def looked(recordings: Mapping[str, Recording], signals: list[Signal], *, now: datetime = NOW) -> tuple[Impact, ...]:
    source = RecordedSource(name="books", recordings=recordings, look_back=2 * MINUTE)
    return looked_at({"books": source, "main": RecordedSource(name="main", recordings={})}, signals, now)


def looked_at(sources: Mapping[str, SignalSource], signals: list[Signal], now: datetime = NOW) -> tuple[Impact, ...]:
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head=SHA) as ports:
        moved: Ports = replace(ports, signals=sources, clock=ManualClock(now))
        return impacts(a_case(), signals, moved)


def test_a_fall_beyond_the_noise_is_told_with_its_numbers() -> None:
    (found,) = looked({"orders": orders(np.random.default_rng(1), since=0.7)}, [business()])
    assert found.measured is not None
    assert found.measured.told
    assert found.measured.change == pytest.approx(-0.3, abs=0.08)
    assert found.measured.windows >= 10
    facts = Pack()
    add_impacts(facts, [found], NOW)
    (fact,) = facts.facts
    numbers = fact.numbers
    assert fact.fact.startswith(f"impact: orders {numbers['change_percent']:+.0f}% since the onset (")
    assert f"{numbers['now']:.4g} where {numbers['expected']:.4g} was expected" in fact.fact
    assert f"noise ±{numbers['noise_percent']:.0f}%, compared with the same time on 1" in fact.fact
    assert impact_lines(facts.facts) == [f"- E1: {fact.fact.removeprefix('impact: ')}"]
    headline = impact_headline(a_case(), facts.facts)
    assert headline == f"errors is up since {ONSET:%H:%M:%S} UTC, orders {numbers['change_percent']:+.0f}%"


def test_nothing_is_told_within_the_noise() -> None:
    (found,) = looked({"orders": orders(np.random.default_rng(2), since=0.97)}, [business()])
    assert found.sentence.startswith("no change seen in orders since the onset (noise ±")
    facts = Pack()
    add_impacts(facts, [found], NOW)
    assert impact_headline(a_case(), facts.facts) == ""
    assert impact_lines(facts.facts)[0].startswith("- E1: no change seen")


def test_a_wave_of_the_day_is_no_change() -> None:
    """The onset lies where the wave climbs fastest: hours before would call it a rise, earlier days do not."""
    told = 0
    for seed in range(30):
        recording = orders(np.random.default_rng(seed))
        (found,) = impact_of(business(), ONSET, _span(), 14, _reader(recording))
        assert found.measured is not None
        told += found.measured.told
    assert told <= 2


def test_an_outage_is_all_of_it() -> None:
    (found,) = looked({"orders": orders(np.random.default_rng(3), since=0.0)}, [business()])
    assert found.sentence.startswith("orders -100% since the onset (0 where ")


def test_with_a_day_of_history_the_hours_before_are_compared() -> None:
    (found,) = looked({"orders": orders(np.random.default_rng(4), since=0.3, days=1)}, [business()])
    assert found.measured is not None
    assert found.measured.basis == "10 stretches of 60 min before"
    assert found.measured.told


def test_without_history_nothing_is_said() -> None:
    (found,) = looked({"orders": orders(np.random.default_rng(5), since=0.3, days=0)}, [business()])
    assert found.sentence.startswith("orders was not seen: ")
    recent = orders(np.random.default_rng(5), since=0.3)
    kept = recent.times > milliseconds(ONSET - timedelta(hours=1))
    short = Recording(times=recent.times[kept], values=recent.values[:, kept], labels=recent.labels)
    (found,) = looked({"orders": short}, [business()])
    assert found.sentence == "orders was not seen: there are fewer than 5 earlier windows like it"


def test_a_source_that_is_down_is_said_and_stops_nothing() -> None:
    down = RecordedSource(name="books", recordings={})
    down.down("closed for repairs")
    steady = RecordedSource(name="main", recordings={"latency": orders(np.random.default_rng(6))}, look_back=2 * MINUTE)
    latency = replace(a_signal("latency"), query="latency")
    found = looked_at({"books": down, "main": steady}, [latency, business()])
    assert {impact.signal.name for impact in found} == {"latency", "orders"}
    assert any(impact.sentence == "orders was not seen: books: closed for repairs" for impact in found)


def test_only_the_services_other_signals_are_read_business_first() -> None:
    signals = [replace(a_signal(f"extra{number}"), query="x") for number in range(6)]
    signals += [a_signal("errors"), business("sales"), business("elsewhere", service="blog")]
    with some_ports(
        settings=some_settings("observe", signals=WITH_BOOKS["signals"]), sandbox=ScriptedSandbox({}), head=SHA
    ) as ports:
        empty = {name: RecordedSource(name=name, recordings={}) for name in ("books", "main")}
        found = impacts(a_case(), signals, replace(ports, signals=empty))
    assert [impact.signal.name for impact in found] == ["sales", "extra0", "extra1", "extra2", "extra3"]
    assert all(impact.because == "there is no reading since the onset" for impact in found)


WITH_BOOKS: dict[str, Any] = {
    "signals": {
        "prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}],
        "sql": [{"name": "books", "url": "sqlite:////tmp/books.db", "query": "SELECT 1 AS value"}],
    }
}


def test_what_is_asked_seldom_has_not_seen_the_onset_yet() -> None:
    books = RecordedSource(name="books", recordings={"orders": orders(np.random.default_rng(13))}, look_back=HOUR)
    seldom = {**WITH_BOOKS["signals"]["sql"][0], "every": "15m"}
    settings = some_settings("observe", signals={**WITH_BOOKS["signals"], "sql": [seldom]})
    with some_ports(settings=settings, sandbox=ScriptedSandbox({}), head=SHA) as ports:
        (found,) = impacts(a_case(), [business()], replace(ports, signals={"books": books}))
    assert found.sentence.startswith("orders was not seen: it is asked every 15 min, and nothing of it is from after")


def test_right_after_the_onset_it_is_too_early() -> None:
    assert looked({"orders": orders(np.random.default_rng(7))}, [business()], now=ONSET + 3.9 * MINUTE) == ()


def test_too_many_series_and_values_below_zero_are_not_judged() -> None:
    one = orders(np.random.default_rng(8))
    many = Recording(
        times=one.times, values=np.repeat(one.values, 4, axis=0), labels=tuple({"shard": str(n)} for n in range(4))
    )
    profit = Recording(times=one.times, values=one.values - 1000, labels=one.labels)
    found = looked({"many": many, "profit": profit}, [business("many"), business("profit")])
    assert found[0].sentence == "many was not seen: it has 4 series; watch their sum to see it here"
    assert found[1].sentence == "profit was not seen: it was not above zero before the onset"


def test_the_oldest_stretch_is_read_first_and_all_are_short() -> None:
    """A source that keeps its last answer for all that it covers is asked once then."""
    asked: list[tuple[datetime, datetime]] = []
    read = _reader(orders(np.random.default_rng(9)))

    def reading(signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        asked.append((start, end))
        block = read(signal, start, end, step)
        assert len(block.times) <= 402
        return block

    impact_of(business(), ONSET, _span(), 14, reading)
    assert len(asked) == 15
    assert asked == sorted(asked)


def test_a_partial_answer_is_no_answer() -> None:
    whole = orders(np.random.default_rng(10))
    partial = Recording(times=whole.times, values=whole.values, labels=whole.labels, partial="store 3 is away")
    with pytest.raises(SourceDown, match="the answer is not whole: store 3"):
        impact_of(business(), ONSET, _span(), 14, _reader(partial))


def test_coarse_history_is_no_measure_for_fine_readings() -> None:
    """Five-minute means are quiet; held against them every second of live readings would look like news."""
    dice = np.random.default_rng(11)
    quiet = [Window(before=np.full(30, 60.0), after=np.full(20, 60.0 + 0.1 * number)) for number in range(14)]
    live = Window(before=dice.poisson(60, 30).astype(float), after=dice.poisson(55, 20).astype(float))
    assert judge(live, quiet) is None


def test_an_incident_of_last_week_does_not_hide_todays() -> None:
    dice = np.random.default_rng(12)
    earlier = [
        Window(before=dice.poisson(60, 30).astype(float), after=dice.poisson(60, 20).astype(float)) for _ in range(13)
    ]
    clean = judge(earlier[0], earlier[1:])
    broken = [*earlier[1:-1], Window(before=earlier[-1].before, after=earlier[-1].after / 10)]
    found = judge(earlier[0], broken)
    assert clean is not None
    assert found is not None
    assert found.noise < 1.5 * clean.noise
    assert found.windows == clean.windows - 1


def test_text_from_outside_is_neutral() -> None:
    evil = Impact(signal=business("orders"), labels={"shop": "<!-- @sre `x`"}, because="![x](http://evil)")
    assert not set("<`[") & set(evil.sentence)
    assert "@sre" not in evil.sentence


def _span() -> Span:
    return Span.since(ONSET, NOW, MINUTE)


def _reader(recording: Recording) -> BlockOf:
    return RecordedSource(name="books", recordings={"orders": recording}, look_back=2 * MINUTE).read
