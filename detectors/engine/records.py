"""Record ratios: what a series shows now, held against the most it has ever shown and against its typical day.

Three channels, each a size that is never negative:

spike   of the reading's distance from what was expected
shift   of the fast level's from the slow one
unrest  of the spread around the fast level, as a ratio to its own slow mean; from 1 on

`novelty` has seven more, for series that can afford them.

Their natural logs (of the ratio, that of its log) are what is compared, but they are taken only of readings that pass
their row's bound: the others set no record, and no score of theirs would be news. A record decays, and grows by no more
than a little with each reading: an incident is no reason to miss the next one like it. A typical half day's maximum,
and how much they differ, are learnt from each one's own, outliers held down. That makes channels, series and kinds of
noise comparable without a scale of any one of them.
"""

import numpy as np
import numpy.typing as npt

from detectors.engine.calibration import next_rung
from detectors.engine.pace import Pace, Singles
from detectors.engine.rows import CHANNELS, LEAST_RECORD, SILENT, Rows, Standing

Mask = npt.NDArray[np.bool_]

_UNREST = 2
_EVEN = np.float32(0.05)  # added to the log of the spread's ratio: one that is no greater than its mean is no less
_LEAST_UNREST = np.log(_EVEN)
_TINY = np.float32(1e-18)
_LEAST_SIZE = np.float32(1e-30)
_MOST_RATIO = np.float32(1e12)
_MOST_LOG = np.float32(3.3)  # of a ratio's log: as good as the most
_MOST_DAYS = np.float32(65_535)
_LEAST_KNOWN = 2  # half days: before these are over nothing is typical
_SETTLED = 3
_OUTLYING = np.float32(2.0)
_OF_ANOTHER_SIZE = np.float32(8.0)  # natural log: a record that is so far behind has been one of nothing
_ROUNDED = np.float32(4e-3)  # how much less than it could be a bound is, natural log
_SHARES = np.array([[0.5], [0.25], [0.25]], dtype=np.float32)  # the spike jumps, the others creep
_STEADY = np.float32(0.125)  # how much half days' maxima differ where that is not known; more than that is worth less
_MOST = np.float32(12.0)  # a channel's own score as a natural log, on either side

_GAINS = np.array([1.0, 1.47, 0.93, 1.45, 0.73, 1.26, 1.2, 1.3, 0.67, 1.3], dtype=np.float32)[:, None]
_OFFS = np.array([-0.49, 0.53, 0.12, -0.06, 0.53, 0.02, 0.03, 0.34, 0.36, -0.15], dtype=np.float32)[:, None]
_MEAN_OF = np.float32(3.0)  # channels, however many there are: those that say nothing hide none
_DECISION, _DECISION_OF_THREE = np.float32(0.75), np.float32(0.35)  # a power mean where an alert is right


def sizes(rows: Rows, error: Singles, work: Singles, shown: Singles) -> None:
    """Write the channels [C, N] of a reading whose unexpected part is `error` [N], and remember the most of the day."""
    spike, shift, unrest = shown[:CHANNELS]
    np.abs(error, out=spike)
    np.subtract(rows.fast, rows.slow, out=shift)
    np.abs(shift, out=shift)
    np.maximum(rows.spread, rows.lasting, out=unrest)
    usual = np.add(rows.lasting, _TINY, out=work[0])
    unrest /= usual
    np.maximum(rows.today[:CHANNELS], shown[:CHANNELS], out=rows.today[:CHANNELS])


def logs(shown: Singles) -> Singles:
    """The channels [C, N] as what is compared, from their sizes."""
    found = np.maximum(shown, _LEAST_SIZE)
    ratio = np.minimum(np.maximum(shown[_UNREST], 1), _MOST_RATIO)
    np.add(np.log(ratio, out=ratio), _EVEN, out=found[_UNREST])
    return np.log(found, out=found)


