"""Readings laid on an even grid around a deploy: a place for each step, NaN where nothing was read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MINUTE = 60_000.0
DAY = 86_400_000.0
LONGEST_HISTORY = 42 * DAY  # what is older says little about now
MOST_PLACES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """`times` epoch ms [N] at an even `step`; `values` [N] and `controls` [N, K] with NaN where nothing was read."""

    step: float
    times: Floats
    values: Floats
    controls: Floats


def lay(times: Floats, values: Floats, controls: Sequence[Floats], deploy: float, until: float) -> Grid | None:
    """Lay readings on a grid of their own step, a minute at the least; None where there are too few to tell a step.

    `times` ascending epoch ms [T]; `values` and each control [T] with NaN where missing. Readings that fall into one
    place are averaged, never across the deploy. What is older than six weeks before the deploy, and later than `until`,
    is left out.
    """
    kept = (times >= deploy - LONGEST_HISTORY) & (times <= until)
    times, columns = times[kept], np.column_stack([values[kept], *(control[kept] for control in controls)])
    before = times < deploy
    if before.sum() < 3:  # noqa: PLR2004 - two readings have one distance
        return None
    step = float(np.median(np.diff(times[before])))
    anchor = deploy
    if step >= MINUTE:  # places around the last reading before the deploy, so that jitter moves none to a neighbour's
        anchor = float(times[before][-1]) + step / 2.0
    step = max(step, MINUTE)
    places = np.floor((times - anchor) / step).astype(np.int64)
    places[before] = np.minimum(places[before], -1)
    places[~before] = np.maximum(places[~before], 0)
    first, size = int(places[0]), int(places[-1] - places[0]) + 1
    if size > MOST_PLACES:
        return None
    laid = _averaged(places - first, columns, size)
    at = first + np.arange(size)
    stamps = anchor + (at + 0.5) * step
    stamps = np.where(at < 0, np.minimum(stamps, deploy - 1.0), np.maximum(stamps, deploy))
    return Grid(step=step, times=stamps, values=laid[:, 0], controls=laid[:, 1:])


def _averaged(places: npt.NDArray[np.int64], columns: Floats, size: int) -> Floats:
    """The mean of the readings of each place; NaN where there are none."""
    if len(places) == size and bool(np.all(np.diff(places) == 1)):
        return columns
    laid = np.full((size, columns.shape[1]), np.nan)
    for column in range(columns.shape[1]):
        there = np.isfinite(columns[:, column])
        count = np.bincount(places[there], minlength=size)
        read: Floats = columns[there, column]
        total = np.bincount(places[there], weights=read, minlength=size)
        laid[:, column] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return laid
