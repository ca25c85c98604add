"""A stretch: readings of the same rows at one time after the other, with all that follows from times reckoned at once.

Rows that keep step together need only be taken on; a column in which one of them does not goes the way for any rows.
"""

import numpy as np
import numpy.typing as npt

from detectors.engine.judged import Explained, Said
from detectors.engine.moment import moments, old_from
from detectors.engine.pace import Floats, Millis, Pace
from detectors.engine.rows import Rows
from detectors.engine.samples import all_in_step, bounded
from detectors.engine.stages import Way, admit, learnt

Mask = npt.NDArray[np.bool_]

_KNOWN = 2  # readings after which the step is known
_AHEAD = 512  # columns that are looked at together


def stretch(rows: Rows, times: Millis, values: Floats, way: Way, explained: Explained | None) -> list[Said]:
    """What is said of readings [N, T] of these rows [N] at `times` [T], in order.

    Readings count column by column: the places, and `explained` [T * N], are those of the readings one column after
    the other.
    """
    size = len(rows)
    whole = np.all(np.isfinite(values), axis=0)
    said: list[Said] = []
    at = 0
    while at < len(times):
        end = at + _together(rows, times[at : at + _AHEAD], whole[at : at + _AHEAD], way)
        here = slice(at * size, max(end, at + 1) * size)
        wanted = None if explained is None else explained.at(here)
        if end > at:
            found = _in_step(rows, times[at:end], values[:, at:end], way, wanted)
        else:
            end = at + 1
            found = [admit(rows, np.full(size, times[at]), values[:, at], way, wanted)]
        said += [one.among(at * size) for one in found if len(one.places)]
        at = end
    return said


def _together(rows: Rows, times: Millis, whole: Mask, way: Way) -> int:
    """In how many columns from the first one on all rows keep step."""
    newest, step, youngest = int(rows.newest[0]), float(rows.step[0]), int(np.min(rows.age))
    if way.counters or not whole[0] or youngest < _KNOWN:
        return 0
    if len(rows) > 1 and not _one_pace(rows, newest, step, youngest, way.pace):
        return 0
    missing = np.flatnonzero(~whole)
    return all_in_step(step, np.diff(times[: missing[0] if len(missing) else None], prepend=newest))


def _one_pace(rows: Rows, newest: int, step: float, youngest: int, pace: Pace) -> bool:
    """Whether all rows were read at one time, at one step, and are of one age or all old."""
    if not (bool(np.all(rows.newest == newest)) and bool(np.all(rows.step == np.float32(step)))):
        return False
    return bool(np.all(rows.age == youngest)) or youngest >= old_from(step, pace)


def _in_step(rows: Rows, times: Millis, values: Floats, way: Way, explained: Explained | None) -> list[Said]:
    """What is said of readings [N, T] of rows that keep step."""
    size = len(rows)
    readings = np.ascontiguousarray(bounded(values - rows.origin[:, None]).T)
    said: list[Said] = []
    for at, now in enumerate(moments(rows, times, way.pace)):
        wanted = None if explained is None else explained.at(slice(at * size, (at + 1) * size))
        some = learnt(rows, times[at : at + 1], readings[at], now, way.pace, rows.origin, wanted)
        if len(some.places):
            said.append(some.among(at * size))
    return said