def surprise(rows: Standing, shown: Singles, early: Mask, pace: Pace) -> tuple[Singles, Singles]:
    """The score [N] of channels [C, N], logs, as a natural log of odds: 0 where an alert is right.

    It is `SILENT` where it is too early [N] or [1] to say anything. With it come the powers [C, N] of the channels' own
    scores, of which it is the mean.
    """
    count = len(shown)
    share, tail = _weights(rows, pace)
    power = shown - rows.typical
    power *= share
    most = np.float32(pace.typical_share * pace.typical_most)
    np.minimum(power, most, out=power)
    np.maximum(power, -most, out=power)
    beyond = shown - rows.records
    beyond *= tail
    power += beyond
    np.minimum(power, _MOST, out=power)
    np.maximum(power, -_MOST, out=power)
    power *= _GAINS[:count]
    power -= _OFFS[:count]
    power *= np.float32(pace.together)
    np.exp(power, out=power)
    best: Singles = np.log(_sum(power) / _MEAN_OF)
    best /= np.float32(pace.together)
    best -= _DECISION_OF_THREE if count == CHANNELS else _DECISION
    if early.any():
        best[np.broadcast_to(early, best.shape)] = SILENT
    return best, power


def _weights(rows: Standing, pace: Pace) -> tuple[Singles, Singles]:
    """What counts for how much [C, N]: distance from the typical maximum; and from the record, less if days differ."""
    known = rows.days >= _LEAST_KNOWN
    typical: Singles = np.where(known, np.float32(pace.typical_share), np.float32(0))
    share = rows.wide + np.float32(pace.typical_least)
    np.divide(typical, share, out=share)
    tail: Singles = 2 * _STEADY / (np.where(known, rows.wide, _STEADY) + _STEADY)
    np.sqrt(tail, out=tail)
    return share, np.sqrt(tail, out=tail)


def _sum(power: Singles) -> Singles:
    """[N] Over the channels, one after the other: so it is the same for one series and for many."""
    total: Singles = np.add.accumulate(power, axis=0)[-1]
    return total


def remember(rows: Standing, shown: Singles, early: Mask, pace: Pace) -> None:
    """Let the records follow the channels [C, N], logs; at once where it is early [N] or [1]."""
    bound = rows.records + np.float32(pace.record_climb)
    np.maximum(bound, shown - _OF_ANOTHER_SIZE, out=bound)
    if early.any():
        bound[:, np.broadcast_to(early, bound.shape[1:])] = np.inf
    np.minimum(bound, shown, out=bound)
    np.maximum(rows.records, bound, out=rows.records)
    _hold(rows.records)


def _hold(records: Singles) -> None:
    np.maximum(records, LEAST_RECORD, out=records)
    np.maximum(records[_UNREST], _LEAST_UNREST, out=records[_UNREST])


def bounded(rows: Standing, pace: Pace, power: Singles | None = None) -> None:
    """Reckon anew how much each of the three channels may show before it has to be looked at.

    What is still wanting to a score that would be news is shared out among the channels, over the powers [C, N] that
    they have now: one that stays where it is need not be looked at again. Rows with further channels have no bounds.
    """
    if not len(rows.bounds):
        return
    limit = next_rung(rows.current) + _DECISION_OF_THREE
    level = np.broadcast_to(limit, rows.bounds.shape)
    if power is not None:
        together = np.float32(pace.together)
        limit = np.exp(limit * together)
        left = _MEAN_OF * limit - _sum(power)
        level = _SHARES * left
        level += power
        early = left < 0  # they have passed it, and nothing was said
        if early.any():
            level[:, early] = limit[early]
        np.log(level, out=level)
        level /= together
    level = (level + _OFFS[:CHANNELS]) / _GAINS[:CHANNELS]
    share, tail = _weights(rows, pace)
    most = np.float32(pace.typical_share * pace.typical_most)
    level += tail * rows.records
    log = (share * rows.typical + level) / (tail + share)
    np.minimum(log, (level + most) / tail, out=log)
    np.maximum(log, (level - most) / tail, out=log)
    np.minimum(log, rows.records, out=log)
    always = log[_UNREST] < _LEAST_UNREST
    log -= _ROUNDED
    np.minimum(log[_UNREST], _MOST_LOG, out=log[_UNREST])
    np.exp(log, out=log)
    np.exp(np.subtract(log[_UNREST], _EVEN, out=log[_UNREST]), out=log[_UNREST])
    log[_UNREST, always] = -1
    rows.bounds[:] = log


def turn_of_half_day(rows: Standing, today: Singles, loss: Singles, pace: Pace) -> None:
    """The half day of all these rows is over, and showed at most `today` [C, N]. Records decay by `loss` [N] or [1]."""
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
    records -= loss
    _hold(records)
