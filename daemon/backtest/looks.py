"""The daemon's looks at one watch, over a past stretch: what it would have seen at each, and never by what came later.

A baseline is learnt as often as the daemon learns one, from what lay before; between two of them, all looks are taken
at once, by the same functions that `detect` is made of. What they find is then looked at with `detect` itself, at the
very moment at which the daemon would first have said it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from cases.anomaly import Anomaly
from cases.moments import from_milliseconds
from cases.telemetry import Direction, Floats, Mask, Millis, SeriesBlock
from config.settings import DetectionSettings
from daemon.backtest.columns import between, row_of
from daemon.listing import Watch
from daemon.scorer import sparse
from detectors.allowance import Allowance
from detectors.baseline import LEARN_AGAIN, Baseline, Key, fit, history_step, key_of
from detectors.departures import Departure, Trace, departures
from detectors.detect import detect
from detectors.engine.engine import Engine
from detectors.runs import Run, runs, step_of
from detectors.seasonal import EDGE, band, scores, sides
from detectors.threshold import beyond

_LAST = 2**62
_WEEK = 7 * 86_400_000


@dataclass(slots=True, kw_only=True)
class Episode:
    """One anomaly, from when it was seen until its last sample out of range."""

    anomaly: Anomaly
    seen: datetime  # the look that first said so
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expected:
    """What was expected at each reading, each float64 [S, T]; NaN where nothing was known."""

    low: Floats
    middle: Floats
    high: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looked:
    """What the looks at one watch gave.

    block     the readings that were judged
    judged    how many readings of each series were held to a threshold or a band, length S
    remarks   what could not be judged, in words
    """

    watch: Watch
    block: SeriesBlock
    episodes: Sequence[Episode]
    expected: Expected
    judged: Sequence[int]
    remarks: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class _Looking:
    """The looks under way: the readings, and the troubles that go on.

    start   the first look, in epoch milliseconds
    reach   how far back each look sees, in milliseconds: `recent`, or as many points as prove something
    trace   what the engine said of each reading as it came
    allowance   what a departure must be worth by then
    """

    watch: Watch
    wanted: DetectionSettings
    readings: SeriesBlock
    trace: Trace
    allowance: Allowance
    start: int
    reach: int
    expected: Expected
    judged: Floats  # counts, by series
    episodes: list[Episode] = field(default_factory=list[Episode])
    lasting: dict[tuple[Key, Direction], Episode] = field(default_factory=dict[tuple[Key, Direction], Episode])

    def traced(self, part: SeriesBlock) -> Trace:
        """What was said of the readings of a part of them: some series, or some time."""
        places = {key_of(labels): place for place, labels in enumerate(self.readings.labels)}
        rows = np.array([places[key_of(labels)] for labels in part.labels], dtype=np.intp)
        return self.trace.part(rows, np.searchsorted(self.readings.times, part.times))


def look(
    watch: Watch,
    readings: SeriesBlock,
    history: SeriesBlock,
    wanted: DetectionSettings,
    *,
    start: datetime,
    allowed: float = 1.0,
) -> Looked:
    """Look at every reading from `start` on, in order.

    `readings` reach back `wanted.recent` before that where there are any; `history` is on the grid of `history_step`
    and reaches back as far as baselines are learnt from. Both are of the watch's signal; what is in them after a look
    plays no part in it. `allowed` false alerts a week are the watch's share of its service's budget.
    """
    begin = round(start.timestamp() * 1000)
    shape = readings.values.shape
    before = sparse(between(history, -_LAST, int(readings.times[0]) - 1 if len(readings.times) else _LAST))
    trace, past = _traced(watch, readings, before)
    looking = _Looking(
        watch=watch,
        wanted=wanted,
        readings=readings,
        trace=trace,
        allowance=Allowance(allowed=allowed),
        start=begin,
        reach=max(round(wanted.recent.total_seconds() * 1000), watch.confirm * step_of(readings.times)),
        expected=Expected(low=np.full(shape, np.nan), middle=np.full(shape, np.nan), high=np.full(shape, np.nan)),
        judged=np.zeros(len(readings.labels)),
    )
    for first, last, baseline in _stretches(looking, history):
        if baseline is not None and past is not None:
            _learn(looking, before, past, baseline)
            past = None
        _look(looking, first, last, baseline)
    columns = slice(int(np.searchsorted(readings.times, begin)), None)
    expected = looking.expected
    return Looked(
        watch=watch,
        block=between(readings, begin, _LAST),
        episodes=looking.episodes,
        expected=Expected(
            low=expected.low[:, columns], middle=expected.middle[:, columns], high=expected.high[:, columns]
        ),
        judged=[int(count) for count in looking.judged.tolist()],
    )


def _traced(watch: Watch, readings: SeriesBlock, before: SeriesBlock) -> tuple[Trace, Trace | None]:
    """What the engine says of each reading as it comes, and of what lies before them; None where it is not asked."""
    if by_threshold(watch) or watch.detector == "seasonal" or not len(readings.times):
        return Trace.nothing((len(readings.labels), len(readings.times))), None
    engine = Engine()
    rows = {
        key_of(labels): row for labels, row in zip(readings.labels, engine.claim(len(readings.labels)), strict=True)
    }
    gone = [key_of(labels) for labels in before.labels if key_of(labels) not in rows]
    rows.update(zip(gone, engine.claim(len(gone)), strict=True))
    past, trace = (_fed(engine, block, rows) for block in (before, readings))
    return trace, past


def _fed(engine: Engine, block: SeriesBlock, rows: Mapping[Key, int]) -> Trace:
    """What the engine says of a block's readings, and learns from them."""
    mine = np.array([rows[key_of(labels)] for labels in block.labels], dtype=np.intp)
    values = np.where(block.missing, np.nan, block.values)
    return Trace.of(engine.stretch(mine, block.times, values, explain=True), values.shape)


