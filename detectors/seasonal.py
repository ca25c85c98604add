"""Seasonal: series that left the band of their baseline and stayed out.

Written rules for series that a baseline does not cover:

- A *newcomer* (no history, or too little) has no band of its own. Where harm lies upwards it is held to the widest
  band of its warm siblings: a new instance or route may not start out worse than all the others. Downwards nothing is
  said, as whatever starts, starts low. Without a warm sibling it is only reported as warming up.
- A series that has *vanished* (history, but no sample in the window) is no anomaly here: missing is not zero. It is
  reported, and `detectors.sight` tells when it was the last.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import from_milliseconds
from cases.telemetry import Direction, Floats, SeriesBlock
from detectors.baseline import Baseline, expected, key_of
from detectors.runs import Run, onset_bound_s, onset_late_s, runs, score, walked_back

EDGE = 0.5
"""The score at the edge of the band."""

DEPARTING = 0.4 / 1.4
"""The score at two fifths of the way to the edge of the band: two standard deviations of five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The labels of the series that a baseline says nothing of by itself, or that it waits for in vain."""

    newcomers: tuple[Mapping[str, str], ...]
    vanished: tuple[Mapping[str, str], ...]
    judged: int  # how many series of the window have a band, their own or their siblings'

    @property
    def warming(self) -> bool:
        """Whether nothing at all can be judged yet."""
        return self.judged == 0


def detect_seasonal(
    baseline: Baseline, recent: SeriesBlock, *, confirm: int, ongoing: bool = True
) -> tuple[Anomaly, ...]:
    """One anomaly for each series with `confirm` consecutive samples out of its band, none from a partial block.

    Only the harm side counts where the signal has one. The onset is dated by walking back from the first sample out of
    the band over those that were departing already. With `ongoing` (what a poll wants) only what still holds at the
    series' newest sample; without it (what a backtest wants) every run in the block, in order.
    Raises ValueError when the block has infinite values.
    """
    if recent.partial:
        return ()
    low, middle, high = band(baseline, recent)
    found: list[Anomaly] = []
    for direction in sides(recent):
        distance = _distance(recent, direction, low, middle, high)
        with np.errstate(invalid="ignore"):
            out, departing = distance > 1.0, score(distance) > DEPARTING
        for row in range(len(recent.labels)):
            missing = recent.missing[row]
            for run in runs(out[row], missing, recent.times, confirm=confirm, ongoing=ongoing):
                begun = walked_back(run, departing[row], missing)
                forecast = (middle[row], low[row], high[row])
                found.append(_anomaly(recent, row, direction, begun, forecast, distance[row]))
    return tuple(sorted(found, key=lambda anomaly: (anomaly.detected, key_of(anomaly.labels))))


def scores(baseline: Baseline, recent: SeriesBlock, direction: Direction) -> Floats:
    """How far out each reading [S, T] is on that side, in [0, 1]: a half at the edge of the band, 0 at the middle.

    NaN where there is no sample, or no band to hold it to. Each score depends on the baseline and its own reading only.
    """
    return score(_distance(recent, direction, *band(baseline, recent)))


def band(baseline: Baseline, recent: SeriesBlock) -> tuple[Floats, Floats, Floats]:
    """(low, middle, high) for each series of the block, each float64 [S, T]; NaN where nothing can be said."""
    low, middle, high = expected(baseline, recent.times)
    rows = {key_of(labels): row for row, labels in enumerate(baseline.labels) if baseline.warm[row]}
    shape = recent.values.shape
    mine = (np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan))
    warm = sorted(rows.values())
    for place, labels in enumerate(recent.labels):
        row = rows.get(key_of(labels))
        if row is not None:
            mine[0][place], mine[1][place], mine[2][place] = low[row], middle[row], high[row]
        elif warm and recent.signal.harm is Direction.UP:
            mine[0][place] = np.min(low[warm], axis=0)
            mine[1][place] = np.median(middle[warm], axis=0)
            mine[2][place] = np.max(high[warm], axis=0)
    return mine


def coverage(baseline: Baseline, recent: SeriesBlock) -> Coverage:
    """Which series of the window the baseline does not know, and which it knows that are not there."""
    warm = {key_of(labels) for row, labels in enumerate(baseline.labels) if baseline.warm[row]}
    here = {key_of(labels) for row, labels in enumerate(recent.labels) if not recent.missing[row].all()}
    newcomers = tuple(labels for labels in recent.labels if key_of(labels) in here - warm)
    by_siblings = bool(warm) and recent.signal.harm is Direction.UP
    return Coverage(
        newcomers=newcomers,
        vanished=tuple(labels for labels in baseline.labels if key_of(labels) in warm - here),
        judged=len(here) if by_siblings else len(here & warm),
    )


def sides(recent: SeriesBlock) -> tuple[Direction, ...]:
    """On which sides a departure counts: the signal's harm side, or both."""
    return (recent.signal.harm,) if recent.signal.harm else (Direction.UP, Direction.DOWN)


def _distance(recent: SeriesBlock, direction: Direction, low: Floats, middle: Floats, high: Floats) -> Floats:
    """How far each reading is from the middle towards that side, in half-widths of the band, at least 0."""
    values = np.where(recent.missing, np.nan, recent.values)
    if bool(np.any(np.isinf(values))):
        raise ValueError(f"the readings of {recent.signal.key} have infinite values")
    if direction is Direction.UP:
        return np.maximum((values - middle) / (high - middle), 0.0)
    room = middle - low
    with np.errstate(invalid="ignore", divide="ignore"):
        down = np.maximum((middle - values) / room, 0.0)
    # A band that ends at zero around a middle of zero has no lower half: nothing can be below it.
    return np.where((room == 0) & ~np.isnan(values), 0.0, down)


def _anomaly(
    recent: SeriesBlock, row: int, direction: Direction, run: Run, forecast: tuple[Floats, Floats, Floats], far: Floats
) -> Anomaly:
    middle, low, high = forecast
    at = run.confirmed
    return Anomaly(
        signal=recent.signal,
        labels=recent.labels[row],
        detector="seasonal",
        kind=AnomalyKind.LEVEL,
        direction=direction,
        onset=from_milliseconds(int(recent.times[run.first])),
        onset_bound_s=onset_bound_s(run, recent.times),
        onset_late_s=onset_late_s(run, recent.times),
        detected=from_milliseconds(int(recent.times[at])),
        value=float(recent.values[row, at]),
        expected=float(middle[at]),
        low=float(low[at]),
        high=float(high[at]),
        score=float(score(far)[at]),
    )
