"""Samples: which readings a series may learn from and be judged by. Every kind that is odd has its rule.

late        older than the newest one: passed over, with a score of 0; what was said is not taken back
duplicate   as old as the newest one: the first one counts, the second is passed over
missing     NaN: passed over; the series' memory stays as it is. Absence has a detector of its own
infinite    as missing
huge        beyond what single precision holds after its origin was taken off: held at 1e18 on either side
reset       a counter below its last reading began again at zero: all of what it shows now has come since
stale       after a gap of three hours and ten steps the fast level and the spread begin at the slow ones: what happened
            meanwhile is not known, so it is no shift. After two weeks the series begins anew, as a new one
"""

import numpy as np
import numpy.typing as npt

from detectors.engine.pace import Floats, Millis, Singles
from detectors.engine.rows import LONG_AGO, Rows

Mask = npt.NDArray[np.bool_]

HUGE = np.float32(1e18)
STALE_MS = 3 * 3_600_000
STALE_STEPS = 10
FORGOTTEN_MS = 14 * 86_400_000
_SECOND = 1_000.0
_NEAR = 0.25  # of a step: a gap that differs by no more is the step from now on
_JITTER = 0.02  # of a step: a gap that differs by no more is no other pace


def admitted(rows: Rows, times: Millis, values: Floats) -> Mask:
    """Which readings [N] count: finite, and newer than the newest one of their series."""
    return np.isfinite(values) & (times > rows.newest)


def counted(rows: Rows, times: Millis, totals: Floats) -> Floats:
    """Rates a second [N] of counters from their totals, in float64; NaN for the first reading of each.

    Keeps the totals as the rows' origin: a rate needs none.
    """
    gap_s = (times - rows.newest) / _SECOND
    grown = np.where(totals < rows.origin, totals, totals - rows.origin)
    rate = np.where(rows.newest > LONG_AGO, grown / gap_s, np.nan)
    rows.origin[:] = totals
    return rate


def relative(rows: Rows, values: Floats) -> Singles:
    """Readings [N] relative to their origin; a first one becomes the origin."""
    if int(np.min(rows.age)) == 0:
        first = rows.age == 0
        rows.origin[first] = values[first]
    with np.errstate(over="ignore"):
        return bounded(values - rows.origin)


def bounded(values: Floats) -> Singles:
    """The same in single precision, held where it can be reckoned with."""
    with np.errstate(over="ignore"):
        singles = values.astype(np.float32)
    np.minimum(singles, HUGE, out=singles)
    np.maximum(singles, -HUGE, out=singles)
    return singles


def pace_kept(rows: Rows, times: Millis) -> None:
    """Learn the step, and forget what a gap has made stale."""
    least, most = int(np.min(times)) - int(np.max(rows.newest)), int(np.max(times)) - int(np.min(rows.newest))
    if (
        int(np.min(rows.age)) > 1
        and in_step(float(np.max(rows.step)), least)
        and in_step(float(np.min(rows.step)), most)
    ):
        return  # all is as it was
    gap, step = (times - rows.newest).astype(np.float64), rows.step.astype(np.float64)
    off = gap - step
    drift = np.where(off < 0, off / 8, np.minimum(off, step) / 16)
    near = np.abs(off) <= _NEAR * step
    drift[near] = off[near]
    drift[np.abs(off) <= _JITTER * step] = 0
    rows.step[:] = np.where(rows.age > 1, step + drift, np.where(rows.age == 1, gap, step))
    stale = (rows.age > 0) & (gap > np.maximum(STALE_MS, STALE_STEPS * rows.step))
    if bool(np.any(stale)):
        rows.fast[stale] = rows.slow[stale]
        rows.spread[stale] = rows.lasting[stale]
        rows.more[:2, stale] = rows.slow[stale]
        rows.clear(np.flatnonzero(stale & (gap > FORGOTTEN_MS)))


def in_step(step: float, gap: float) -> bool:
    """Whether a reading came as long after the last one as is usual, and soon enough that nothing is stale."""
    return abs(gap - step) <= _JITTER * step and gap <= STALE_MS


def all_in_step(step: float, gaps: Millis) -> int:
    """How many of these gaps [N] are like that, from the first on."""
    off = (np.abs(gaps - step) > _JITTER * step) | (gaps > STALE_MS)
    return int(np.argmax(off)) if bool(np.any(off)) else len(gaps)
