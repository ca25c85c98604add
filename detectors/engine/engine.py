"""The engine: rows for series, and a tick that scores one reading of each."""

import struct

import numpy as np

from detectors.engine.calibration import fresh, rarity
from detectors.engine.judged import Judged, chance
from detectors.engine.moment import moment
from detectors.engine.pace import Floats, Millis, Pace, Singles
from detectors.engine.records import channels, remember, surprise, turn_of_half_day
from detectors.engine.rows import ROWS, Places, Rows
from detectors.engine.samples import admitted, bounded, counted, pace_kept, relative
from detectors.engine.season import follow, unexpected

_FIRST = 64  # rows to begin with; doubled up to a whole block
_HEAD = struct.Struct("<4sBI")
_MAGIC = b"TWE0"
_LENGTH = struct.Struct("<Q")
RARITY_FROM = 0.45
"""The least score for which a rarity is reckoned."""


class Engine:
    """Series as rows. With `counters`, readings are totals that grow, and their rates are what is judged."""

    def __init__(self, pace: Pace | None = None, *, counters: bool = False) -> None:
        self._pace = pace or Pace()
        self._counters = counters
        self._blocks: list[Rows] = []
        self._used = 0
        self._free: list[int] = []

    def __len__(self) -> int:
        """How many rows are there, those that are free again too."""
        return self._used

    @property
    def bytes_a_row(self) -> int:
        """What a series costs."""
        return Rows.empty(1).bytes_a_row

    def claim(self, count: int) -> Places:
        """Rows [count] for new series: those that were let go first."""
        again = [self._free.pop() for _ in range(min(count, len(self._free)))]
        more = count - len(again)
        self._reserve(self._used + more)
        fresh_rows = np.arange(self._used, self._used + more)
        self._used += more
        return np.concatenate([np.array(again, dtype=np.intp), fresh_rows])

    def release(self, rows: Places) -> None:
        """Let series go. Their rows are cleared, and given to those that come."""
        self._check(rows)
        gone = [int(row) for row in rows]
        for row in gone:
            self._blocks[row // ROWS].clear(np.array([row % ROWS]))
        self._free.extend(gone)

    def tick(self, times: Millis | int, values: Floats, rows: Places | None = None, *, explain: bool = False) -> Judged:
        """Score one reading for each of some rows, or of all rows in order, and learn from it.

        With `explain`, what was expected is said too; scores are the same with and without.
        `times` in epoch milliseconds, one for all or [N]; `values` [N] in the series' unit, NaN where there is none.
        Raises ValueError for arrays of other lengths, or a row that is not there or comes twice.
        """
        if rows is not None:
            self._check(rows)
        size = self._used if rows is None else len(rows)
        if len(values) != size or (not isinstance(times, int) and len(times) != size):
            raise ValueError(f"{size} rows need as many values and times")
        at = np.full(size, times, dtype=np.int64) if isinstance(times, int) else times
        judged = Judged.nothing(size, explain=explain)
        for number, mine, here in self._parts(rows):
            judged.put(here, self._scored(self._blocks[number], mine, at[here], values[here], explain=explain))
        return judged

    def _scored(self, block: Rows, mine: Places | None, times: Millis, values: Floats, *, explain: bool) -> Judged:
        """What is said of some rows of a block, or of its first rows; only what is admitted touches a row."""
        some = block.first(len(values)) if mine is None else block.take(mine)
        good = admitted(some, times, values)
        if bool(np.all(good)):
            said = advance(some, times, values, self._pace, counters=self._counters, explain=explain)
        else:
            said = Judged.nothing(len(values), explain=explain)
            kept = np.flatnonzero(good)
            few = some.take(kept)
            if len(kept):
                counters = self._counters
                said.put(kept, advance(few, times[kept], values[kept], self._pace, counters=counters, explain=explain))
                some.put(kept, few)
        if mine is not None:
            block.put(mine, some)
        return said

    def to_bytes(self) -> bytes:
        """A checkpoint of all rows: `from_bytes` goes on bit by bit as this engine would."""
        free = np.array(self._free, dtype="<i8").tobytes()
        parts = [block.to_bytes() for block in self._blocks]
        head = _HEAD.pack(_MAGIC, self._counters, self._used)
        return head + b"".join(_LENGTH.pack(len(part)) + part for part in [free, *parts])

    @classmethod
    def from_bytes(cls, blob: bytes, pace: Pace | None = None) -> "Engine":
        """An engine from a checkpoint, to go on at the same pace. Raises ValueError for bytes that are none."""
        parts: list[bytes] = []
        at = _HEAD.size
        while at + _LENGTH.size <= len(blob):
            (length,) = _LENGTH.unpack_from(blob, at)
            at += _LENGTH.size + length
            parts.append(blob[at - length : at])
        if not parts or at != len(blob) or not blob.startswith(_MAGIC):
            raise ValueError("these bytes are no whole checkpoint of the engine")
        _, counters, used = _HEAD.unpack_from(blob)
        engine = cls(pace, counters=bool(counters))
        engine._blocks = [Rows.from_bytes(part) for part in parts[1:]]
        engine._used = used
        engine._free = np.frombuffer(parts[0], dtype="<i8").tolist()
        if used > sum(map(len, engine._blocks)):
            raise ValueError("the checkpoint has fewer rows than it says")
        return engine

    def _reserve(self, wanted: int) -> None:
        while sum(map(len, self._blocks)) < wanted:
            if not self._blocks or len(self._blocks[-1]) == ROWS:
                self._blocks.append(Rows.empty(_FIRST))
            else:
                size = min(max(2 * len(self._blocks[-1]), wanted - ROWS * (len(self._blocks) - 1)), ROWS)
                self._blocks[-1] = self._blocks[-1].grown(size)

    def _check(self, rows: Places) -> None:
        if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < self._used:
            raise ValueError(f"there are rows 0 to {self._used - 1} only")
        ordered = np.sort(rows)
        if bool(np.any(ordered[1:] == ordered[:-1])):
            raise ValueError("a row comes twice in one tick")

    def _parts(self, rows: Places | None) -> list[tuple[int, Places | None, Places | slice]]:
        """(block, places in it or None for all its first ones, where these are among the given)."""
        if rows is None:
            starts = range(0, self._used, ROWS)
            return [(at // ROWS, None, slice(at, min(at + ROWS, self._used))) for at in starts]
        numbers = rows // ROWS
        found: list[tuple[int, Places | None, Places | slice]] = []
        for number in sorted(set(numbers.tolist())):
            here = np.flatnonzero(numbers == number)
            found.append((number, rows[here] % ROWS, here))
        return found


def advance(
    rows: Rows, times: Millis, values: Floats, pace: Pace, *, counters: bool = False, explain: bool = False
) -> Judged:
    """What is said of readings [N] that were admitted, one for each row, and the rows after them."""
    pace_kept(rows, times)
    if counters:
        return _of_counters(rows, times, values, pace, explain=explain)
    reading = relative(rows, values)
    return _learnt(rows, times, reading, pace, rows.origin if explain else None)


def _of_counters(rows: Rows, times: Millis, totals: Floats, pace: Pace, *, explain: bool) -> Judged:
    rate = counted(rows, times, totals)
    judged = Judged.nothing(len(rate), explain=explain)
    known = np.flatnonzero(~np.isnan(rate))
    some = rows.take(known)
    if len(known):
        origin = np.zeros(len(known)) if explain else None
        judged.put(known, _learnt(some, times[known], bounded(rate[known]), pace, origin))
        rows.put(known, some)
    rows.newest[:] = times
    return judged


def _learnt(rows: Rows, times: Millis, reading: Singles, pace: Pace, origin: Floats | None) -> Judged:
    """What is said of readings relative to their origin [N]; that is given where it is wanted to be explained."""
    now = moment(rows, times, pace)
    turn_of_half_day(rows, now, pace)
    error = unexpected(rows, reading, now, pace)
    shown = channels(rows, error)
    score = surprise(rows, shown, now, pace)
    remember(rows, shown, now, pace)
    news = fresh(rows, score, now)
    judged = Judged.nothing(len(news), explain=origin is not None)
    if origin is not None:
        old = np.flatnonzero(rows.age > 0)
        judged.raw[:] = chance(score)
        judged.expected[old] = (origin + (reading - error))[old]
        judged.spread[old] = rows.scale[old]
    follow(rows, error, now, pace)
    rows.newest[:] = times
    rows.age += np.uint32(1)
    judged.score[:] = chance(news)
    odd = np.flatnonzero(judged.score >= RARITY_FROM)
    if len(odd):
        judged.rarity[odd] = rarity(rows.seen[:, odd], news[odd])
    return judged
