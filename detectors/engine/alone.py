"""One series alone: its readings one after the other, with all that follows from their times reckoned at once."""

import numpy as np

from detectors.engine.judged import Said
from detectors.engine.moment import moments
from detectors.engine.pace import Floats, Millis
from detectors.engine.rows import Places, Rows
from detectors.engine.samples import all_in_step, relative
from detectors.engine.stages import Way, advance, learnt

_KNOWN = 2  # readings after which the step is known


def alone(row: Rows, times: Millis, values: Floats, way: Way) -> list[Said]:
    """What is said of readings [N] of one row, in order; places are theirs among the given."""
    good = _admitted(int(row.newest[0]), times, values)
    times, values = times[good], values[good]
    said: list[Said] = []
    at = 0
    while at < len(times):
        end = at
        if not way.counters and int(row.age[0]) >= _KNOWN:
            end += all_in_step(float(row.step[0]), np.diff(times[at:], prepend=row.newest[0]))
        if end > at:
            said += _stretch(row, times[at:end], values[at:end], good[at:end], way)
        else:
            end = at + 1
            said.append(advance(row, times[at:end], values[at:end], way, None).among(int(good[at])))
        at = end
    return [one for one in said if len(one.places)]


def _admitted(newest: int, times: Millis, values: Floats) -> Places:
    """The places of the readings that count: finite, and newer than all of those before them."""
    good = np.flatnonzero(np.isfinite(values))
    before = np.maximum.accumulate(np.append(newest, times[good]))[:-1]
    return good[times[good] > before]


def _stretch(row: Rows, times: Millis, values: Floats, places: Places, way: Way) -> list[Said]:
    """What is said of readings that keep step."""
    readings = relative(row, values)
    said: list[Said] = []
    for at, now in enumerate(moments(row, times, way.pace)):
        here = slice(at, at + 1)
        some = learnt(row, times[here], readings[here], now, way.pace, row.origin, None)
        if len(some.places):
            said.append(some.among(int(places[at])))
    return said
