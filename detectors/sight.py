"""What can be said of a signal right now. Missing, stale and partial are told apart from zero, and from healthy."""

from datetime import datetime, timedelta

import numpy as np

from cases.moments import from_milliseconds, iso
from cases.telemetry import Direction, SeriesBlock, Sight, SignalState


def sight(block: SeriesBlock, now: datetime, stale_after: timedelta) -> SignalState:
    """The state of one signal, from the newest readings of it.

    BLIND when the source says that its answer is partial; MISSING when it has no series, or only series without any
    sample in the window; STALE when the newest sample of all is older than `stale_after`; FRESH otherwise, also when
    the reading is zero. `value` is the newest reading, of several series the most harmful one; None unless FRESH.
    """
    key = block.signal.key
    if block.partial:
        return SignalState(signal=key, sight=Sight.BLIND, at=now, because=f"the answer is partial: {block.partial}")
    if not block.labels:
        return SignalState(signal=key, sight=Sight.MISSING, at=now, because="the source has no series for the query")
    present = ~block.missing
    newest = np.flatnonzero(present.any(axis=0))
    if not len(newest):
        because = f"{len(block.labels)} series, and not one sample in the window"
        return SignalState(signal=key, sight=Sight.MISSING, at=now, because=because)
    column = int(newest[-1])
    at = from_milliseconds(int(block.times[column]))
    if now - at > stale_after:
        because = f"the newest sample is of {iso(at)}, older than {stale_after.total_seconds():g} s"
        return SignalState(signal=key, sight=Sight.STALE, at=now, because=because)
    readings = block.values[present[:, column], column]
    worst = np.min(readings) if block.signal.harm is Direction.DOWN else np.max(readings)
    return SignalState(signal=key, sight=Sight.FRESH, at=now, because=f"newest sample {iso(at)}", value=float(worst))
