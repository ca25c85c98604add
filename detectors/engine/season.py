"""The forecast: a level that outliers cannot pull along, and an offset by time of day where that pays."""

import numpy as np

from detectors.engine.moment import Moment
from detectors.engine.pace import DAY_MS, Pace, Singles
from detectors.engine.rows import BINS, Rows

BIN_MS = DAY_MS // BINS
LEAST_DAYS = 2
"""Days of a series before its season may count."""

_TOO_FAR = np.float32(5.0)  # errors of the forecast without: one incident must not switch the season off


def unexpected(rows: Rows, reading: Singles, now: Moment, pace: Pace) -> Singles:
    """How far each reading [N] is from what was expected at its time, in the series' unit; and learn the time of day.

    `reading` is relative to the row's origin. The season counts once a series has been seen for two days, and only
    while the forecast with it is that much better. The offsets are learnt from the first day on.
    """
    distance = reading - rows.slow
    bins = now.times % DAY_MS // BIN_MS
    place = (slice(int(bins[0]), int(bins[0]) + 1), slice(None)) if len(bins) == 1 else (bins, np.arange(len(rows)))
    offset = rows.season[place].reshape(-1)
    remainder = distance - offset
    days = np.floor(now.age / now.rates.day)
    known = days >= LEAST_DAYS
    _judge(rows, np.abs(distance), np.abs(remainder), (known * pace.season_judge).astype(np.float32))
    used = known & (rows.with_season < np.float32(pace.season_pays) * rows.without)
    expected = offset * used
    each = np.maximum(now.rates.day / BINS, 1.0)  # readings that fall into a time of day
    visits = days * each + now.times % BIN_MS // (DAY_MS / now.rates.day)
    part = np.minimum(np.maximum(pace.season_rate / each, 1 / (1 + visits)), 1.0)
    remainder *= part.astype(np.float32)
    rows.season[place] += remainder
    distance -= expected
    return distance


def _judge(rows: Rows, without: Singles, with_season: Singles, rate: Singles) -> None:
    """Let the running errors of both forecasts follow."""
    np.minimum(with_season, _TOO_FAR * rows.without, out=with_season)
    _approach(rows.with_season, with_season, rate)
    _approach(rows.without, without, rate)


def follow(rows: Rows, error: Singles, now: Moment, pace: Pace) -> None:
    """Let levels, scale and spreads follow the unexpected part [N] of a reading.

    The slow level follows no further than `winsor` deviations, once there are enough readings to know them.
    """
    young, speed = now.young, now.rates
    slow = np.maximum(speed.slow, young).astype(np.float32)
    bare = rows.slow + error
    size, away = np.abs(error), np.abs(bare - rows.fast)
    _approach(rows.fast, bare, np.maximum(speed.fast, young).astype(np.float32))
    _approach(rows.spread, away, np.maximum(speed.middle, young).astype(np.float32))
    _approach(rows.lasting, away, slow)
    bound = rows.scale * np.float32(pace.winsor)
    most = rows.scale * np.float32(4)
    raw = now.age <= speed.warm / 2
    if bool(np.any(raw)):
        bound[np.broadcast_to(raw, bound.shape)] = np.inf
        most[np.broadcast_to(raw, most.shape)] = np.inf
    np.minimum(error, bound, out=error)
    np.maximum(error, np.negative(bound, out=bound), out=error)
    error *= slow
    rows.slow += error
    np.minimum(size, most, out=size)
    _approach(rows.scale, size, slow)


def _approach(mean: Singles, reading: Singles, part: Singles) -> None:
    """Move the means [N] by a part of the way to the reading. The reading is used up."""
    step = reading - mean
    step *= part
    mean += step
