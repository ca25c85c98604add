"""Record ratios: what a series shows now, held against the most it has ever shown and against its typical day.

Three channels, each the natural log of a distance that is never negative:

spike   of the reading from what was expected
shift   of the fast level from the slow one
unrest  of the spread around the fast level from its own slow mean, upwards or downwards, as a log ratio

A record decays, and grows by no more than a little with each reading: an incident is no reason to miss the next one
like it. A typical day's maximum, and how much days differ, are learnt from each day's own, outliers held down. That
makes channels, series and kinds of noise comparable without a scale of any one of them.
"""

import numpy as np

from detectors.engine.pace import DAY_MS, Millis, Pace, Rates, Singles
from detectors.engine.rows import CHANNELS, NOTHING, Rows

_TINY = np.float32(1e-30)
_ALIKE = np.float32(1e-12)
_LEAST_DAYS = 2  # before these are over nothing is typical
_SETTLED_DAYS = 3
_OUTLYING = np.float32(2.0)
_LEAST_CLIMB = np.float32(-14.0)  # of the scale: a record of nothing has to begin somewhere
MOST = np.float32(12.0)
"""The bound of a score as a natural log, on either side."""


def channels(rows: Rows, error: Singles, rates: Rates) -> Singles:
    """The channels [C, N] of a reading whose unexpected part is `error` [N]."""
    sizes = np.empty((CHANNELS, len(error)), dtype=np.float32)
    np.abs(error, out=sizes[0])
    np.abs(rows.fast - rows.slow, out=sizes[1])
    nothing = _ALIKE * rows.scale + _TINY
    np.log((rows.spread + nothing) / (rows.lasting + nothing), out=sizes[2])
    np.abs(sizes[2], out=sizes[2])
    sizes[2] *= rows.age > (rates.warm / 2).astype(np.uint32)
    sizes += _TINY
    return np.log(sizes, out=sizes)


def surprise(rows: Rows, shown: Singles, pace: Pace, rates: Rates) -> Singles:
    """The score [N] of channels [C, N] as a natural log: 0 where the record of one is just reached."""
    score = shown - rows.records
    typical = (shown - rows.typical) / (rows.wide + np.float32(pace.typical_least))
    most = np.float32(pace.typical_most)
    np.clip(typical, -most, most, out=typical)
    typical *= np.float32(pace.typical_share) * (rows.days >= _LEAST_DAYS)
    score += typical
    np.clip(score, -MOST, MOST, out=score)
    if np.isinf(pace.together):
        best: Singles = np.max(score, axis=0)
    else:
        power = np.float32(pace.together)
        best = np.log(np.mean(np.exp(power * score), axis=0)) / power
    best[rows.age <= np.maximum(rates.warm / 3, pace.warm).astype(np.uint32)] = -MOST
    return best


def remember(rows: Rows, shown: Singles, pace: Pace, rates: Rates) -> None:
    """Let records and the day's maxima follow the channels [C, N]."""
    settled = rows.age >= rates.warm.astype(np.uint32)
    climb = np.float32(pace.record_climb)
    bound = np.where(settled, np.maximum(rows.records + climb, np.log(rows.scale + _TINY) + _LEAST_CLIMB), np.inf)
    np.maximum(rows.records - rates.record.astype(np.float32), np.minimum(shown, bound), out=rows.records)
    np.maximum(rows.today, shown, out=rows.today)


def end_of_day(rows: Rows, times: Millis, pace: Pace) -> None:
    """Where the reading at `times` [N] begins a new half day, learn from the maxima of the one before."""
    over = (times // (DAY_MS // 2) != rows.newest // (DAY_MS // 2)) & (rows.age > 0)
    if not bool(np.any(over)):
        return
    here = np.flatnonzero(over)
    today, typical, wide = rows.today[:, here], rows.typical[:, here], rows.wide[:, here]
    before = rows.days[here].astype(np.float32)
    rate = np.maximum(np.float32(pace.typical_rate), 1 / (before + 1))
    off = today - typical
    bound = np.where(before >= _SETTLED_DAYS, _OUTLYING * (wide + np.float32(pace.typical_least)), np.inf)
    off = np.where(before > 0, np.clip(off, -bound, bound), off)
    rows.typical[:, here] = typical + rate * off
    rows.wide[:, here] = np.where(before > 0, wide + rate * (np.abs(off) - wide), 0)
    rows.days[here] = np.minimum(rows.days[here] + 1, np.iinfo(np.uint16).max - 1)
    rows.today[:, here] = NOTHING
