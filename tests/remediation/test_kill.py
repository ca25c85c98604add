"""The kill rule: a catastrophe that lasts fires, and nothing else does."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from cases.anomaly import Anomaly
from cases.case import Case
from cases.errors import SourceDown
from cases.events import Deployed, Diagnosed, Drafted, Entry, Opened, Proved
from cases.lifecycle import replay
from cases.moments import milliseconds
from cases.outcome import Judgement, Ruling
from cases.pull_request_events import Merged, Proposed
from cases.telemetry import Deploy, Direction, SeriesBlock, Signal
from remediation.kill import KillRule, catastrophe, running
from tests.parts.nouns import NOW, SHA, a_change, a_diagnosis, a_trial, an_anomaly

MINUTE = timedelta(minutes=1)
ONSET, MERGE, DEPLOY = NOW, NOW + 30 * MINUTE, NOW + 35 * MINUTE
RULE = KillRule(worse_by=3.0, lasting=5 * MINUTE, step=MINUTE)
NORMAL, BAD = 0.01, 0.30
Floats = npt.NDArray[np.float64]
Shape = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Past:
    """A series by the minute since the onset, in a shape of its own; the same minute always reads the same."""

    shape: Shape
    seed: int = 0
    noise: float = 0.1
    partial: str = ""
    missing: float = 0.0

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        count = int((end - start) / step) + 1
        times = np.array([milliseconds(start + index * step) for index in range(count)], dtype=np.int64)
        minutes = ((times - milliseconds(ONSET)) / 60_000).astype(np.float64)
        drawn = np.random.default_rng(self.seed).random((2_000, 2))[minutes.astype(np.int64) + 1_000]
        levels = np.asarray(self.shape(minutes), dtype=np.float64)
        values = levels * (1.0 + self.noise * (4.0 * drawn[:, 0] - 2.0))
        values[drawn[:, 1] < self.missing] = np.nan
        return SeriesBlock(
            signal=signal,
            labels=({"service": "shop", "route": "/checkout"},),
            times=times,
            values=values[None, :],
            missing=np.isnan(values)[None, :],
            partial=self.partial,
        )


def steps(*levels: tuple[float, float]) -> Shape:
    """A level from each minute on; normal before."""

    def shape(minutes: Floats) -> Floats:
        values = np.full(minutes.shape, NORMAL)
        for since, level in levels:
            values[minutes >= since] = level
        return values

    return shape


def a_case(*, deployed: bool = True, anomaly: Anomaly | None = None) -> Case:
    anomaly = anomaly or replace(an_anomaly(), onset=ONSET, detected=ONSET + 3 * MINUTE)
    change = a_change()
    merged = Merged(
        change=1, repository="shop", pull_request=7, url="http://127.0.0.1/7", sha=SHA, merged_at=MERGE, by="sre"
    )
    events = [
        Opened(case_id="deadbeef", service="shop", fingerprint=anomaly.fingerprint, anomaly=anomaly),
        Diagnosed(diagnosis=a_diagnosis()),
        Drafted(change=change),
        Proved(trial=a_trial()),
        Proposed(change=1, repository="shop", branch=change.branch("deadbeef")),
        merged,
        Deployed(change=1, deploy=Deploy(service="shop", commit=SHA, started=DEPLOY, source="build_info")),
    ]
    told = events if deployed else events[:-1]
    return replay(Entry(at=MERGE, actor="daemon", event=event) for event in told)


def looked(case: Case, past: Past, minutes: float) -> Judgement | None:
    """What the rule says so long after the onset."""
    what = running(case)
    assert what is not None
    return catastrophe(case, what, past.read, ONSET + minutes * MINUTE, RULE)


def test_what_lasts_for_the_time_is_killed_with_its_figures() -> None:
    past = Past(steps((0, BAD), (40, 5.0)))
    assert looked(a_case(), past, 43) is None  # four readings
    judgement = looked(a_case(), past, 46)
    assert judgement is not None
    assert (judgement.ruling, judgement.change, judgement.samples) == (Ruling.HARMFUL, 1, 5)
    assert judgement.after == pytest.approx(5.0, rel=0.25)
    assert "or worse for 5 min since it runs; normal is 0.0" in judgement.because
    assert judgement.normal == pytest.approx(NORMAL, rel=0.2)
    assert judgement.anomalous == pytest.approx(BAD, rel=0.25)


def test_a_merge_is_watched_before_any_marker_and_only_from_then_on() -> None:
    assert looked(a_case(deployed=False), Past(steps((0, BAD), (29, 5.0))), 34) is None
    assert looked(a_case(deployed=False), Past(steps((0, BAD), (31, 5.0))), 37) is not None


@pytest.mark.parametrize(
    "past",
    [
        Past(steps((0, BAD), (36, 5.0)), partial="half of it"),
        Past(steps((0, BAD), (36, 5.0)), missing=1.0),
        Past(steps((0, BAD), (36, 5.0)), missing=0.85),
        Past(steps((0, 5.0), (36, 5.0))),  # it was there before
        Past(steps((0, BAD), (36, 0.6))),  # harm, and none that cannot wait for the judgement
        Past(steps((0, BAD), (36, 5.0), (38, BAD))),  # a restart
        Past(lambda minutes: 0.01 + 0.02 * np.maximum(minutes, 0.0)),  # a leak that goes on
        Past(lambda minutes: np.full(minutes.shape, -5.0)),  # far on the good side
        Past(lambda minutes: np.full(minutes.shape, np.inf)),
        Past(lambda minutes: np.where(minutes % 2 > 0, 1e308, -1e308), noise=0.0),
    ],
)
def test_everything_else_kills_nothing(past: Past) -> None:
    case = a_case()
    assert [looked(case, past, minutes) for minutes in (*range(36, 60), 150)] == [None] * 25


def test_a_fall_is_a_catastrophe_where_falling_is_the_harm() -> None:
    down = replace(an_anomaly(direction=Direction.DOWN), onset=ONSET, value=90.0, expected=100.0, low=99.0, high=101.0)
    down = replace(down, signal=replace(down.signal, harm=Direction.DOWN))
    case = a_case(anomaly=down)

    def orders(low: float) -> Shape:
        return lambda minutes: np.select([minutes < 0, minutes < 36], [100.0, 90.0], low)

    assert looked(case, Past(orders(5.0), noise=0.001), 43) is not None
    assert looked(case, Past(orders(80.0), noise=0.001), 43) is None


def test_a_source_that_is_down_says_so() -> None:
    def down(*_: object) -> SeriesBlock:
        raise SourceDown("main", "refused")

    case = a_case()
    what = running(case)
    assert what is not None
    with pytest.raises(SourceDown):
        catastrophe(case, what, down, ONSET + 50 * MINUTE, RULE)


def test_no_healthy_deploy_is_ever_killed() -> None:
    """200 deploys that mend, change nothing or recover slowly, in noise of every size."""
    case = a_case()
    for seed in range(200):
        after = (NORMAL, BAD, 0.1, 0.4)[seed % 4]
        past = Past(steps((0, BAD), (35, after)), seed=seed, noise=(0.05, 0.2, 0.45)[seed % 3])
        assert [looked(case, past, minutes) for minutes in (41, 47, 70)] == [None] * 3
