"""Noise that remembers: an AR(p) fit, and whitening by it that is exact across gaps.

Whitening turns readings that follow on each other into independent ones of the same scale. Where readings are missing
the prediction goes on without them, its variance grows, and the next reading is divided by what it has grown to: the
Kalman filter of an AR process (Jones, 1980). Regressors go through the same filter, so that a regression on whitened
columns is the generalised least squares of the raw ones.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MOST_LAGS = 6
_FEWEST_ROWS = 60
_MOST_PERSISTENT = 0.9995  # roots of the process are kept inside this circle
_KNOWN = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whitened:
    """`rows` [M, C] of independent noise with the innovations' scale, and `places` [M], where they came from."""

    rows: Floats
    places: npt.NDArray[np.int64]


def fit_ar(noise: Floats, present: Mask) -> Floats:
    """The coefficients [p], p in 1..6 by BIC, from the readings that have all of six others just before them.

    Too few of those leave fewer lags, and none at all leaves an empty array: independent noise.
    """
    lags = MOST_LAGS
    while lags and _rows(present, lags).sum() < _FEWEST_ROWS:
        lags -= 1
    if not lags:
        return np.empty(0)
    places = np.flatnonzero(_rows(present, lags))
    before = np.column_stack([noise[places - lag] for lag in range(1, lags + 1)])
    now = noise[places]
    total, count = float(now @ now), len(now)
    gram: Floats = before.T @ before
    pull: Floats = before.T @ now
    best, found = np.inf, np.zeros(1)
    for order in range(1, lags + 1):
        square: Floats = gram[:order, :order] + 1e-9 * float(np.trace(gram)) / lags * np.eye(order)
        solved = np.asarray(np.linalg.solve(square, pull[:order]), dtype=np.float64)
        left = max(total - float(solved @ pull[:order]), _KNOWN * total, _KNOWN)
        bic = count * np.log(left / count) + order * np.log(count)
        if bic < best:
            best, found = bic, solved
    return _settled(found)


def whiten(columns: Floats, present: Mask, phi: Floats) -> Whitened:
    """Whiten columns [N, C] at the places that are present [N]; those of the first p, and missing ones, give no row.

    Values where nothing is present are not looked at.
    """
    order = len(phi)
    if not order:
        places = np.flatnonzero(present)
        return Whitened(rows=columns[places], places=places)
    safe = np.where(present[:, None], columns, 0.0)
    rows = safe.copy()
    for lag, weight in enumerate(phi, start=1):
        rows[lag:] -= weight * safe[:-lag]
    whole = _rows(present, order)
    kept = whole.copy()
    for start, end in _broken(whole):
        _across(safe, present, phi, rows, kept, (start, end))
    places = np.flatnonzero(kept)
    return Whitened(rows=rows[places], places=places)


def _rows(present: Mask, lags: int) -> Mask:
    """Which places are present with all of `lags` others just before them."""
    whole = present.copy()
    whole[:lags] = False
    for lag in range(1, lags + 1):
        whole[lag:] &= present[:-lag]
    return whole


def _broken(whole: Mask) -> list[tuple[int, int]]:
    """The stretches [start, end) of places without a whole past, after the first place that has one."""
    if not whole.any():
        return []
    first = int(np.argmax(whole))
    edges = np.flatnonzero(np.diff(np.r_[False, ~whole[first:], False].astype(np.int8))) + first
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _across(columns: Floats, present: Mask, phi: Floats, rows: Floats, kept: Mask, stretch: tuple[int, int]) -> None:
    """Filter through a stretch with gaps: the state is the last p values, known exactly at its start."""
    start, end = stretch
    order = len(phi)
    state = columns[start - order : start][::-1].copy()  # newest first, [p, C]
    variance = np.zeros((order, order))
    for place in range(start, end):
        reached = phi @ variance
        guess = phi @ state
        spread = float(reached @ phi) + 1.0
        state[1:], variance[1:, 1:] = state[:-1].copy(), variance[:-1, :-1].copy()
        state[0] = guess
        variance[0, 0] = spread
        variance[0, 1:] = reached[:-1]
        variance[1:, 0] = reached[:-1]
        if present[place]:
            off = columns[place] - guess
            gain = variance[:, 0] / spread
            state += gain[:, None] * off
            variance -= np.outer(gain, variance[0])
            rows[place] = off / np.sqrt(spread)
            kept[place] = True


def _settled(phi: Floats) -> Floats:
    """The same process with its roots inside the unit circle: what explodes has no level."""
    order = len(phi)
    companion = np.zeros((order, order))
    companion[0] = phi
    companion[1:, :-1] = np.eye(order - 1)
    largest = float(np.max(np.abs(np.linalg.eigvals(companion))))
    if largest <= _MOST_PERSISTENT:
        return phi
    return phi * (_MOST_PERSISTENT / largest) ** np.arange(1, order + 1)
