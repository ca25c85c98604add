"""Cases whose change runs, and what their metrics did since."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from cases.anomaly import Anomaly
from cases.case import Case
from cases.change import Patch
from cases.events import (
    Deployed,
    Diagnosed,
    Drafted,
    Entry,
    Event,
    Extended,
    Harmed,
    Joined,
    Judged,
    Opened,
    Proved,
)
from cases.lifecycle import advance, replay
from cases.moments import milliseconds
from cases.outcome import Judgement
from cases.pull_request_events import Merged, Proposed
from cases.steps import PostComment, StepResult
from cases.telemetry import Deploy, Direction, SeriesBlock, Signal
from remediation.watch import JudgementSettings, watch
from tests.parts.nouns import NOW, SHA, a_change, a_diagnosis, a_trial, an_anomaly

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ONSET = NOW
DEPLOY = NOW + HOUR
SETTINGS = JudgementSettings(
    warm_up=20 * MINUTE, window=24 * HOUR, act_within=6 * HOUR, look_every=5 * MINUTE, step=MINUTE, history=24 * HOUR,
    min_samples=12, alpha=0.01, holds=3, margin=None,
)  # fmt: skip
NORMAL, BAD = 0.005, 0.3


@dataclass(frozen=True, kw_only=True)
class World:
    """What the metrics did: (from when on, at which level) in order, for each signal; silent from `silent` on."""

    levels: dict[str, tuple[tuple[datetime, float], ...]]
    silent: datetime | None = None
    labels: dict[str, str] = field(default_factory=lambda: {"service": "shop", "route": "/checkout"})
    partial: str = ""

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        count = int((end - start) / step) + 1
        times = np.array([milliseconds(start + index * step) for index in range(count)], dtype=np.int64)
        levels = np.full(count, NORMAL)
        for since, level in self.levels.get(signal.name, ()):
            levels[times >= milliseconds(since)] = level
        # the noise belongs to the minute, so that two looks see the same past
        noise = np.array([np.random.default_rng(int(time) // 60_000 % 10**9).standard_normal() for time in times])
        values = levels + 0.1 * np.maximum(levels, 0.01) * noise
        if self.silent is not None:
            values[times >= milliseconds(self.silent)] = np.nan
        rows = np.stack([values, np.full(count, 0.9)])
        return SeriesBlock(
            signal=signal, labels=(self.labels, {"service": "shop", "route": "/"}), times=times, values=rows,
            missing=np.isnan(rows), partial=self.partial,
        )  # fmt: skip


def began(name: str = "errors", direction: Direction = Direction.UP) -> Anomaly:
    return replace(an_anomaly(name, direction), onset=ONSET, detected=ONSET + 3 * MINUTE)


def deployed(change: int, at: datetime) -> Deployed:
    return Deployed(change=change, deploy=Deploy(service="shop", commit=SHA, started=at, source="build_info"))


def a_case(*more: tuple[datetime, Event], change: Patch | None = None, also: tuple[Anomaly, ...] = ()) -> Case:
    """A case whose first change runs since DEPLOY."""
    change, early = change or a_change(), ONSET + 5 * MINUTE
    anomaly = began()
    events: list[tuple[datetime, Event]] = [
        (early, Opened(case_id="deadbeef", service="shop", fingerprint=anomaly.fingerprint, anomaly=anomaly)),
        *((early, Joined(anomaly=other)) for other in also),
        (early, Diagnosed(diagnosis=a_diagnosis())),
        (early, Drafted(change=change)),
        (early, Proved(trial=a_trial())),
        (early, Proposed(change=1, repository="shop", branch=change.branch("deadbeef"))),
        (early, merged(1)),
        (DEPLOY + MINUTE, deployed(1, DEPLOY)),
        *more,
    ]
    return replay(Entry(at=at, actor="daemon", event=event) for at, event in events)


def merged(change: int) -> Merged:
    return Merged(
        change=change, repository="shop", pull_request=7, url="http://127.0.0.1/7", sha=SHA, merged_at=ONSET, by="sre"
    )


def to_the_end(
    case: Case, world: World, settings: JudgementSettings = SETTINGS, every: timedelta | None = None
) -> tuple[StepResult, datetime, Case]:
    """Watch until something other than a longer watch happens; each look is when the last one asked for it."""
    now = DEPLOY
    for _ in range(2000):
        result = watch(case, world.read, now, settings)
        for event in result.events:
            case = advance(case, Entry(at=now, actor="daemon", event=event))
        if any(not isinstance(event, Extended) for event in result.events):
            return result, now, case
        assert result.waiting
        assert result.again is not None
        assert result.again > now
        now = max(result.again, now + every) if every else result.again
    raise AssertionError("the watch never ended")


def judged(result: StepResult) -> Judgement:
    (event,) = result.events
    assert isinstance(event, Judged | Harmed)
    return event.judgement


def comment(result: StepResult) -> str:
    (effect,) = result.effects
    assert isinstance(effect, PostComment)
    assert effect.repository == "shop"
    lines = effect.body.splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 420
    return effect.body


RECOVERS = World(levels={"errors": ((ONSET, BAD), (DEPLOY + MINUTE, NORMAL))})
PERSISTS = World(levels={"errors": ((ONSET, BAD),)})
WORSENS = World(levels={"errors": ((ONSET, BAD), (DEPLOY, 0.9))})


@dataclass(frozen=True, kw_only=True)
class Weeks:
    """Ten-minute readings with a daily wave; from the deploy on `effect` more, and all of it lost in what is common."""

    effect: float
    asked: list[Signal] = field(default_factory=list[Signal])

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        self.asked.append(signal)
        count = int((end - start) / step) + 1
        times = milliseconds(start) + np.arange(count, dtype=np.int64) * int(step / timedelta(milliseconds=1))
        at = times // 600_000
        day = np.sin(2 * np.pi * (at % 144) / 144)
        shared, own, other = (
            np.array([np.random.default_rng([salt, place]).standard_normal() for place in at.tolist()])
            for salt in range(3)
        )
        mine = 10 + day + 2 * shared + 0.3 * own + self.effect * (times >= milliseconds(DEPLOY))
        theirs = 50 + 8 * shared + 0.5 * other
        rows = np.stack([mine, theirs])
        if signal.pick:
            rows = rows[:1]
        labels = ({"service": "shop", "route": "/checkout"}, {"service": "search", "route": "/checkout"})[: len(rows)]
        return SeriesBlock(signal=signal, labels=labels, times=times, values=rows, missing=np.isnan(rows))
