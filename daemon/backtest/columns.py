"""Blocks cut, joined and thinned along their time axis."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cases.telemetry import Floats, Mask, Millis, SeriesBlock, Signal
from detectors.baseline import Key, key_of


def between(block: SeriesBlock, first: int, last: int) -> SeriesBlock:
    """The columns from epoch milliseconds `first` up to `last`, both included. Views, no copies."""
    low, high = np.searchsorted(block.times, [first, last + 1])
    return replace(
        block,
        times=block.times[low:high],
        values=block.values[:, low:high],
        missing=block.missing[:, low:high],
    )


def row_of(block: SeriesBlock, row: int) -> SeriesBlock:
    """A block of that one series."""
    rows = slice(row, row + 1)
    return replace(block, labels=block.labels[rows], values=block.values[rows], missing=block.missing[rows])


def joined(signal: Signal, blocks: Sequence[SeriesBlock]) -> SeriesBlock:
    """Blocks that follow one another in time, as one: a series that one of them does not have is missing there.

    What a partial block says is left out, as a look at it would have said nothing.
    """
    rows: dict[Key, int] = {}
    for block in blocks:
        for labels in block.labels:
            rows.setdefault(key_of(labels), len(rows))
    times = np.concatenate([block.times for block in blocks]) if blocks else np.empty(0, dtype=np.int64)
    values = np.full((len(rows), len(times)), np.nan)
    start = 0
    for block in blocks:
        if not block.partial:
            mine = [rows[key_of(labels)] for labels in block.labels]
            values[mine, start : start + len(block.times)] = np.where(block.missing, np.nan, block.values)
        start += len(block.times)
    names = tuple(dict(key) for key in rows)
    return SeriesBlock(signal=signal, labels=names, times=times, values=values, missing=np.isnan(values))


def thinned(block: SeriesBlock, grain: int) -> SeriesBlock:
    """The block on a grid of `grain` milliseconds: at each point the newest sample since the point before it."""
    if not len(block.times):
        return block
    slots: Millis = -(-block.times // grain)
    axis = np.arange(int(slots[0]), int(slots[-1]) + 1, dtype=np.int64)
    ends = np.searchsorted(slots, axis, side="right") - 1  # the last column of each slot, or of one before it
    newest: Millis = np.maximum.accumulate(np.where(block.missing, -1, np.arange(len(slots))), axis=1)[:, ends]
    there: Mask = (newest >= 0) & (slots[newest] == axis)
    values: Floats = np.where(there, np.take_along_axis(block.values, newest, axis=1), np.nan)
    return replace(block, times=axis * grain, values=values, missing=~there)
