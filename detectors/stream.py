"""Stream: readings that come one after the other, scored as the daemon would have done, and never by what comes later.

It is the daemon's own way with a series, made of the same functions: `fit` learns what is normal from two weeks on a
grid of five minutes that end half an hour ago; `scores` holds each reading to that band; an alert wants `confirm`
readings in a row out of it, as `runs` counts them. Only one thing is spared: the daemon learns anew each hour, a
stream each hour at first and then whenever it knows a 28th more. On the Numenta Anomaly Benchmark that is eight times
as fast, and of 569 alerts at most six differ.
"""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from cases.errors import PermanentError
from cases.telemetry import Direction, Floats, Mask, Millis, SeriesBlock, Signal
from config.settings import DetectionSettings
from detectors.baseline import Baseline, fit
from detectors.runs import step_of
from detectors.seasonal import scores

HISTORY_POINTS = 4_032
"""What a baseline is learnt from at most: two weeks, five minutes apart, as fine as the times of day it tells apart."""

LEARN_AGAIN = timedelta(minutes=1)
"""How soon to try again while there is not enough history."""

EDGE = 0.5
"""The score at the edge of the band."""

MOST_SERIES = 20_000
"""How many series one process keeps: each takes up to 70 KB."""

SPARE = 28.0
"""Normal is learnt anew once this part of the history is new: twice a day in the end. Infinite: each hour, always."""

_MILLISECOND = timedelta(milliseconds=1)
_RECENT_TIMES = 32  # from which the distance between readings is taken
_SIGNAL = Signal(name="value", service="", source="", query="")


