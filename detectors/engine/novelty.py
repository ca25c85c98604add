"""Novelty: what else may be odd about a reading, for series that can afford 120 bytes more each.

Seven channels beside the three of `records`, each a size that is never negative:

rise    of the reading above what was expected
plain   of the reading from the slow level, whatever the time of day
long    of a level of six hours from the slow one; lifted: of that level above it; daily: of a level of a day from it
run     readings one after the other on the same side of what was expected
drift   a cumulative sum of small errors to one side

A size to one side has a floor of a small part of the scale: what is on the other side is as little as can be.
"""

import numpy as np

from detectors.engine.moment import Moment
from detectors.engine.pace import Singles
from detectors.engine.rows import CHANNELS, Rows

KINDS = ("rise", "plain", "long", "lifted", "daily", "run", "drift")
"""The channels, in the order in which `evidence` gives them."""

_ONE = np.float32(1)
_TINY = np.float32(1e-30)
_FLOOR = np.float32(0.05)  # of the scale: the least size to one side
_LEVEL_FLOOR = np.float32(0.02)  # of the scale: levels of a young series are all the same, which is no record
_PULL = np.float32(2.0)  # deviations: a single reading adds no more to the drift
_SLACK = np.float32(0.4)  # deviations that each reading may be off without a drift


def evidence(rows: Rows, error: Singles, expected: Singles, shown: Singles) -> None:
    """Write the further channels [K, N] of a reading, and remember the most of the day.

    `error` [N] is its unexpected part, `expected` [N] what the time of day adds to the slow level. Runs and cumulative
    sums take the reading in here; the levels do in `follow_further`.
    """
    _accumulate(rows, error)
    least = _FLOOR * rows.scale + _TINY
    rise, plain, long, lifted, daily, run, drift = shown
    np.maximum(error, 0, out=rise)
    rise += least
    np.add(error, expected, out=plain)
    np.subtract(rows.more[:2], rows.slow, out=shown[2:4])
    np.abs(lifted, out=daily)
    np.maximum(long, 0, out=lifted)
    lifted += least
    np.copyto(run, rows.run)
    np.abs(shown[1:3], out=shown[1:3])
    least *= _LEVEL_FLOOR / _FLOOR
    np.maximum(long, least, out=long)
    np.maximum(daily, least, out=daily)
    np.abs(run, out=run)
    np.maximum(rows.above, rows.below, out=drift)
    np.maximum(rows.today[CHANNELS:], shown, out=rows.today[CHANNELS:])


def _accumulate(rows: Rows, error: Singles) -> None:
    most = _PULL * rows.scale
    pulled = np.minimum(error, most)
    np.maximum(pulled, np.negative(most, out=most), out=pulled)
    pulled /= rows.scale + _TINY
    above, below, run = rows.more[2:]
    above += pulled
    below -= pulled
    both = rows.more[2:4]
    both -= _SLACK
    np.maximum(both, 0, out=both)
    side = np.where(error > 0, _ONE, -_ONE)
    run *= side
    np.maximum(run, 0, out=run)
    run += _ONE
    run *= side


def follow_further(rows: Rows, error: Singles, now: Moment) -> None:
    """Let the further levels follow the unexpected part [N] of a reading; before the rows' own do."""
    bare = rows.slow + error
    levels = rows.more[:2]
    step = bare - levels
    step[0] *= now.long
    step[1] *= now.daily
    levels += step
