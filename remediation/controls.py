"""Control series: what moves by the same causes as a watched signal, and not by a deploy of its service."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from cases.moments import from_milliseconds
from cases.telemetry import Floats, SeriesBlock, Signal

BlockOf = Callable[[Signal, datetime, datetime, timedelta], SeriesBlock]


def controls_of(signal: Signal, block: SeriesBlock, block_of: BlockOf, step: timedelta) -> tuple[Floats, ...]:
    """The control series on the times of the block: the median of what each of their queries answers."""
    if not signal.controls or not len(block.times):
        return ()
    start, end = (from_milliseconds(int(block.times[place])) for place in (0, -1))
    found: list[Floats] = []
    for number, query in enumerate(signal.controls, start=1):
        control = replace(signal, name=f"{signal.name} control {number}", query=query, pick={}, threshold=None)
        answer = block_of(control, start, end, step)
        rows = [row for row, labels in enumerate(answer.labels) if not _own(signal, query, labels)]
        if answer.partial or not rows or not np.array_equal(answer.times, block.times):
            continue  # a judgement without it is slower, not wrong
        found.append(_middle(answer.values[rows]))
    return tuple(found)


def _middle(rows: Floats) -> Floats:
    """The median of the readings of each moment [T], of rows [S, T]; NaN where there is none."""
    ordered = np.sort(np.where(np.isfinite(rows), rows, np.inf), axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    at = np.arange(rows.shape[1], dtype=np.int64)
    low, high = ordered[np.maximum(count - 1, 0) // 2, at], ordered[np.minimum(count // 2, len(rows) - 1), at]
    return np.where(count > 0, (low + high) / 2.0, np.nan)


def _own(signal: Signal, query: str, labels: Mapping[str, str]) -> bool:
    """Whether a series of a control is the watched service's own."""
    picked = signal.pick or {"service": signal.service}
    return query == signal.query and all(labels.get(name) == value for name, value in picked.items())
