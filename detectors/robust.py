"""Statistics that a past incident cannot pull along, over whole blocks of series at once. NaN is "no sample"."""

import numpy as np

from cases.telemetry import Floats

MAD_TO_SIGMA = 1.4826
"""The median absolute deviation of Gaussian noise, times this, is its standard deviation."""

_TAIL = 0.975
_TAIL_IN_SIGMAS = 1.96
_MOST_TAIL = 3.0


def quantiles(values: Floats, *wanted: float) -> tuple[Floats, ...]:
    """The quantiles over the last axis of the samples that are there, interpolated; NaN where there is none.

    numpy's nanquantile does the same row by row in Python, a hundred times slower on many short rows.
    """
    if values.shape[-1] == 0:
        return tuple(np.full(values.shape[:-1], np.nan) for _ in wanted)
    ordered = np.sort(values, axis=-1)  # NaN last
    last = np.maximum(np.sum(~np.isnan(values), axis=-1, keepdims=True) - 1, 0)

    def at(q: float) -> Floats:
        low = np.floor(last * q).astype(np.intp)
        below = np.take_along_axis(ordered, low, axis=-1)
        above = np.take_along_axis(ordered, np.minimum(low + 1, last), axis=-1)
        between: Floats = (below + (above - below) * (last * q - low))[..., 0]
        return between

    return tuple(at(q) for q in wanted)


def median(values: Floats) -> Floats:
    """The median over the last axis of the samples that are there; NaN where there is none."""
    return quantiles(values, 0.5)[0]


def scales(errors: Floats) -> tuple[Floats, Floats]:
    """(upward, downward) standard deviations over the last axis, blind to outliers; 0 where nothing varies.

    The middle is taken from the median absolute deviation, which half the samples may be wrong for. A skewed or
    heavy tail widens its own side, up to three times; where more than half of the samples are one and the same value,
    only the tails can tell. NaN where there is no sample.
    """
    middle = MAD_TO_SIGMA * median(np.abs(errors))
    low, high = quantiles(errors, 1 - _TAIL, _TAIL)
    most = np.where(middle > 0, _MOST_TAIL * middle, np.inf)
    up = np.minimum(np.maximum(high, 0.0) / _TAIL_IN_SIGMAS, most)
    down = np.minimum(np.maximum(-low, 0.0) / _TAIL_IN_SIGMAS, most)
    return np.maximum(middle, up), np.maximum(middle, down)


def resolution(values: Floats) -> Floats:
    """The smallest difference between two values that each row [S, T] usually has; 0 where it has only one.

    For a count that is one event. Only the middle 95% of the samples are looked at: a rare excursion is no unit.
    """
    low, high = quantiles(values, 1 - _TAIL, _TAIL)
    usual = np.where((values >= low[:, None]) & (values <= high[:, None]), values, np.nan)
    gaps = np.diff(np.sort(usual, axis=-1), axis=-1)
    smallest = np.min(np.where(gaps > 0, gaps, np.inf), axis=-1, initial=np.inf)
    return np.where(np.isfinite(smallest), smallest, 0.0)
