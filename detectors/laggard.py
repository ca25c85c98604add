"""Laggards: a series that is far worse than its siblings, day after day. An opportunity: nobody is ever woken for it.

Written rules. Siblings are the series of one signal: it takes five of them, as a slow one of two may be either's fault.
Each day counts by the median of its readings, and only if half of its points are there. A laggard is at least
`TIMES` as bad as the median of all of them, on nine of ten days and for three weeks; were it only bad now and then, an
alert would be for it. A signal that harms downwards is turned round. Whatever is not above zero has no ratio.
"""

from dataclasses import replace

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import from_milliseconds
from cases.telemetry import Direction, Floats, SeriesBlock, Severity

TIMES = 5.0
LEAST_SIBLINGS = 5
LEAST_DAYS = 21
MOST_DAYS = 0.9

_DAY = 86_400_000


def detect_laggards(history: SeriesBlock) -> tuple[Anomaly, ...]:
    """One anomaly for each laggard, the worst first; none from a partial block, or a signal without a harm side.

    `value` is its own level and `expected` that of its siblings, in the signal's unit.
    """
    harm, rows = history.signal.harm, len(history.labels)
    if history.partial or harm is None or rows < LEAST_SIBLINGS:
        return ()
    levels = _by_day(history)
    if levels.shape[1] < LEAST_DAYS:
        return ()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        middle = np.array([np.median(day[~np.isnan(day)]) if np.any(~np.isnan(day)) else np.nan for day in levels.T])
        ratio = levels / middle if harm is Direction.UP else middle / levels
    found: list[Anomaly] = []
    for row in range(rows):
        there = np.isfinite(ratio[row]) & (levels[row] > 0) & (middle > 0)
        times = ratio[row, there]
        if len(times) < LEAST_DAYS or np.mean(times >= TIMES) < MOST_DAYS:
            continue
        own, usual = float(np.median(levels[row, there])), float(np.median(middle[there]))
        found.append(_anomaly(history, row, harm, own, usual, float(np.median(times))))
    return tuple(sorted(found, key=lambda anomaly: -anomaly.score))


def _by_day(history: SeriesBlock) -> Floats:
    """The median reading of each series and day, float64 [S, days]; NaN for a day of which half is not there."""
    values = np.where(history.missing | ~np.isfinite(history.values), np.nan, history.values)
    days = history.times // _DAY
    levels: list[list[float]] = []
    for day in np.unique(days).tolist():
        here = values[:, days == day]
        present = np.sum(~np.isnan(here), axis=1)
        enough = present >= max(1, here.shape[1] / 2)
        levels.append([
            float(np.median(row[~np.isnan(row)])) if ok else np.nan for row, ok in zip(here, enough, strict=True)
        ])  # fmt: skip
    return np.array(levels).T if levels else np.empty((len(history.labels), 0))


def _anomaly(history: SeriesBlock, row: int, harm: Direction, own: float, usual: float, times: float) -> Anomaly:
    return Anomaly(
        signal=replace(history.signal, severity=Severity.NOTE),
        labels=history.labels[row],
        detector="laggard",
        kind=AnomalyKind.LAGGARD,
        direction=harm,
        onset=from_milliseconds(int(history.times[0])),
        onset_bound_s=float(_DAY) / 1000,
        detected=from_milliseconds(int(history.times[-1])),
        value=own,
        expected=usual,
        low=min(own, usual),
        high=max(own, usual),
        score=1.0 - 1.0 / times,
    )
