"""A block: up to 16,384 rows, and the short way of a tick for those of them that keep step.

Rows keep step when their last readings were at one time, at one distance from those before, and their series have one
age or are all past learning. Then the times and ages of all are one number, which is written to the rows only when
somebody asks, and most readings need no more than their levels to follow. Rows that are apart (of another age, or
without a reading) go the way for any rows; what is said is the same on both.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detectors.engine.judged import NOTHING, Explained, Said
from detectors.engine.moment import Moment, old_from, shared
from detectors.engine.pace import Floats, Millis, Pace, Singles
from detectors.engine.records import bounded, sizes
from detectors.engine.rows import CHANNELS, ROWS, Places, Rows
from detectors.engine.samples import HUGE, in_step
from detectors.engine.season import follow, unexpected
from detectors.engine.stages import Pending, Way, admit, advance, turns

_APART_AT_MOST = 0.25
_KNOWN = 2  # readings after which the step is known
_WORTH_IT = 256  # rows from which on it is looked whether they keep step
_SQUARES = float(HUGE) ** 2


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Room to reckon in, for one block at a time."""

    double: Floats = field(default_factory=lambda: np.empty(ROWS))
    reading: Singles = field(default_factory=lambda: np.empty(ROWS, dtype=np.float32))
    work: Singles = field(default_factory=lambda: np.empty((2, ROWS), dtype=np.float32))
    shown: Singles = field(default_factory=lambda: np.empty((CHANNELS, ROWS), dtype=np.float32))
    over: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty((CHANNELS, ROWS), dtype=np.bool_))


@dataclass(slots=True, kw_only=True, eq=False)
class Step:
    """What the rows that keep step have in common: the time of their newest reading, and the step.

    size   how many first rows this is about; apart: those of them that do not keep it
    age    their readings so far, where they have fewer than `old`; else they have no less than that
    owed   readings that are not yet counted in their ages
    """

    size: int
    newest: int
    step: float
    apart: Places
    age: int
    old: float
    owed: int = 0