def history_step(wanted: DetectionSettings) -> timedelta:
    """The distance of the points that a baseline is learnt from."""
    return max(wanted.step, timedelta(seconds=-(-wanted.history.total_seconds() // HISTORY_POINTS)))


class Confirming:
    """`runs`, for samples that come piece by piece: says at which one a run is long enough to be believed."""

    def __init__(self, confirm: int) -> None:
        self._confirm = confirm
        self._count = 0
        self._last = 0

    def feed(self, out: Mask, times: Millis, widest: int) -> list[int]:
        """The places where a run of samples that are `out` is confirmed. Samples further apart than `widest` part it.

        `out` and `times` [T] are of samples that are there: a missing one neither counts nor ends a run.
        """
        found: list[int] = []
        for place in np.flatnonzero(out).tolist():
            follows = bool(out[place - 1]) if place else self._count > 0
            before = int(times[place - 1]) if place else self._last
            self._count = self._count + 1 if follows and int(times[place]) - before <= widest else 1
            if self._count == self._confirm:
                found.append(place)
        if len(out):
            self._count = self._count if out[-1] else 0
            self._last = int(times[-1])
        return found


class Track:
    """One series: its thinned history, what is normal for it, and the run that it may be in."""

    def __init__(self, wanted: DetectionSettings, spare: float = SPARE) -> None:
        self._wanted = wanted
        self._spare = spare
        self._grain = history_step(wanted) // _MILLISECOND
        self._slots = np.empty(0, dtype=np.int64)  # points of the history's grid that have a sample, ascending
        self._samples = np.empty(0)
        self._times = np.empty(0, dtype=np.int64)  # of the newest readings, missing ones too
        self._due = -(2**62)  # epoch milliseconds from which to learn anew
        self._baseline: Baseline | None = None
        self._widest = 0
        self._runs = {direction: Confirming(wanted.confirm) for direction in Direction}

    def feed(self, times: Millis, values: Floats) -> tuple[Floats, Mask]:
        """(scores in [0, 1], whether an alert is raised there), each [T]; a score of 0 where nothing can be said.

        `times` are epoch milliseconds that never fall, also from call to call; what is not finite is missing. How the
        readings are cut into calls makes no difference.
        """
        far, alerts = np.zeros(len(times)), np.zeros(len(times), dtype=np.bool_)
        first = 0
        while first < len(times):
            if times[first] >= self._due:
                self._learn(int(times[first]))
            last = int(np.searchsorted(times, self._due))
            part = slice(first, last)
            far[part], alerts[part] = self._judge(times[part], values[part])
            self._keep(times[part], values[part])
            first = last
        return far, alerts

    def _judge(self, times: Millis, values: Floats) -> tuple[Floats, Mask]:
        far, alerts = np.zeros(len(times)), np.zeros(len(times), dtype=np.bool_)
        present = np.flatnonzero(np.isfinite(values))
        if self._baseline is None or not len(present):
            return far, alerts
        at, there = times[present], values[None, present]
        block = SeriesBlock(
            signal=_SIGNAL, labels=({},), times=at, values=there, missing=np.zeros_like(there, np.bool_)
        )
        for direction, confirming in self._runs.items():
            side = np.nan_to_num(scores(self._baseline, block, direction)[0])
            alerts[present[confirming.feed(side > EDGE, at, self._widest)]] = True
            far[present] = np.maximum(far[present], side)
        return far, alerts

    def _keep(self, times: Millis, values: Floats) -> None:
        """Add to the history the last sample before each point of its grid, as a source would have shown it."""
        self._times = np.concatenate((self._times, times))[-_RECENT_TIMES:]
        present = np.isfinite(values)
        slots, samples = -(-times[present] // self._grain), values[present]
        if not len(slots):
            return
        newest = np.append(slots[1:] != slots[:-1], True)
        slots, samples = slots[newest], samples[newest]
        kept = self._slots < slots[0]
        reach = (self._wanted.history + self._wanted.recent) // _MILLISECOND // self._grain + 1
        kept &= self._slots > slots[-1] - reach
        self._slots = np.concatenate((self._slots[kept], slots))
        self._samples = np.concatenate((self._samples[kept], samples))

    def _learn(self, now: int) -> None:
        """Learn what is normal as of `now`, in epoch milliseconds."""
        wanted = self._wanted
        newest = (now - wanted.recent // _MILLISECOND) // self._grain
        oldest = newest - wanted.history // _MILLISECOND // self._grain
        first, last = np.searchsorted(self._slots, [oldest, newest + 1])
        slots, samples = self._slots[first:last], self._samples[first:last]
        self._baseline = None
        self._widest = (wanted.confirm + 1) * step_of(self._times)
        short = -(-(wanted.warm_up // _MILLISECOND) // self._grain) - len(slots)
        if short > 0:  # each of these takes a point of the grid
            self._due = now + max(LEARN_AGAIN // _MILLISECOND, (short - 1) * self._grain)
            return
        self._baseline = self._fit(slots, samples)
        enough = int((slots[-1] - slots[0]) * self._grain / self._spare)
        refit = max(wanted.refit // _MILLISECOND, enough)
        self._due = now + (refit if bool(self._baseline.warm[0]) else LEARN_AGAIN // _MILLISECOND)

    def _fit(self, slots: Millis, samples: Floats) -> Baseline:
        axis = np.arange(int(slots[0]), int(slots[-1]) + 1, dtype=np.int64)
        values = np.full((1, len(axis)), np.nan)
        values[0, slots - slots[0]] = samples
        history = SeriesBlock(
            signal=_SIGNAL, labels=({},), times=axis * self._grain, values=values, missing=np.isnan(values)
        )
        return fit(history, warm_up=self._wanted.warm_up)


class Streams:
    """Many series, interleaved in any way. What is kept grows with the number of series, never with the readings."""

    def __init__(self, wanted: DetectionSettings, spare: float = SPARE) -> None:
        self._wanted = wanted
        self._spare = spare
        self._tracks: dict[str, Track] = {}

    def feed(self, names: Sequence[str], times: Millis, values: Floats) -> tuple[Floats, Mask]:
        """(scores, alerts), each [N], for N readings with the names of their series. See `Track.feed`.

        Raises PermanentError for more series than are kept.
        """
        places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(name, []).append(place)
        far, alerts = np.zeros(len(names)), np.zeros(len(names), dtype=np.bool_)
        for name, mine in places.items():
            where = np.array(mine)
            far[where], alerts[where] = self._track(name).feed(times[where], values[where])
        return far, alerts

    def _track(self, name: str) -> Track:
        track = self._tracks.get(name)
        if track is None:
            if len(self._tracks) == MOST_SERIES:
                raise PermanentError(f"more than {MOST_SERIES} series: share them out among several processes")
            track = self._tracks[name] = Track(self._wanted, self._spare)
        return track
