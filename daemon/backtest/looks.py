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
from detectors.baseline import LEARN_AGAIN, Baseline, Key, fit, history_step, key_of
from detectors.detect import detect
from detectors.runs import Run, runs, step_of
from detectors.seasonal import EDGE, band, scores
from detectors.threshold import beyond

_LAST = 2**62


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
    """

    watch: Watch
    wanted: DetectionSettings
    readings: SeriesBlock
    start: int
    reach: int
    expected: Expected
    judged: Floats  # counts, by series
    episodes: list[Episode] = field(default_factory=list[Episode])
    lasting: dict[tuple[Key, Direction], Episode] = field(default_factory=dict[tuple[Key, Direction], Episode])


def look(
    watch: Watch, readings: SeriesBlock, history: SeriesBlock, wanted: DetectionSettings, *, start: datetime
) -> Looked:
    """Look at every reading from `start` on, in order.

    `readings` reach back `wanted.recent` before that where there are any; `history` is on the grid of `history_step`
    and reaches back as far as baselines are learnt from. Both are of the watch's signal; what is in them after a look
    plays no part in it.
    """
    begin = round(start.timestamp() * 1000)
    shape = readings.values.shape
    looking = _Looking(
        watch=watch,
        wanted=wanted,
        readings=readings,
        start=begin,
        reach=max(round(wanted.recent.total_seconds() * 1000), watch.confirm * step_of(readings.times)),
        expected=Expected(low=np.full(shape, np.nan), middle=np.full(shape, np.nan), high=np.full(shape, np.nan)),
        judged=np.zeros(len(readings.labels)),
    )
    for first, last, baseline in _stretches(looking, history):
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
    for direction, out in _out(window, baseline).items():
        for row in np.flatnonzero(np.sum(out, axis=1) >= looking.watch.confirm).tolist():
            name = (key_of(window.labels[row]), direction)
            for run in runs(out[row], window.missing[row], window.times, confirm=looking.watch.confirm, ongoing=False):
                episode = _episode(looking, row_of(window, row), direction, run, first, baseline)
                newest = int(np.flatnonzero(~window.missing[row])[-1])
                if episode is not None and run.last == newest:
                    going_on[name] = episode
    looking.lasting = going_on


def _out(window: SeriesBlock, baseline: Baseline | None) -> Mapping[Direction, Mask]:
    """Where the readings are out of what is expected, by side."""
    harm = window.signal.harm
    if baseline is None:
        return {harm or Direction.UP: beyond(window)}
    sides = (harm,) if harm else tuple(Direction)
    with np.errstate(invalid="ignore"):
        return {side: scores(baseline, window, side) > EDGE for side in sides}


def _episode(
    looking: _Looking, series: SeriesBlock, direction: Direction, run: Run, first: int, baseline: Baseline | None
) -> Episode | None:
    """The episode that a run begins or goes on with; None for one that was over, or that no look would have told."""
    end = int(series.times[run.last])
    if end < first:
        return None
    lasting = looking.lasting.get((key_of(series.labels[0]), direction))
    if lasting is not None and int(series.times[run.first]) < first:
        lasting.end = from_milliseconds(end)
        return lasting
    seen = max(int(series.times[run.confirmed]), first)
    then = between(series, seen - looking.reach, seen)
    found = detect(then, baseline, confirm=looking.watch.confirm, choice=looking.watch.detector)
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