class Block:
    """Rows, and whether they keep step."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._step: Step | None = None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> Rows:
        """The rows, with all that is owed to them written. Who asks may change them, so none keeps step after that."""
        if self._step is not None:
            self._pay(self._step)
            self._step = None
        return self._rows

    def to_bytes(self) -> bytes:
        """A checkpoint of the rows."""
        if self._step is not None:
            self._pay(self._step)
        return self._rows.to_bytes()

    def grow(self, size: int) -> None:
        """Room for more rows."""
        self._rows = self.rows.grown(size)

    def some(self, mine: Places, times: Millis, values: Floats, way: Way, explained: Explained | None) -> Said:
        """What is said of readings [N] of these rows [N]."""
        rows = self.rows.take(mine)
        said = admit(rows, times, values, way, explained)
        self._rows.put(mine, rows)
        return said

    def first(self, times: Millis, values: Floats, way: Way, explained: Explained | None) -> Said:
        """What is said of readings [N] of the first rows, in order."""
        rows = self.rows.first(len(values))
        said = admit(rows, times, values, way, explained)
        if len(rows) >= _WORTH_IT and not way.counters and not rows.further:
            self._step = _common(rows, times, way.pace)
        return said

    def together(self, time: int, values: Floats, way: Way, room: Room) -> tuple[Pending, Said] | None:
        """The same of readings at one time, of rows that keep step but for some; None where too few of them do.

        Of those that keep step, it is what has still to be assessed.
        """
        step = self._step
        if step is None or step.size != len(values) or not in_step(step.step, time - step.newest):
            return None
        rows = self._rows.first(step.size)
        reading = room.reading[: step.size]
        double = np.subtract(values, rows.origin, out=room.double[: step.size])
        np.copyto(reading, double, casting="same_kind")
        if not float(reading.dot(reading)) < _SQUARES:  # so it is where one is missing
            self._pay(step)
            step.apart = np.union1d(step.apart, np.flatnonzero(~(np.abs(reading) < HUGE)))
        if len(step.apart) > _APART_AT_MOST * step.size:
            return None
        reading[step.apart] = 0
        now = shared(time, step.newest, step.step, min(float(step.age), step.old), way.pace)
        kept = _kept(rows, step.apart, now)
        pending = _learnt(rows, reading, now, way.pace, room, step.apart)
        for column, values_kept in kept:
            column[..., step.apart] = values_kept
        step.newest = time
        step.owed += 1
        step.age += 1
        return pending, self._others(step, rows, values, way) if len(step.apart) else NOTHING

    def _others(self, step: Step, rows: Rows, values: Floats, way: Way) -> Said:
        """What is said of the rows that are apart. Those that keep step again join the others."""
        there = step.apart[np.isfinite(values[step.apart]) & (rows.newest[step.apart] < step.newest)]
        some = rows.take(there)
        said = advance(some, np.full(len(there), step.newest), values[there], way, None) if len(there) else NOTHING
        rows.put(there, some)
        if step.age >= step.old:
            again = (some.step == np.float32(step.step)) & (some.age >= step.old)
            if bool(np.any(again)):
                self._pay(step)
                _bound(rows, there[again], way.pace)
                step.apart = np.setdiff1d(step.apart, there[again])
        return said.among(there)

    def _pay(self, step: Step) -> None:
        """Write what is owed."""
        rows = self._rows.first(step.size)
        newest, age = rows.newest[step.apart], rows.age[step.apart]
        rows.newest[:] = step.newest
        rows.age += np.uint32(step.owed)
        rows.newest[step.apart], rows.age[step.apart] = newest, age
        step.owed = 0


def _common(rows: Rows, times: Millis, pace: Pace) -> Step | None:
    """What most of the rows have in common after readings at one time, if there is such."""
    time = int(times[0])
    step = float(np.partition(rows.step, len(rows) // 2)[len(rows) // 2])
    age = int(np.partition(rows.age, len(rows) // 2)[len(rows) // 2])
    old = old_from(step, pace)
    good = rows.newest == time
    good &= rows.step == np.float32(step)
    good &= (rows.age >= old) if age >= old else (rows.age == age)
    apart = np.flatnonzero(~good)
    if age < _KNOWN or len(apart) > _APART_AT_MOST * len(rows):
        return None
    _bound(rows, np.arange(len(rows)), pace)
    return Step(size=len(rows), newest=time, step=step, apart=apart, age=age, old=old)


def _bound(rows: Rows, here: Places, pace: Pace) -> None:
    """Reckon the bounds of these rows, which nobody did while they were apart."""
    standing = rows.standing_of(here)
    bounded(standing, pace)
    rows.put_standing(here, standing)


def _kept(rows: Rows, apart: Places, now: Moment) -> list[tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]]:
    """Columns that the common way changes, each with what the rows that are apart have there."""
    if not len(apart):
        return []
    columns = [rows.slow, rows.fast, rows.scale, rows.spread, rows.lasting, rows.today]
    columns.append(rows.season[int(now.time_of_day[0])])
    columns += [rows.gain, rows.gate] if bool(now.judged[0]) else []
    if bool(now.half_day[0]) or int(now.spans[0]):
        columns = [column for _, column in rows.columns()]
    return [(column, column[..., apart]) for column in columns]


def _learnt(rows: Rows, reading: Singles, now: Moment, pace: Pace, room: Room, apart: Places) -> Pending:
    """Let rows that keep step learn from readings [N] relative to their origin. What may be news is still pending."""
    size = len(reading)
    work, shown, over = room.work[:, :size], room.shown[:, :size], room.over[:, :size]
    turns(rows, now, pace, bounds=True)
    error = unexpected(rows, reading, now, pace, work)
    sizes(rows, error, work, shown)
    np.greater(shown, rows.bounds, out=over)
    anywhere = np.logical_or(over[0], over[1], out=over[0])
    anywhere |= over[2]
    anywhere[apart] = False
    here = np.flatnonzero(anywhere)
    pending = Pending(
        rows=rows,
        first=0,
        here=here,
        shown=np.take(shown, here, axis=1),
        standing=rows.standing_of(here),
        early=bool(now.early[0]),
        unheld=bool(now.unheld[0]),
    )
    follow(rows, error, shown[0], now, pace, work)
    return pending
