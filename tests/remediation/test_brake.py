"""The brake: a breakdown right after the change pulls it, with its figures; nothing that was there before does."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from cases.moments import milliseconds
from cases.outcome import Judgement, Ruling
from cases.telemetry import SeriesBlock, Signal
from remediation.brake import BrakeRule, CrashLoop, Gauges, Objective, pulled
from remediation.kill import Running
from tests.parts.nouns import NOW, a_signal

MINUTE = timedelta(minutes=1)
RULE = BrakeRule(burn=3.0, lasting=5 * MINUTE, within=timedelta(hours=1), step=MINUTE)
WHAT = Running(change=1, since=NOW, deployed=True)
GOOD, ALL, STARTS = (a_signal(name) for name in ("good", "all", "starts"))
GAUGES = Gauges(
    objectives=(Objective(good=GOOD, total=ALL, budget=0.001),), loops=(CrashLoop(starts=STARTS, above=3.0),)
)


@dataclass(frozen=True)
class Past:
    """What fails of 100 events a second, and the starts, in steps: from that minute after the change on."""

    fails: Mapping[int, float] = field(default_factory=dict[int, float])
    starts: Mapping[int, float] = field(default_factory=dict[int, float])
    partial: str = ""
    events: float = 100.0
    gone: tuple[int, int] = (0, 0)  # minutes without a reading

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        count = int((end - start) / step) + 1
        times = np.array([milliseconds(start + index * step) for index in range(count)], dtype=np.int64)
        minutes = (times - milliseconds(NOW)) / 60_000
        values = np.full(count, self.events if signal is not STARTS else 0.0)
        steps = {GOOD.key: self.fails, STARTS.key: self.starts}.get(signal.key, {})
        for since, level in steps.items():
            values[minutes > since] = self.events * (1 - level) if signal is GOOD else level
        values[(minutes > self.gone[0]) & (minutes <= self.gone[1])] = np.nan
        return SeriesBlock(
            signal=signal, labels=({"service": "shop"},), times=times, values=values[None, :],
            missing=np.isnan(values)[None, :], partial=self.partial,
        )  # fmt: skip


def looked(past: Past, minutes: float, what: Running = WHAT, gauges: Gauges = GAUGES) -> Judgement | None:
    return pulled(what, gauges, past.read, NOW + minutes * MINUTE, RULE)


def test_a_budget_that_burns_three_times_as_fast_as_pages_pulls_it_with_its_figures() -> None:
    found = looked(Past(fails={0: 0.2}), 6)
    assert found is not None
    assert (found.ruling, found.change, found.signal, found.braked) == (Ruling.HARMFUL, 1, "shop/good", True)
    assert found.because == (
        "the brake: shop broke down 6 min after the change began to run: 20% of its events failed since then and 20% "
        "in the last 5 min, 200 and 200 times what its objective allows (0.1%); 0% did before the change, and 4.32% is "
        "the limit"
    )
    assert looked(Past(fails={0: 0.04}), 6) is None  # 40 times its budget: the judgement's
    assert looked(Past(fails={-1: 0.05}), 6) is not None


def test_both_windows_must_burn() -> None:
    assert looked(Past(fails={0: 1.0, 5: 0.0}), 20) is None  # it was over at once
    assert looked(Past(fails={50: 0.1}), 56) is None  # a tenth of the time, a tenth of the events
    assert looked(Past(fails={30: 0.2}), 50) is not None


def test_what_was_as_bad_before_pulls_nothing() -> None:
    assert looked(Past(fails={-70: 0.2}), 10) is None
    assert looked(Past(fails={-70: 0.1, 0: 0.2}), 10) is None  # twice as bad
    assert looked(Past(fails={-70: 0.05, 0: 0.2}), 10) is not None
    assert looked(Past(starts={-70: 5.0}), 10) is None


def test_instances_that_start_over_and_over_pull_it() -> None:
    found = looked(Past(starts={2: 4.0}), 8)
    assert found is not None
    assert "its instances start over and over: 4 or more in every reading of the last 5 min, 0 at most" in found.because
    assert looked(Past(starts={0: 2.0}), 8) is None
    assert looked(Past(starts={2: 4.0, 6: 1.0}), 8) is None
    assert looked(Past(starts={2: 4.0}), 5) is None  # three of five readings


@pytest.mark.parametrize("minutes", [4, 61])
def test_it_is_for_right_after_the_change(minutes: int) -> None:
    assert looked(Past(fails={0: 1.0}, starts={0: 9.0}), minutes) is None


def test_missing_readings_pull_nothing() -> None:
    broken = Past(fails={0: 1.0}, starts={0: 9.0})
    assert looked(broken, 10) is not None
    assert looked(replace(broken, partial="a shard is gone"), 10) is None
    assert looked(replace(broken, gone=(6, 10)), 10) is None
    assert looked(replace(broken, gone=(-61, 0)), 10) is None  # how it was before is not known
    assert looked(Past(fails={0: 1.0}, events=0.001), 10) is None  # less than three failures


def test_an_objective_of_little_asks_for_nine_of_ten() -> None:
    loose = Gauges(objectives=(Objective(good=GOOD, total=ALL, budget=0.05),))
    assert looked(Past(fails={0: 0.85}), 10, gauges=loose) is None
    assert looked(Past(fails={0: 0.95}), 10, gauges=loose) is not None


def test_a_merge_without_a_marker_is_looked_at_too() -> None:
    found = looked(Past(starts={0: 9.0}), 10, what=Running(change=2, since=NOW, deployed=False))
    assert found is not None
    assert (found.change, "after the change was merged" in found.because) == (2, True)
