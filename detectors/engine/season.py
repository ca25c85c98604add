"""The forecast: a level that outliers cannot pull along, and an offset by time of day where that pays."""

import numpy as np

from detectors.engine.moment import Moment
from detectors.engine.pace import Pace, Singles
from detectors.engine.rows import Rows

TOO_FAR = np.float32(5.0)  # errors as they are: one incident must not switch the season off


def unexpected(rows: Rows, reading: Singles, now: Moment, pace: Pace, work: Singles) -> Singles:
    """How far each reading [N] is from what was expected at its time, in the series' unit; and learn the time of day.

    `reading` is relative to the row's origin, and is used up; `work` [2+, N] is room to reckon in. The season counts
    once a series has been seen for two days, and only while the forecast with it is that much better. That is judged by
    the first reading of each time of day; the offsets are learnt by all of them, from the first day on.
    """
    distance = np.subtract(reading, rows.slow, out=reading)
    one = len(now.time_of_day) == 1
    place = int(now.time_of_day[0]) if one else (now.time_of_day, np.arange(len(rows)))
    offset = rows.season[place]
    remainder, expected = np.subtract(distance, offset, out=work[0]), work[1]
    if now.any_judged:
        _judge(rows, distance, remainder, now, pace)
    np.multiply(offset, rows.gate, out=expected)
    remainder *= now.season_part
    offset += remainder
    if not one:
        rows.season[place] = offset
    distance -= expected
    return distance


def _judge(rows: Rows, distance: Singles, remainder: Singles, now: Moment, pace: Pace) -> None:
    """Hold the forecast with the time of day against the one without."""
    with_season = np.minimum(np.abs(remainder), TOO_FAR * rows.scale)
    better = np.abs(distance)
    better *= np.float32(pace.season_pays)
    better -= with_season
    _approach(rows.gain, better, now.judged * np.float32(pace.season_judge))
    np.copyto(rows.gate, (rows.gain > 0).astype(np.float32), where=now.judged)


def follow(rows: Rows, error: Singles, size: Singles, now: Moment, pace: Pace, work: Singles) -> None:
    """Let levels, scale and spreads follow the unexpected part [N] of a reading, of that size [N]; both are used up.

    The slow level follows no further than `winsor` deviations, once there are enough readings to know them.
    """
    step, away = work[0], work[1]
    np.add(rows.slow, error, out=step)
    step -= rows.fast
    np.abs(step, out=away)
    step *= now.fast
    rows.fast += step
    for mean, part in ((rows.spread, now.middle), (rows.lasting, now.slow)):
        np.subtract(away, mean, out=step)
        step *= part
        np.add(mean, step, out=mean)
    bound = np.multiply(rows.scale, np.float32(pace.winsor), out=step)
    if now.any_raw:
        bound[np.broadcast_to(now.raw, bound.shape)] = np.inf
    np.minimum(size, bound, out=size)
    np.minimum(error, size, out=error)
    np.maximum(error, np.negative(size, out=bound), out=error)
    error *= now.slow
    rows.slow += error
    _approach(rows.scale, size, now.slow)


def _approach(mean: Singles, reading: Singles, part: Singles) -> None:
    """Move the means [N] by a part of the way to the reading. The reading is used up."""
    reading -= mean
    reading *= part
    mean += reading
