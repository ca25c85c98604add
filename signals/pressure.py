"""Pressure: a source that answers late, or says that it is asked too much, is asked for less.

Backfill goes first: what is normal can be learnt later. Then detail: every second point of the recent readings is asked
for no more. What is left is what detection needs. A source that cannot be reached at all is down, and not under
pressure.
"""

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

import numpy as np

from cases.ports import Clock
from cases.telemetry import Millis, SeriesBlock

log = logging.getLogger("trackwalker.pressure")

SLOW = 2.0  # seconds, from which a recent reading is late: a healthy one takes a tenth of that
IN_A_ROW = 2  # one late answer is chance
RISE = 30.0  # seconds between two steps up: the first one is given time to help
CALM = 120.0  # seconds without a late answer before a step down
SHARE = 10  # under pressure at most every tenth second goes into backfill
WIDER = 2
FEWEST = 6  # points that are left where detail is given up; below that nothing could be confirmed


class Relief(IntEnum):
    """What is not asked of a source now."""

    NONE = 0
    BACKFILL = 1
    DETAIL = 2


@dataclass(slots=True, kw_only=True)
class Pressure:
    """How much one source can bear. Safe for threads."""

    source: str
    clock: Clock
    _relief: Relief = field(default=Relief.NONE, init=False)
    _late: int = field(default=0, init=False)  # answers in a row
    _changed: float = field(default=float("-inf"), init=False)  # monotonic seconds, as the two below
    _pressed: float = field(default=float("-inf"), init=False)
    _backfill: float = field(default=float("-inf"), init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def relief(self) -> Relief:
        """What is not asked for now."""
        return self._relief

    def felt(self, seconds: float, *, busy: bool) -> None:
        """An answer took that long; `busy`: the source said that it is asked too much."""
        with self._lock:
            now = self.clock.monotonic()
            self._late = self._late + 1 if busy or seconds >= SLOW else 0
            if self._late:
                self._pressed = now
            if self._late >= IN_A_ROW and self._relief < Relief.DETAIL and now - self._changed >= RISE:
                self._turn(Relief(self._relief + 1), now)
            elif not self._late and self._relief and now - max(self._pressed, self._changed) >= CALM:
                self._turn(Relief(self._relief - 1), now)

    def may_backfill(self) -> bool:
        """Whether history may be read now: under pressure it is put off, and let through a little at a time."""
        return not self._relief or self.clock.monotonic() >= self._backfill

    def backfilled(self, seconds: float, *, busy: bool) -> None:
        """A read of history took that long. That it takes long says nothing; that the source is busy does."""
        with self._lock:
            self._backfill = self.clock.monotonic() + SHARE * seconds
        if busy:
            self.felt(seconds, busy=True)

    def _turn(self, relief: Relief, now: float) -> None:
        words = {
            Relief.NONE: "all is asked for again",
            Relief.BACKFILL: "history is put off",
            Relief.DETAIL: "history is put off, and every second point of recent readings is not asked for",
        }
        level = logging.WARNING if relief > self._relief else logging.INFO
        log.log(level, "%s %s: %s", self.source, "is under pressure" if relief else "is at ease", words[relief])
        self._relief, self._changed, self._late = relief, now, 0


def wider(start: datetime, end: datetime, step: timedelta) -> tuple[datetime, timedelta] | None:
    """Where a wider grid begins that has `end` as well, and its step; None where too few points would be left."""
    wide = step * WIDER
    points = (end - start) // wide
    return (end - points * wide, wide) if points + 1 >= FEWEST else None


def laid(block: SeriesBlock, times: Millis) -> SeriesBlock:
    """The block on a finer grid that has all its times: what was not asked for is missing, and never made up."""
    places = np.searchsorted(times, block.times)
    values = np.full((len(block.labels), len(times)), np.nan)
    missing = np.ones(values.shape, dtype=np.bool_)
    values[:, places] = block.values
    missing[:, places] = block.missing
    return SeriesBlock(
        signal=block.signal, labels=block.labels, times=times, values=values, missing=missing, partial=block.partial
    )
