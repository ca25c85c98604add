"""The time axis that every source answers on: a grid from start to end, both included."""

from datetime import datetime, timedelta

import numpy as np

from cases.moments import milliseconds
from cases.telemetry import Millis

MILLISECOND = timedelta(milliseconds=1)


def grid(start: datetime, end: datetime, step: timedelta) -> Millis:
    """Epoch milliseconds `start`, `start + step`, … up to and including `end` where it falls on the grid.

    Raises ValueError when `end` is before `start`, or the step is not a whole number of milliseconds above zero.
    """
    if end < start:
        raise ValueError(f"a window cannot end ({end}) before it starts ({start})")
    if step < MILLISECOND or step % MILLISECOND:
        raise ValueError(f"a step is a whole number of milliseconds, at least one; got {step}")
    return np.arange(milliseconds(start), milliseconds(end) + 1, step // MILLISECOND, dtype=np.int64)
