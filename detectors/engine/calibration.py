"""Calibration: what is left of scores once repetition is taken out, and how rare a score is for its own series."""

import numpy as np
import numpy.typing as npt

from detectors.engine.pace import Floats, Pace, Singles
from detectors.engine.rows import FLOOR, LEVELS, Standing

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.uint16]

LOWEST, LEVEL = float(FLOOR), 0.25
"""The lowest level of the histogram of scores (natural log of the odds), and the distance of one from the next."""

_WEIGHT = 32
_FULL = 2_000 * _WEIGHT  # spans at one level; then all counts are halved: the series' last year or two


def fresh(rows: Standing, score: Singles, pace: Pace) -> Mask:
    """Which scores [N] beat all of the span before and of this one, by more than a trifle."""
    more = score > rows.current + np.float32(pace.news)
    np.copyto(rows.current, score, where=more)
    news: Mask = more & (score > rows.previous)
    return news


def turn_of_span(rows: Standing, seen: Counts, spans: npt.NDArray[np.int64], counts: Mask) -> None:
    """The span of all these rows is over, so many ago ([N] or [1]). Its greatest score is counted where that counts."""
    here = np.flatnonzero(np.broadcast_to(counts, rows.current.shape))
    level = _level(rows.current[here])
    filled = seen[level, here] + np.uint16(_WEIGHT)
    seen[level, here] = filled
    full = here[filled >= _FULL]
    if len(full):
        seen[:, full] //= 2
    rows.previous[:] = np.where(spans == 1, rows.current, FLOOR)
    rows.current[:] = FLOOR


def _level(score: Singles) -> npt.NDArray[np.intp]:
    level: npt.NDArray[np.intp] = ((score - LOWEST) / LEVEL).astype(np.intp)
    return np.minimum(level, LEVELS - 1, out=level)


def rarity(seen: Counts, score: Singles) -> Floats:
    """An empirical p-value [N] from histograms [N, 16]: the share of spans that were at this level or higher.

    One more span is counted as if it had been, so a score that was never seen has 1 / (spans + 1), and a series without
    a past has 1.
    """
    at_least = np.cumsum(seen[:, ::-1], axis=1, dtype=np.uint32)[:, ::-1]
    above = at_least[np.arange(len(score)), _level(score)] / _WEIGHT
    return np.asarray((above + 1) / (at_least[:, 0] / _WEIGHT + 1))
