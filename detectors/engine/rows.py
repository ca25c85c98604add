"""Rows: what is kept of up to 8,192 series, as columns, one row a series.

Everything that the engine knows of a series is here and nothing else is, so a checkpoint is these columns as bytes, and
a row that a series has left is cleared and given to the next.
"""

import struct
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

ROWS = 8_192
"""Rows scored at a time: their columns stay in the processor's cache."""

CHANNELS = 3
BINS = 40
LEVELS = 16

Singles = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

_MAGIC = b"TWE1"
_HEAD = struct.Struct("<4sII")
LONG_AGO = -(2**62)
"""The newest time of a row without a reading."""
NOTHING = np.float32(-69.0)
"""The natural log of as good as nothing."""


@dataclass(slots=True, kw_only=True, eq=False)
class Rows:
    """Columns of N rows; where there are two axes, the second one is the row. 302 bytes a row.

    newest      epoch milliseconds of the newest reading, long ago where there is none
    origin      the first reading, in the series' unit: all levels are relative to it; of a counter its last reading
    age         readings so far; days: half days so far with a maximum
    step        milliseconds from one reading to the next
    fast, slow  levels without the season; scale: mean absolute distance from the slow one, in the series' unit
    spread, lasting         mean absolute distance from the fast level: over an hour or so, and over the slow half-life
    with_season, without    running errors of the forecast with and without the time of day
    records     [C, N] natural log of the most that each channel has shown, decayed
    typical, wide           [C, N] natural log of a typical half day's maximum, and how much they differ
    today       [C, N] the same of the half day that is going on
    current, previous       greatest score of this and of the last span of de-duplication, natural log
    season      [B, N] offset by time of day, in the series' unit
    seen        [16, N] how often a span's greatest score fell into each level, decayed; in 32nds
    """

    newest: npt.NDArray[np.int64]
    origin: npt.NDArray[np.float64]
    age: npt.NDArray[np.uint32]
    days: npt.NDArray[np.uint16]
    step: Singles
    fast: Singles
    slow: Singles
    scale: Singles
    spread: Singles
    lasting: Singles
    with_season: Singles
    without: Singles
    current: Singles
    previous: Singles
    records: Singles
    typical: Singles
    wide: Singles
    today: Singles
    season: Singles
    seen: npt.NDArray[np.uint16]

    @classmethod
    def empty(cls, size: int) -> Self:
        """So many rows that no series has used."""

        def singles() -> Singles:
            return np.zeros(size, dtype=np.float32)

        def channels() -> Singles:
            return np.zeros((CHANNELS, size), dtype=np.float32)

        rows = cls(
            newest=np.empty(size, dtype=np.int64),
            origin=np.zeros(size),
            age=np.zeros(size, dtype=np.uint32),
            days=np.zeros(size, dtype=np.uint16),
            step=singles(),
            fast=singles(),
            slow=singles(),
            scale=singles(),
            spread=singles(),
            lasting=singles(),
            with_season=singles(),
            without=singles(),
            current=singles(),
            previous=singles(),
            records=channels(),
            typical=channels(),
            wide=channels(),
            today=channels(),
            season=np.zeros((BINS, size), dtype=np.float32),
            seen=np.zeros((LEVELS, size), dtype=np.uint16),
        )
        rows.clear(np.arange(size))
        return rows

    def __len__(self) -> int:
        return len(self.newest)

    @property
    def bytes_a_row(self) -> int:
        """What a series costs."""
        return sum(column.dtype.itemsize * (len(column) if column.ndim > 1 else 1) for _, column in self.columns())

    def clear(self, places: Places) -> None:
        """Forget the series at these places; the rows may be given to others."""
        for _, column in self.columns():
            column[..., places] = 0
        self.newest[places] = LONG_AGO
        for column in (self.records, self.today):
            column[:, places] = NOTHING
        self.current[places] = self.previous[places] = NOTHING

    def first(self, size: int) -> "Rows":
        """The first rows, as views: what is done to them is done here."""
        if size == len(self):
            return self
        return Rows(**{name: column[..., :size] for name, column in self.columns()})

    def take(self, places: Places) -> "Rows":
        """A copy of some rows. Change it and `put` it back."""
        return Rows(**{name: np.ascontiguousarray(column[..., places]) for name, column in self.columns()})

    def put(self, places: Places, some: "Rows") -> None:
        """Put rows that were taken back to their places."""
        for (_, mine), (_, theirs) in zip(self.columns(), some.columns(), strict=True):
            mine[..., places] = theirs

    def grown(self, size: int) -> "Rows":
        """The same rows and empty ones after them, `size` in all."""
        more = Rows.empty(size)
        more.put(np.arange(len(self)), self)
        return more

    def to_bytes(self) -> bytes:
        """A checkpoint. `from_bytes` gives the same rows, bit by bit."""
        head = _HEAD.pack(_MAGIC, len(self), self.bytes_a_row)
        return head + b"".join(
            np.ascontiguousarray(column).astype(column.dtype.newbyteorder("<")).tobytes()
            for _, column in self.columns()
        )

    @classmethod
    def from_bytes(cls, blob: bytes) -> Self:
        """Rows from a checkpoint. Raises ValueError when it is none of this version or not whole."""
        if len(blob) < _HEAD.size:
            raise ValueError("the checkpoint is cut off before its end")
        magic, size, each = _HEAD.unpack_from(blob)
        rows = cls.empty(size if magic == _MAGIC else 0)
        if magic != _MAGIC or each != rows.bytes_a_row:
            raise ValueError("the checkpoint is of another version of the engine")
        if len(blob) != _HEAD.size + size * each:
            raise ValueError(f"the checkpoint has {len(blob) - _HEAD.size} bytes where {size * each} belong")
        at = _HEAD.size
        for _, column in rows.columns():
            raw = np.frombuffer(blob, dtype=column.dtype.newbyteorder("<"), count=column.size, offset=at)
            column[...] = raw.reshape(column.shape)
            at += column.nbytes
        return rows

    def columns(self) -> list[tuple[str, Any]]:
        """All columns with their names, always in the same order."""
        return [(name, getattr(self, name)) for name in self.__slots__]
