"""The forecast: a level that outliers cannot pull along, and an offset by time of day where that pays."""

import numpy as np

from detectors.engine.pace import DAY_MS, Millis, Pace, Rates, Singles
from detectors.engine.rows import BINS, Rows

BIN_MS = DAY_MS // BINS
LEAST_DAYS = 2
"""Days of a series before its season may count."""

_TOO_FAR = np.float32(5.0)  # errors of the forecast without: one incident must not switch the season off


def unexpected(rows: Rows, reading: Singles, times: Millis, pace: Pace, rates: Rates) -> Singles:
    """How far each reading [N] is from what was expected at its time, in the series' unit; and learn the time of day.

    `reading` is relative to the row's origin. The season counts once a series has been seen for two days, and only
    while the forecast with it is that much better. The offsets are learnt from the first day on.
    """
    distance = reading - rows.slow
    bins = (times % DAY_MS) // BIN_MS
    together = bool(np.all(bins == bins[0]))
    place = (slice(int(bins[0]), int(bins[0]) + 1), slice(None)) if together else (bins, np.arange(len(rows)))
    offset = rows.season[place].reshape(-1)
    remainder = distance - offset
    days = np.floor(rows.age / rates.day).astype(np.float32)
    known = days >= LEAST_DAYS
    rate = known * np.float32(pace.season_judge)
    rows.with_season += rate * (np.minimum(np.abs(remainder), _TOO_FAR * rows.without) - rows.with_season)
    rows.without += rate * (np.abs(distance) - rows.without)
    used = known & (rows.with_season < np.float32(pace.season_pays) * rows.without)
    each = np.maximum(rates.day / BINS, 1.0).astype(np.float32)  # readings that fall into a time of day
    visits = days * each + (times % BIN_MS // (DAY_MS / rates.day)).astype(np.float32)
    part = np.clip(np.maximum(np.float32(pace.season_rate) / each, 1 / (1 + visits)), 0, 1)
    rows.season[place] = offset + part * remainder
    return np.where(used, remainder, distance)


def follow(rows: Rows, error: Singles, young: Singles, pace: Pace, rates: Rates) -> None:
    """Let levels, scale and spreads follow the unexpected part [N] of a reading. `young` [N]: 1 / (age + 1).

    The slow level follows no further than `winsor` deviations, once there are enough readings to know them.
    """
    slow_part = np.maximum(rates.slow.astype(np.float32), young)
    bare = rows.slow + error
    size, away = np.abs(error), np.abs(bare - rows.fast)
    settled = rows.age > (rates.warm / 2).astype(np.uint32)
    reach = np.float32(pace.winsor) * rows.scale
    rows.fast += np.maximum(rates.fast.astype(np.float32), young) * (bare - rows.fast)
    rows.slow += slow_part * np.where(settled, np.clip(error, -reach, reach), error)
    rows.scale += slow_part * (np.where(settled, np.minimum(size, 4 * rows.scale), size) - rows.scale)
    rows.spread += np.maximum(rates.middle.astype(np.float32), young) * (away - rows.spread)
    rows.lasting += slow_part * (away - rows.lasting)
