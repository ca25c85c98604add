"""The engine: rows for series, and a tick that scores one reading of each."""

import struct
from collections.abc import Iterator

import numpy as np

from detectors.engine.block import Block, Room
from detectors.engine.judged import Explained, Judged, Said, judged
from detectors.engine.pace import Floats, Millis, Pace
from detectors.engine.rows import ROWS, Places, Rows
from detectors.engine.stages import Pending, Way, settled
from detectors.engine.stretch import stretch

_FIRST = 64  # rows to begin with; doubled up to a whole block
_HEAD = struct.Struct("<4sBBI")
_MAGIC = b"TWE1"
_AT_ONCE = 16  # blocks whose readings are assessed together
_LENGTH = struct.Struct("<Q")


class Engine:
    """Series as rows.

    With `counters`, readings are totals that grow, and their rates are what is judged. With `further`, seven more
    channels are judged: better scores, for 120 bytes more a series and 16 times the work.
    """

    def __init__(self, pace: Pace | None = None, *, counters: bool = False, further: bool = False) -> None:
        self._further = further
        self._way = Way(pace=pace or Pace(), counters=counters)
        self._room = Room()
        self._blocks: list[Block] = []
        self._used = 0
        self._free: list[int] = []

    def __len__(self) -> int:
        """How many rows are there, those that are free again too."""
        return self._used

    @property
    def bytes_a_row(self) -> int:
        """What a series costs."""
        return Rows.empty(1, further=self._further).bytes_a_row

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
            self._blocks[row // ROWS].rows.clear(np.array([row % ROWS]))
        self._free.extend(gone)

    def tick(self, times: Millis | int, values: Floats, rows: Places | None = None, *, explain: bool = False) -> Judged:
        """Score one reading for each of some rows, or of all rows in order, and learn from it.

        With `explain`, what was expected is said too; scores are the same with and without.
        `times` in epoch milliseconds, one for all or [N]; `values` [N] in the series' unit, NaN where there is none.
        Raises ValueError for arrays of other lengths, or a row that is not there or comes twice.
        """
        if rows is not None:
            self._check(rows)
            if len(rows) == self._used and bool(np.all(rows[1:] > rows[:-1])):
                rows = None  # all of them, in order
        size = self._used if rows is None else len(rows)
        if len(values) != size or (not isinstance(times, int) and len(times) != size):
            raise ValueError(f"{size} rows need as many values and times")
        explained = Explained.nothing(size) if explain else None
        with np.errstate(over="ignore", invalid="ignore"):
            said = self._all(times, values, explained) if rows is None else self._some(times, values, rows, explained)
        return judged(size, said, explained)

    def _all(self, times: Millis | int, values: Floats, explained: Explained | None) -> list[Said]:
        said: list[Said] = []
        pending: list[Pending] = []
        for number, block in enumerate(self._blocks):
            first = number * ROWS
            here = slice(first, min(first + ROWS, self._used))
            if isinstance(times, int) and explained is None:
                parts = block.together(times, values[here], self._way, self._room)
                if parts is not None:
                    parts[0].first = first
                    pending.append(parts[0])
                    said.append(parts[1].among(first))
                    if len(pending) == _AT_ONCE:
                        said += settled(pending, self._way.pace)
                        pending.clear()
                    continue
            at = _each(times, here.stop - first) if isinstance(times, int) else times[here]
            wanted = None if explained is None else explained.at(here)
            said.append(block.first(at, values[here], self._way, wanted).among(first))
        return said + settled(pending, self._way.pace)

    def _some(self, times: Millis | int, values: Floats, rows: Places, explained: Explained | None) -> list[Said]:
        at = _each(times, len(rows)) if isinstance(times, int) else times
        said: list[Said] = []
        for number, here in self._shares(rows):
            few = None if explained is None else Explained.nothing(len(here))
            part = self._blocks[number].some(rows[here] % ROWS, at[here], values[here], self._way, few)
            said.append(part.among(here))
            if explained is not None and few is not None:
                explained.put(here, few)
        return said

    def stretch(self, rows: Places, times: Millis, values: Floats, *, explain: bool = False) -> Judged:
        """The same as one tick after the other of these rows, in order, with readings [N, T] at `times` [T]; quicker.

        The readings of what is judged are in the order of the ticks: T * N of them, one column after the other.
        Raises ValueError as `tick` does.
        """
        self._check(rows)
        if values.shape != (len(rows), len(times)):
            raise ValueError(f"{len(rows)} rows at {len(times)} times need as many values")
        explained = Explained.nothing(values.size) if explain else None
        said: list[Said] = []
        for number, here in self._shares(rows):
            block, mine = self._blocks[number].rows, rows[here] % ROWS
            places = (np.arange(len(times))[:, None] * len(rows) + here).ravel()
            few = None if explained is None else Explained.nothing(len(places))
            some = block.take(mine)
            with np.errstate(over="ignore", invalid="ignore"):
                said += [one.among(places) for one in stretch(some, times, values[here], self._way, few)]
            block.put(mine, some)
            if explained is not None and few is not None:
                explained.put(places, few)
        return judged(values.size, said, explained)

    def to_bytes(self) -> bytes:
        """A checkpoint of all rows: `from_bytes` goes on bit by bit as this engine would."""
        free = np.array(self._free, dtype="<i8").tobytes()
        parts = [block.to_bytes() for block in self._blocks]
        head = _HEAD.pack(_MAGIC, self._way.counters, self._further, self._used)
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
        _, counters, further, used = _HEAD.unpack_from(blob)
        engine = cls(pace, counters=bool(counters), further=bool(further))
        engine._blocks = [Block(Rows.from_bytes(part)) for part in parts[1:]]
        engine._used = used
        engine._free = np.frombuffer(parts[0], dtype="<i8").tolist()
        if used > sum(map(len, engine._blocks)):
            raise ValueError("the checkpoint has fewer rows than it says")
        return engine

    def _reserve(self, wanted: int) -> None:
        while sum(map(len, self._blocks)) < wanted:
            if not self._blocks or len(self._blocks[-1]) == ROWS:
                self._blocks.append(Block(Rows.empty(_FIRST, further=self._further)))
            else:
                size = min(max(2 * len(self._blocks[-1]), wanted - ROWS * (len(self._blocks) - 1)), ROWS)
                self._blocks[-1].grow(size)

    def _shares(self, rows: Places) -> Iterator[tuple[int, Places]]:
        """The blocks that these rows are in, each with the places of its rows among them."""
        numbers = rows // ROWS
        touched: set[int] = set(numbers.tolist())  # np.unique would import numpy.ma: 4 MB in an idle daemon
        for number in sorted(touched):
            yield number, np.flatnonzero(numbers == number)

    def _check(self, rows: Places) -> None:
        if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < self._used:
            raise ValueError(f"there are rows 0 to {self._used - 1} only")
        ordered = np.sort(rows)
        if bool(np.any(ordered[1:] == ordered[:-1])):
            raise ValueError("a row comes twice in one tick")


def _each(time: int, size: int) -> Millis:
    return np.full(size, time, dtype=np.int64)
