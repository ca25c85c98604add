"""Saturation: when what fills up will be full, in hours, and only where the trend is certain.

Written rules. Missing and infinite readings are left out. A trend must be sure by itself over the whole stretch and
over each half of it: a step is no trend, and neither is what has come to rest. What fell by a quarter of its range at
once (a rotated log, a restart) is judged by what came after; and where it had been higher than now and still fell by
itself before the limit, it is taken to do so again: nothing is said until it passes that height. Nor is anything said
where the latest moment is more than `MOST_SPREAD` times as far as the soonest, or more than twice as far ahead as the
stretch reaches back: a trend of two days tells little of next week. What is past its limit already is a threshold's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import from_milliseconds
from cases.telemetry import Direction, Floats, Millis, SeriesBlock
from detectors.runs import score
from inference.trend import LEAST_POINTS, Trend, trend

MOST_SPREAD = 3.0

_HOUR = 3_600_000.0
_FURTHEST = 2.0  # as far ahead as it was seen
_FALL = 0.25  # of the range, between two readings
_LEAST_READINGS = 4 * LEAST_POINTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """A series on its way to a limit.

    hours            until it is there, from its newest reading
    soonest, latest  the 99% interval of that, hours
    level            where the trend is now; `a_day` what it gains (or, towards a lower limit, loses) a day
    """

    labels: Mapping[str, str]
    hours: float
    soonest: float
    latest: float
    level: float
    a_day: float


def fillings(block: SeriesBlock, limit: float) -> tuple[Filling, ...]:
    """The series of a block that will reach the limit, on the signal's harm side (up when none is said), soonest first.

    None from a partial block. Raises ValueError for a limit that is not finite.
    """
    if not np.isfinite(limit):
        raise ValueError(f"a limit must be finite, got {limit:g}")
    if block.partial:
        return ()
    sign = -1.0 if block.signal.harm is Direction.DOWN else 1.0
    found: list[Filling] = []
    for row, labels in enumerate(block.labels):
        present = ~block.missing[row] & np.isfinite(block.values[row])
        filling = _filling(block.times[present], sign * block.values[row, present], sign * limit)
        if filling is not None:
            hours, soonest, latest, level, slope = filling
            found.append(
                Filling(
                    labels=labels, hours=hours, soonest=soonest, latest=latest, level=sign * level, a_day=24.0 * slope
                )
            )
    return tuple(sorted(found, key=lambda filling: filling.hours))


def detect_saturation(block: SeriesBlock, limit: float, *, within: float) -> tuple[Anomaly, ...]:
    """One anomaly for each series that will reach the limit within so many hours, even at the latest.

    Its value is the level now and what is expected the limit itself, in the signal's unit; its score is a half where
    there is as much time left as was asked for, and more the less there is. It has no onset: it is dated now.
    """
    if not within > 0.0:
        raise ValueError(f"a span of {within:g} hours lies not ahead")
    harm = block.signal.harm or Direction.UP
    found: list[Anomaly] = []
    for filling in fillings(block, limit):
        if filling.latest > within:
            continue
        rows = [row for row, labels in enumerate(block.labels) if labels is filling.labels]
        newest = from_milliseconds(int(block.times[np.flatnonzero(~block.missing[rows[0]])[-1]]))
        found.append(
            Anomaly(
                signal=block.signal,
                labels=filling.labels,
                detector="saturation",
                kind=AnomalyKind.SATURATION,
                direction=harm,
                onset=newest,
                onset_bound_s=float(block.times[-1] - block.times[0]) / 1000,
                detected=newest,
                value=filling.level,
                expected=limit,
                low=min(filling.level, limit),
                high=max(filling.level, limit),
                score=float(score(np.asarray(within / filling.hours))),
                ahead=(filling.soonest, filling.latest),
            )
        )
    return tuple(found)


def _filling(times: Millis, values: Floats, limit: float) -> tuple[float, float, float, float, float] | None:
    """(hours, soonest, latest, level, slope an hour) of readings that rise to a limit, or None."""
    if len(values) < _LEAST_READINGS:
        return None
    half_range = float(np.max(values)) / 2.0 - float(np.min(values)) / 2.0  # halves do not overflow
    if half_range == 0.0:
        return None
    falls = np.flatnonzero(values[1:] / 2.0 - values[:-1] / 2.0 < -2.0 * _FALL * half_range)
    since = int(falls[-1]) + 1 if len(falls) else 0
    highest = float(np.max(values[:since], initial=-np.inf))
    times, values = times[since:], values[since:]
    if len(values) < _LEAST_READINGS:
        return None
    hours = (times - times[-1]) / _HOUR
    half = len(values) // 2
    parts = [trend(hours[part], values[part]) for part in (slice(None), slice(half), slice(half, None))]
    whole = parts[0]
    if whole is None or any(part is None or part.direction <= 0 for part in parts):
        return None
    if whole.now >= limit or whole.now <= highest:
        return None
    ahead, soonest, latest = _ahead(whole, limit)
    if latest > MOST_SPREAD * soonest or latest > -_FURTHEST * float(hours[0]):
        return None
    return ahead, soonest, latest, whole.now, whole.slope


def _ahead(line: Trend, limit: float) -> tuple[float, float, float]:
    """(hours to the limit, at the soonest, at the latest) of a line that rises for sure."""
    room = limit - line.now
    return room / line.slope, max(room - line.scatter, 0.0) / line.high, (room + line.scatter) / line.low
