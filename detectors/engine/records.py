"""Record ratios: what a series shows now, held against the most it has ever shown and against its typical day.

Three channels, each the natural log of a distance that is never negative:

spike   of the reading from what was expected
shift   of the fast level from the slow one
unrest  of the spread around the fast level from its own slow mean, upwards or downwards, as a log ratio

A record decays, and grows by no more than a little with each reading: an incident is no reason to miss the next one
like it. A typical half day's maximum, and how much they differ, are learnt from each one's own, outliers held down.
That makes channels, series and kinds of noise comparable without a scale of any one of them.
"""

import numpy as np

from detectors.engine.moment import Moment
from detectors.engine.pace import DAY_MS, Pace, Singles
from detectors.engine.rows import CHANNELS, NOTHING, Rows

_EVEN = np.float32(-1.2)  # log of 0.3: a spread that is no further from its mean sets no record
_TINY = np.float32(1e-30)
_ALIKE = np.float32(1e-12)
_HALF_DAY_MS = DAY_MS // 2
_LEAST_KNOWN = 2  # half days: before these are over nothing is typical
_SETTLED = 3
_OUTLYING = np.float32(2.0)
_OF_ANOTHER_SIZE = np.float32(8.0)  # natural log: a record that is so far behind has been one of nothing
_LEAST_RECORD = np.float32(-50.0)  # of a constant: its nothing is no news, however long it was the most
MOST = np.float32(12.0)
"""The bound of a score as a natural log, on either side."""

_SILENT = np.float32(-11.9)  # all channels are at the lower bound


def channels(rows: Rows, error: Singles) -> Singles:
    """The channels [C, N] of a reading whose unexpected part is `error` [N]."""
    sizes = np.empty((CHANNELS, len(error)), dtype=np.float32)
    spike, shift, unrest = sizes
    np.abs(error, out=spike)
    np.subtract(rows.fast, rows.slow, out=shift)
    np.abs(shift, out=shift)
    nothing = _ALIKE * rows.scale
    nothing += _TINY
    np.divide(rows.spread + nothing, rows.lasting + nothing, out=unrest)
    np.log(unrest, out=unrest)
    np.abs(unrest, out=unrest)
    sizes += _TINY
    return np.log(sizes, out=sizes)


def surprise(rows: Rows, shown: Singles, now: Moment, pace: Pace) -> Singles:
    """The score [N] of channels [C, N] as a natural log: 0 where the record of one is just reached."""
    score = shown - rows.typical
    score /= rows.wide + np.float32(pace.typical_least)
    most = np.float32(pace.typical_most)
    np.minimum(score, most, out=score)
    np.maximum(score, -most, out=score)
    score *= np.float32(pace.typical_share) * (rows.days >= _LEAST_KNOWN)
    score += shown
    score -= rows.records
    np.minimum(score, MOST, out=score)
    np.maximum(score, -MOST, out=score)
    best: Singles
    if np.isinf(pace.together):
        best = np.max(score, axis=0)
    else:
        score *= np.float32(pace.together)
        best = np.log(np.sum(np.exp(score, out=score), axis=0) / np.float32(CHANNELS))
        best /= np.float32(pace.together)
    best[best <= _SILENT] = NOTHING
    early = now.age <= np.maximum(now.rates.warm / 3, pace.warm)
    if bool(np.any(early)):
        best[np.broadcast_to(early, best.shape)] = NOTHING
    return best


def remember(rows: Rows, shown: Singles, now: Moment, pace: Pace) -> None:
    """Let records and the half day's maxima follow the channels [C, N]."""
    np.maximum(rows.today, shown, out=rows.today)
    bound = rows.records + np.float32(pace.record_climb)
    np.maximum(bound, shown - _OF_ANOTHER_SIZE, out=bound)
    early = now.age < now.rates.warm
    if bool(np.any(early)):
        bound[:, np.broadcast_to(early, bound.shape[1:])] = np.inf
    np.minimum(bound, shown, out=bound)
    rows.records -= now.rates.record.astype(np.float32)
    np.maximum(rows.records, np.maximum(bound, _LEAST_RECORD, out=bound), out=rows.records)
    np.maximum(rows.records[2], _EVEN, out=rows.records[2])


def turn_of_half_day(rows: Rows, now: Moment, pace: Pace) -> None:
    """Where a reading begins a new half day, learn from the maxima of the one before."""
    over = (now.times // _HALF_DAY_MS != now.newest // _HALF_DAY_MS) & (now.age > 0)
    if not bool(np.any(over)):
        return
    here = np.flatnonzero(np.broadcast_to(over, (len(rows),)))
    today, typical, wide = rows.today[:, here], rows.typical[:, here], rows.wide[:, here]
    before = rows.days[here].astype(np.float32)
    rate = np.maximum(np.float32(pace.typical_rate), 1 / (before + 1))
    off = today - typical
    bound = np.where(before >= _SETTLED, _OUTLYING * (wide + np.float32(pace.typical_least)), np.inf)
    off = np.where(before > 0, np.clip(off, -bound, bound), off)
    rows.typical[:, here] = typical + rate * off
    rows.wide[:, here] = np.where(before > 0, wide + rate * (np.abs(off) - wide), 0)
    rows.days[here] = np.minimum(rows.days[here], np.iinfo(np.uint16).max - 1) + np.uint16(1)
    rows.today[:, here] = NOTHING
