"""Trends that wild readings cannot bend: the median slope between readings (Theil 1950, Sen 1968), and how sure it is.

The interval is Sen's: the slopes around the median, as many as Kendall's statistic may be off by chance, widened by how
far a reading repeats the one before. With seasons only readings of one season are compared (Hirsch and Slack, 1984), so
that a week's shape is no trend. Assumed: a straight line; what is left around it has one scale.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

MOST_POINTS = 64
"""More readings are first taken together, block by block by their median: 2,016 slopes are enough, and quick."""

LEAST_POINTS = 8

_SURE = 2.576  # both-sided 99% of a normal
_MOST_PHI = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A line through readings.

    slope, low, high  per unit of time, with the 99% interval
    now               where the line is at the last reading
    scatter           the median distance of readings from it
    """

    slope: float
    low: float
    high: float
    now: float
    scatter: float

    @property
    def direction(self) -> int:
        """1 where it rises for sure, -1 where it falls, 0 where neither is sure."""
        return int(self.low > 0.0) - int(self.high < 0.0)


def trend(times: npt.ArrayLike, values: npt.ArrayLike, seasons: Places | None = None) -> Trend | None:
    """The trend of finite readings [T] at ascending times [T]; None where too few can be compared.

    `seasons` [T] says which readings may be compared with each other. Raises ValueError for columns of different
    lengths, for times that do not ascend, and for readings that are not finite.
    """
    when, what = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if when.ndim != 1 or when.shape != what.shape:
        raise ValueError(f"times {when.shape} and values {what.shape} must be two columns of one length")
    if np.any(np.diff(when) <= 0.0) or not (np.isfinite(when).all() and np.isfinite(what).all()):
        raise ValueError("times must ascend, and all must be finite")
    if len(what) < LEAST_POINTS:
        return None
    size = float(np.max(np.abs(what))) or 1.0
    what, end = what / size, when[-1]  # no slope of what is left overflows
    if seasons is None and len(what) > MOST_POINTS:
        when, what = _blocks(when, what)
    first, second = np.triu_indices(len(what), 1)
    if seasons is not None:
        alike = seasons[first] == seasons[second]
        first, second = first[alike], second[alike]
    if len(first) == 0:
        return None
    slopes = np.sort((what[second] - what[first]) / (when[second] - when[first]))
    slope = float(np.median(slopes))
    rest = what - slope * (when - end)
    now = float(np.median(rest))
    off = _chance(seasons, len(what), rest - now)
    low = float(slopes[max(0, int(np.floor((len(slopes) - off) / 2.0)))])
    high = float(slopes[min(len(slopes) - 1, int(np.ceil((len(slopes) + off) / 2.0)))])
    scatter = float(np.median(np.abs(rest - now)))
    return Trend(slope=slope * size, low=low * size, high=high * size, now=now * size, scatter=scatter * size)


def _chance(seasons: Places | None, count: int, rest: Floats) -> float:
    """How many slopes more may rise than fall by chance."""
    sizes = np.bincount(seasons).astype(np.float64) if seasons is not None else np.array([float(count)])
    variance = float(np.sum(sizes * (sizes - 1.0) * (2.0 * sizes + 5.0))) / 18.0
    power = float(rest @ rest)
    phi = float(rest[1:] @ rest[:-1]) / power if power > 0.0 else 0.0
    phi = min(max(phi, 0.0), _MOST_PHI)
    return _SURE * float(np.sqrt(variance * (1.0 + phi) / (1.0 - phi)))


def _blocks(when: Floats, what: Floats) -> tuple[Floats, Floats]:
    """Equal blocks, each by its medians."""
    edges = np.linspace(0, len(what), MOST_POINTS + 1).astype(np.intp)
    pairs = list(zip(edges.tolist(), edges[1:].tolist(), strict=False))
    middle = np.array([np.median(when[first:last]) for first, last in pairs])
    return middle, np.array([np.median(what[first:last]) for first, last in pairs])
