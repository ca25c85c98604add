"""Calibration: what is left of scores once repetition is taken out, and how rare a score is for its own series."""

import numpy as np
import numpy.typing as npt

from detectors.engine.moment import Moment
from detectors.engine.pace import Floats, Singles
from detectors.engine.rows import LEVELS, NOTHING, Rows

LOWEST, LEVEL = -1.5, 0.25
"""The lowest level of the histogram of scores (natural log), and the distance of one from the next."""

_WEIGHT = 32
_FULL = 2_000 * _WEIGHT  # spans; then all counts are halved: the series' last year or two


def fresh(rows: Rows, score: Singles, now: Moment) -> Singles:
    """The scores [N] that beat all of the span before and of this one; `NOTHING` elsewhere.

    Where a reading begins a new span, the greatest score of the last one is counted into the histogram.
    """
    spans = now.times // now.rates.keep_ms - now.newest // now.rates.keep_ms
    turned = (spans > 0) & (now.age > 0)
    if bool(np.any(turned)):
        here = np.flatnonzero(np.broadcast_to(turned, score.shape))
        _count(rows, here)
        rows.previous[here] = np.where(np.broadcast_to(spans, score.shape)[here] == 1, rows.current[here], NOTHING)
        rows.current[here] = NOTHING
    best = np.maximum(rows.current, rows.previous)
    kept = np.where(score > best, score, NOTHING)
    np.maximum(rows.current, score, out=rows.current)
    return kept


def _count(rows: Rows, here: npt.NDArray[np.intp]) -> None:
    said = here[rows.current[here] > NOTHING]
    full = said[np.sum(rows.seen[:, said], axis=0, dtype=np.uint32) >= _FULL]
    rows.seen[:, full] //= 2
    rows.seen[_level(rows.current[said]), said] += _WEIGHT


def _level(score: Singles) -> npt.NDArray[np.intp]:
    level: npt.NDArray[np.intp] = np.clip((score - LOWEST) / LEVEL, 0, LEVELS - 1).astype(np.intp)
    return level


def rarity(seen: npt.NDArray[np.uint16], score: Singles) -> Floats:
    """An empirical p-value [N] from histograms [16, N]: the share of spans that were at this level or higher.

    One more span is counted as if it had been, so a score that was never seen has 1 / (spans + 1), and a series without
    a past has 1.
    """
    level = _level(score)
    at_least = np.cumsum(seen[::-1], axis=0, dtype=np.uint32)[::-1]
    above = at_least[level, np.arange(len(level))] / _WEIGHT
    return np.asarray((above + 1) / (at_least[0] / _WEIGHT + 1))
