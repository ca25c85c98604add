"""Calibration: what is left of scores once repetition is taken out, and how rare a score is for its own series."""

import numpy as np
import numpy.typing as npt

from detectors.engine.pace import Floats, Singles
from detectors.engine.rows import FLOOR, LEVELS, Standing

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.uint16]

LOWEST, LEVEL = float(FLOOR), 0.25
"""The lowest level of the histogram of scores (natural log of the odds), and the distance of one from the next."""

_CLOSER = np.float32(-0.25)
_WORSE, _LITTLE = np.float32(0.25), np.float32(0.05)
_WEIGHT = 32
_FULL = 2_000 * _WEIGHT  # spans at one level; then all counts are halved: the series' last year or two


def fresh(rows: Standing, score: Singles) -> Mask:
    """Which scores [N] are on a higher rung than all of the span before and of this one.

    Only rungs are compared, so the greatest score of the span is that of the first reading on its rung.
    """
    more: Mask = score > rows.current
    if not more.any():
        return more
    rung = _rung(score)
    more &= rung > _rung(rows.current)
    np.copyto(rows.current, score, where=more)
    more &= rung > _rung(rows.previous)
    return more


def _rung(score: Singles) -> Singles:
    """Rungs [N] of a ladder of scores: an incident is said again only when it is a rung worse.

    They are a quarter apart, so the decision at 0 is one of them, and closer where a score is hardly an alert anyway.
    """
    rung: Singles = score - _CLOSER
    rung /= np.where(rung > 0, _WORSE, _LITTLE)
    return np.floor(rung, out=rung)


def next_rung(score: Singles) -> Singles:
    """The least scores [N] that are on a higher rung."""
    rung: Singles = _rung(score) + 1
    rung *= np.where(rung > 0, _WORSE, _LITTLE)
    rung += _CLOSER
    return rung


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