def _learn(looking: _Looking, before: SeriesBlock, past: Trace, baseline: Baseline) -> None:
    """Let the allowance know what departed before anybody looked, as a daemon that is started does."""
    if len(before.times) > 1:
        departed = departures(before, past, baseline, confirm=looking.watch.confirm, ongoing=False)
        looking.allowance.learn([one.peak for one in departed], int(before.times[-1] - before.times[0]) / _WEEK)


def by_threshold(watch: Watch) -> bool:
    """Whether the watch needs no history."""
    return watch.detector == "threshold" or (watch.detector == "auto" and watch.signal.threshold is not None)


def _stretches(looking: _Looking, history: SeriesBlock) -> Iterator[tuple[int, int, Baseline | None]]:
    """(first look, last look, the baseline in force) in epoch milliseconds, one after the other."""
    times = looking.readings.times
    place = int(np.searchsorted(times, looking.start))
    if by_threshold(looking.watch) and place < len(times):
        yield int(times[place]), _LAST, None
        return
    wanted = looking.wanted
    refit, again = (round(duration.total_seconds() * 1000) for duration in (wanted.refit, LEARN_AGAIN))
    learn = _Learning(history, wanted)
    while place < len(times):
        now = int(times[place])
        baseline = learn(now)
        due = now + (refit if baseline is not None else min(refit, again))
        if baseline is not None:
            yield now, due - 1, baseline
        place = int(np.searchsorted(times, due))


class _Learning:
    """Learns what was normal as of a moment."""

    def __init__(self, history: SeriesBlock, wanted: DetectionSettings) -> None:
        self._history = history
        self._wanted = wanted
        self._grain = round(history_step(wanted.history, wanted.step).total_seconds() * 1000)
        counts: Millis = np.cumsum(~history.missing, axis=1, dtype=np.int64)
        self._counts = np.concatenate((np.zeros((len(counts), 1), dtype=counts.dtype), counts), axis=1)

    def __call__(self, now: int) -> Baseline | None:
        """The baseline, or None while no series has enough history."""
        wanted = self._wanted
        newest = (now - round(wanted.recent.total_seconds() * 1000)) // self._grain * self._grain
        oldest = newest - round(wanted.history.total_seconds() * 1000) // self._grain * self._grain
        first, last = np.searchsorted(self._history.times, [oldest, newest + 1])
        present = int(np.max(self._counts[:, last] - self._counts[:, first], initial=0))
        if present * self._grain < wanted.warm_up.total_seconds() * 1000:
            return None
        baseline = fit(between(self._history, oldest, newest), warm_up=wanted.warm_up)
        return baseline if baseline.warm.any() else None


