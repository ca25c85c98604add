"""Drift: a signal that gets a little worse each day, for weeks. An opportunity: nobody is ever woken for it.

Written rules. Each day counts by the median of its readings, and only if half of its points are there; days are
compared with those a whole number of weeks before them, so that a weekend is no trend. It takes three weeks of days, a
trend to the harm side that is sure, and weeks that got worse in the first half as well as in the second (a step is
another detector's, and what has come to rest is over), by `LEAST_CHANGE` of the level in all. A signal without a harm
side has no worse. What is found asks for a note, whatever its signal asks for. Missing and infinite readings are left
out.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import from_milliseconds
from cases.telemetry import Direction, Floats, Millis, SeriesBlock, Severity
from detectors.runs import score
from inference.trend import Trend, trend

LEAST_DAYS = 21
LEAST_CHANGE = 0.05

_DAY = 86_400_000
_WEEK = 7
_STEADY = 0.25  # of the line's own pace, in each half


def detect_drift(history: SeriesBlock) -> tuple[Anomaly, ...]:
    """One anomaly for each series of three weeks or more that drifts to its harm side; none from a partial block.

    `value` is where the line is now and `expected` where it began, in the signal's unit; the score is a half at
    `LEAST_CHANGE` and more the more it changed. The onset is the first day, as a drift has none of its own.
    """
    harm = history.signal.harm
    if history.partial or harm is None:
        return ()
    sign = -1.0 if harm is Direction.DOWN else 1.0
    found: list[Anomaly] = []
    for row, labels in enumerate(history.labels):
        values = np.where(history.missing[row] | ~np.isfinite(history.values[row]), np.nan, history.values[row])
        size = float(np.max(np.abs(values), initial=0.0, where=~np.isnan(values))) or 1.0
        days, levels = _by_day(history.times, values / size)  # no sum of what is left overflows
        line = _line(days, sign * levels)
        if line is None:
            continue
        before = line.now - line.slope * float(days[-1] - days[0])
        change = (line.now - before) / max(abs(before), abs(line.now))
        if change >= LEAST_CHANGE:
            found.append(_anomaly(history, labels, harm, days, sign * before * size, sign * line.now * size, change))
    return tuple(found)


def _by_day(times: Millis, values: Floats) -> tuple[Millis, Floats]:
    """(days since the epoch, the median reading of each), of days that are half there or more."""
    day = times // _DAY
    kept: list[int] = []
    levels: list[float] = []
    for one in sorted(set(day.tolist())):
        here = values[day == one]
        present = here[~np.isnan(here)]
        if len(present) >= max(1, len(here) / 2):
            kept.append(one)
            levels.append(float(np.median(present)))
    return np.array(kept, dtype=np.int64), np.array(levels)


def _line(days: Millis, levels: Floats) -> Trend | None:
    """The line of days that get worse for sure, or None."""
    if len(days) < LEAST_DAYS:
        return None
    line = trend(days, levels, (days % _WEEK).astype(np.intp))
    if line is None or line.direction <= 0:
        return None
    known = dict(zip(days.tolist(), levels.tolist(), strict=True))
    weeks = np.array([known[day] - known[day - _WEEK] for day in known if day - _WEEK in known])
    halves = np.array_split(weeks, 2)
    if any(len(half) == 0 or np.median(half) < _STEADY * line.slope * _WEEK for half in halves):
        return None
    return line


def _anomaly(
    history: SeriesBlock,
    labels: Mapping[str, str],
    harm: Direction,
    days: Millis,
    before: float,
    now: float,
    change: float,
) -> Anomaly:
    return Anomaly(
        signal=replace(history.signal, severity=Severity.NOTE),
        labels=labels,
        detector="drift",
        kind=AnomalyKind.DRIFT,
        direction=harm,
        onset=from_milliseconds(int(days[0]) * _DAY),
        onset_bound_s=float(_DAY) / 1000,
        detected=from_milliseconds(int(history.times[-1])),
        value=now,
        expected=before,
        low=min(before, now),
        high=max(before, now),
        score=float(score(np.asarray(change / LEAST_CHANGE))),
    )
