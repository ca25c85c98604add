"""Rates: how often each template was seen in each tick, as series like any other."""

import numpy as np
import numpy.typing as npt

from cases.telemetry import Floats, Millis


def counts(
    ids: npt.NDArray[np.int64], times: Millis, ticks: Millis, templates: npt.NDArray[np.int64] | None = None
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Which templates there are, and their counts [templates, ticks].

    `ids` and `times` (epoch milliseconds) have one value a line, in any order. A tick reaches from its time up to the
    next one; the last is as long as the one before it. Lines outside, and templates that are not asked for, are not
    counted. Without `templates` it is those that were seen, by id. Raises ValueError for arrays that do not match, or
    ticks that are fewer than two or not in order.
    """
    if ids.shape != times.shape or ids.ndim != 1:
        raise ValueError(f"{ids.shape} ids at {times.shape} times: one of each a line")
    if ticks.size < 2 or np.any(np.diff(ticks) <= 0):  # noqa: PLR2004 - a length needs two ends
        raise ValueError("ticks are two times or more, each later than the one before")
    wanted = np.unique(ids if templates is None else templates)
    found = np.zeros((wanted.size, ticks.size))
    column = np.searchsorted(ticks, times, side="right") - 1
    inside = (column >= 0) & (times < ticks[-1] + (ticks[-1] - ticks[-2]))
    if wanted.size:
        row = np.minimum(np.searchsorted(wanted, ids), wanted.size - 1)
        inside &= wanted[row] == ids
        np.add.at(found, (row[inside], column[inside]), 1.0)
    return wanted, found