def _look(looking: _Looking, first: int, last: int, baseline: Baseline | None) -> None:
    """Take all looks from `first` to `last` by one baseline."""
    window = between(looking.readings, first - looking.reach, last)
    _note_expected(looking, first, last, baseline)
    going_on: dict[tuple[Key, Direction], Episode] = {}
    for found in _troubles(looking, window, baseline):
        row = found.row
        episode = _episode(looking, row_of(window, row), found, first, baseline)
        newest = int(np.flatnonzero(~window.missing[row])[-1])
        if episode is not None and found.run.last == newest:
            going_on[key_of(window.labels[row]), found.direction] = episode
    looking.lasting = going_on
    passed = min(last, int(looking.readings.times[-1])) - first
    if baseline is not None and passed > 0:
        looking.allowance.note(_ended(looking, window, baseline, first), weeks=passed / _WEEK)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    """A stretch out of what is expected: the series' row, the side, and the column at which it is told."""

    row: int
    direction: Direction
    run: Run
    told: int


def _departed(looking: _Looking, window: SeriesBlock, baseline: Baseline) -> tuple[Departure, ...]:
    """Every departure of a window, whether it goes on or not."""
    return departures(window, looking.traced(window), baseline, confirm=looking.watch.confirm, ongoing=False)


def _ended(looking: _Looking, window: SeriesBlock, baseline: Baseline, first: int) -> list[float]:
    """The most that departures were worth that ended in this window, at `first` or later."""
    if looking.watch.detector == "seasonal":
        return []
    newest = window.times[-1]
    return [one.peak for one in _departed(looking, window, baseline) if first <= window.times[one.run.last] < newest]


def _troubles(looking: _Looking, window: SeriesBlock, baseline: Baseline | None) -> Iterator[_Trouble]:
    """What is out of range in a window, whether it goes on or not."""
    confirm = looking.watch.confirm
    if baseline is not None and looking.watch.detector != "seasonal":
        worth = looking.allowance.worth()
        for one in _departed(looking, window, baseline):
            told = one.told(worth)
            if told is not None:
                yield _Trouble(row=one.row, direction=one.direction, run=one.run, told=told)
        return
    for direction, out in _out(window, baseline).items():
        for row in np.flatnonzero(np.sum(out, axis=1) >= confirm).tolist():
            for run in runs(out[row], window.missing[row], window.times, confirm=confirm, ongoing=False):
                yield _Trouble(row=row, direction=direction, run=run, told=run.confirmed)


def _out(window: SeriesBlock, baseline: Baseline | None) -> Mapping[Direction, Mask]:
    """Where the readings are out of what is expected, by side."""
    harm = window.signal.harm
    if baseline is None:
        return {harm or Direction.UP: beyond(window)}
    with np.errstate(invalid="ignore"):
        return {side: scores(baseline, window, side) > EDGE for side in sides(window)}


def _episode(
    looking: _Looking, series: SeriesBlock, trouble: _Trouble, first: int, baseline: Baseline | None
) -> Episode | None:
    """The episode that a run begins or goes on with; None for one that was over, or that no look would have told."""
    run, direction = trouble.run, trouble.direction
    end = int(series.times[run.last])
    if end < first:
        return None
    lasting = looking.lasting.get((key_of(series.labels[0]), direction))
    if lasting is not None and int(series.times[run.first]) < first:
        lasting.end = from_milliseconds(end)
        return lasting
    seen = max(int(series.times[trouble.told]), first)
    then = between(series, seen - looking.reach, seen)
    worth = looking.allowance.worth()
    found = detect(
        then,
        baseline,
        confirm=looking.watch.confirm,
        choice=looking.watch.detector,
        trace=None if baseline is None else looking.traced(then),
        needed=lambda _series, _side: worth,
    )
    anomaly = next((anomaly for anomaly in found.anomalies if anomaly.direction is direction), None)
    if anomaly is None:
        return None
    episode = Episode(anomaly=anomaly, seen=from_milliseconds(seen), end=from_milliseconds(end))
    looking.episodes.append(episode)
    return episode


def _note_expected(looking: _Looking, first: int, last: int, baseline: Baseline | None) -> None:
    low, high = np.searchsorted(looking.readings.times, [first, last + 1])
    part, columns = between(looking.readings, first, last), slice(int(low), int(high))
    if baseline is None:
        threshold = part.signal.threshold if part.signal.threshold is not None else np.nan
        for each in (looking.expected.low, looking.expected.middle, looking.expected.high):
            each[:, columns] = threshold
    else:
        below, middle, above = band(baseline, part)
        looking.expected.low[:, columns] = below
        looking.expected.middle[:, columns] = middle
        looking.expected.high[:, columns] = above
    looking.judged += np.sum(~part.missing & ~np.isnan(looking.expected.middle[:, columns]), axis=1)
