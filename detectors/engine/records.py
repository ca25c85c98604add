"""Record ratios: what a series shows now, held against the most it has ever shown and against its typical day.

Three channels, each a size that is never negative:

spike   of the reading's distance from what was expected
shift   of the fast level's from the slow one
unrest  of the spread around the fast level, as a ratio to its own slow mean, upwards or downwards; from 1 on

Their natural logs (of the ratio, that of its log) are what is compared, but they are taken only of readings that pass
their row's bound: the others set no record, and no score of theirs would be news. A record decays, and grows by no more
than a little with each reading: an incident is no reason to miss the next one like it. A typical half day's maximum,
and how much they differ, are learnt from each one's own, outliers held down. That makes channels, series and kinds of
noise comparable without a scale of any one of them.
"""

import numpy as np
import numpy.typing as npt

from detectors.engine.moment import HALF_DAY_MS
from detectors.engine.pace import DAY_MS, Pace, Singles
from detectors.engine.rows import CHANNELS, LEAST_RECORD, SILENT, Rows, Standing

Mask = npt.NDArray[np.bool_]

UNREST = 2
_EVEN = np.float32(-1.2)  # log of 0.3: a spread that is no further from its mean sets no record
TINY = np.float32(1e-18)
_LEAST_SIZE = np.float32(1e-30)
_MOST_RATIO = np.float32(1e12)
_MOST_LOG = np.float32(3.3)  # of a ratio's log: as good as the most
_MOST_DAYS = np.float32(65_535)
LEAST_KNOWN = 2  # half days: before these are over nothing is typical
_SETTLED = 3
_OUTLYING = np.float32(2.0)
_OF_ANOTHER_SIZE = np.float32(8.0)  # natural log: a record that is so far behind has been one of nothing
_ROUNDED = np.float32(2e-3)  # how much less than it could be a bound is, natural log
_SHARES = np.array([[0.5], [0.25], [0.25]], dtype=np.float32)  # the spike jumps, the others creep
MOST = np.float32(12.0)
"""The bound of a score as a natural log, on either side."""


def sizes(rows: Rows, error: Singles, work: Singles, shown: Singles) -> None:
    """Write the channels [C, N] of a reading whose unexpected part is `error` [N], and remember the most of the day."""
    spike, shift, unrest = shown
    np.abs(error, out=spike)
    np.subtract(rows.fast, rows.slow, out=shift)
    np.abs(shift, out=shift)
    np.maximum(rows.spread, rows.lasting, out=unrest)
    less = np.minimum(rows.spread, rows.lasting, out=work[0])
    less += TINY
    unrest /= less
    np.maximum(rows.today, shown, out=rows.today)


def logs(shown: Singles) -> Singles:
    """The channels [C, N] as what is compared, from their sizes."""
    found = np.maximum(shown, _LEAST_SIZE)
    ratio = np.minimum(np.maximum(shown[2], 1), _MOST_RATIO)
    np.maximum(np.log(ratio, out=ratio), _LEAST_SIZE, out=found[2])
    return np.log(found, out=found)


def surprise(rows: Standing, shown: Singles, early: Mask, pace: Pace) -> tuple[Singles, Singles]:
    """The score [N] of channels [C, N], logs, as a natural log of odds: 0 where the record of one is reached.

    It is `SILENT` where it is too early [N] or [1] to say anything. With it come the powers [C, N] of the channels' own
    scores, of which it is the mean.
    """
    power = shown - rows.typical
    power /= rows.wide + np.float32(pace.typical_least)
    most = np.float32(pace.typical_most)
    np.minimum(power, most, out=power)
    np.maximum(power, -most, out=power)
    power *= np.float32(pace.typical_share) * (rows.days >= LEAST_KNOWN)
    power += shown
    power -= rows.records
    np.minimum(power, MOST, out=power)
    np.maximum(power, -MOST, out=power)
    power *= np.float32(pace.together)
    np.exp(power, out=power)
    best: Singles = np.log(np.sum(power, axis=0) / np.float32(CHANNELS))
    best /= np.float32(pace.together)
    if bool(np.any(early)):
        best[np.broadcast_to(early, best.shape)] = SILENT
    return best, power


def remember(rows: Standing, shown: Singles, early: Mask, pace: Pace) -> None:
    """Let the records follow the channels [C, N], logs; at once where it is early [N] or [1]."""
    bound = rows.records + np.float32(pace.record_climb)
    np.maximum(bound, shown - _OF_ANOTHER_SIZE, out=bound)
    if bool(np.any(early)):
        bound[:, np.broadcast_to(early, bound.shape[1:])] = np.inf
    np.minimum(bound, shown, out=bound)
    np.maximum(rows.records, bound, out=rows.records)
    _hold(rows.records)


def _hold(records: Singles) -> None:
    np.maximum(records, LEAST_RECORD, out=records)
    np.maximum(records[2], _EVEN, out=records[2])


def bounded(rows: Standing, pace: Pace, power: Singles | None = None) -> None:
    """Reckon anew how much each channel may show before it has to be looked at.

    What is still wanting to a score that would be news is shared out among the channels, over the powers [C, N] that
    they have now: one that stays where it is need not be looked at again.
    """
    together = np.float32(pace.together)
    limit = rows.current + np.float32(pace.news)
    if power is None:
        level = rows.records + limit
    else:
        limit *= together
        np.exp(limit, out=limit)
        left = np.float32(CHANNELS) * limit - np.sum(power, axis=0)
        level = _SHARES * left
        level += power
        early = left < 0  # they have passed it, and nothing was said
        if bool(np.any(early)):
            level[:, early] = limit[early]
        np.log(level, out=level)
        level /= together
        level += rows.records
    share = np.float32(pace.typical_share) * (rows.days >= LEAST_KNOWN) / (rows.wide + np.float32(pace.typical_least))
    most = np.float32(pace.typical_share * pace.typical_most)
    log = share * rows.typical
    log += level
    log /= 1 + share
    np.minimum(log, level + most, out=log)
    np.maximum(log, np.subtract(level, most, out=level), out=log)
    np.minimum(log, rows.records, out=log)
    log -= _ROUNDED
    np.minimum(log[2], _MOST_LOG, out=log[2])
    np.exp(log, out=log)
    np.exp(log[2], out=log[2])
    rows.bounds[:] = log


def turn_of_half_day(rows: Standing, today: Singles, pace: Pace) -> None:
    """The half day of all these rows is over, and showed at most `today` [C, N]. Records decay."""
    off = logs(today)
    rate = np.maximum(np.float32(pace.typical_rate), 1 / (rows.days + 1))
    off -= rows.typical
    bound = _OUTLYING * (rows.wide + np.float32(pace.typical_least))
    bound[:, rows.days < _SETTLED] = np.inf
    np.minimum(off, bound, out=off)
    np.maximum(off, np.negative(bound, out=bound), out=off)
    size = np.abs(off)
    off *= rate
    np.add(rows.typical, off, out=rows.typical)
    size -= rows.wide
    size *= rate
    np.add(rows.wide, size, out=rows.wide)
    rows.wide[:, rows.days == 0] = 0
    np.minimum(rows.days + 1, _MOST_DAYS, out=rows.days)
    records = rows.records
    records -= np.float32(np.log(2) * HALF_DAY_MS / DAY_MS / pace.record)
    _hold(records)
