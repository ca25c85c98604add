"""Rows: what is kept of up to 16,384 series, as columns, one row a series.

Everything that the engine knows of a series is here and nothing else is, so a checkpoint is these columns as bytes, and
a row that a series has left is cleared and given to the next.
"""

import struct
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

ROWS = 16_384
"""Rows scored at a time: what is reckoned of them stays in the processor's cache."""

CHANNELS = 3
BINS = 40
LEVELS = 16
HELD = 3 * CHANNELS + 3

_BY_ROW = {"held", "seen"}  # columns that lie in memory row by row
Singles = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

_MAGIC = b"TWE2"
_HEAD = struct.Struct("<4sII")
SILENT = np.float32(-69.0)
"""The same of a score that is not there."""
LEAST_RECORD = np.float32(-50.0)
"""Of a constant: its nothing is no news, however long it was the most."""
LONG_AGO = -(2**62)
"""The newest time of a row without a reading."""
FLOOR = np.float32(-0.4)
"""The natural log of the odds from which a score is said, 0.4. What is below it is not even reckoned."""


@dataclass(slots=True, eq=False)
class Standing:
    """What a reading that may be news is held against. Rows [N] of their own, or those of `Rows`; see there."""

    held: Singles
    bounds: Singles

    @property
    def records(self) -> Singles:
        """[C, N] See `Rows`, as all of these."""
        return self.held[0:3]

    @property
    def typical(self) -> Singles:
        """[C, N]."""
        return self.held[3:6]

    @property
    def wide(self) -> Singles:
        """[C, N]."""
        return self.held[6:9]

    @property
    def current(self) -> Singles:
        """[N]."""
        current: Singles = self.held[9]
        return current

    @property
    def previous(self) -> Singles:
        """[N]."""
        previous: Singles = self.held[10]
        return previous

    @property
    def days(self) -> Singles:
        """[N]."""
        days: Singles = self.held[11]
        return days


@dataclass(slots=True, kw_only=True, eq=False)
class Rows:
    """Columns of N rows; where there are two axes, the second one is the row. 316 bytes a row.

    newest      epoch milliseconds of the newest reading, long ago where there is none
    origin      the first reading, in the series' unit: all levels are relative to it; of a counter its last reading
    age         readings so far
    step        milliseconds from one reading to the next
    fast, slow  levels without the season; scale: mean absolute distance from the slow one, in the series' unit
    spread, lasting  mean absolute distance from the fast level: over an hour or so, and over the slow half-life
    gain        how much better the forecast with the time of day has been than is needed, in the series' unit
    gate        1 where the time of day is used, else 0
    today       [C, N] the most that each channel has shown in the half day that is going on
    bounds      [C, N] what each channel may show at most without a record, or a score that would be news
    held        [12, N] in memory one row after the other, for these are wanted for few rows at a time:
                records [C], the natural log of the most that each channel has shown, decayed;
                typical and wide [C], the natural log of a typical half day's maximum, and how much they differ;
                current and previous, the greatest score of this and of the last span of de-duplication, natural log of
                its odds; days, half days so far with a maximum
    season      [B, N] offset by time of day, in the series' unit
    seen        [16, N], likewise: how often a span's greatest score fell into each level, decayed; in 32nds
    """

    newest: npt.NDArray[np.int64]
    origin: npt.NDArray[np.float64]
    age: npt.NDArray[np.uint32]
    step: Singles
    fast: Singles
    slow: Singles
    scale: Singles
    spread: Singles
    lasting: Singles
    gain: Singles
    gate: Singles
    today: Singles
    bounds: Singles
    held: Singles
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
            step=singles(),
            fast=singles(),
            slow=singles(),
            scale=singles(),
            spread=singles(),
            lasting=singles(),
            gain=singles(),
            gate=singles(),
            today=channels(),
            bounds=channels(),
            held=np.zeros((size, HELD), dtype=np.float32).T,
            season=np.zeros((BINS, size), dtype=np.float32),
            seen=np.zeros((size, LEVELS), dtype=np.uint16).T,
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
        self.held[0:CHANNELS, places] = LEAST_RECORD
        self.held[9:11, places] = FLOOR

    def first(self, size: int) -> "Rows":
        """The first rows, as views: what is done to them is done here."""
        if size == len(self):
            return self
        return Rows(**{name: column[..., :size] for name, column in self.columns()})

    def take(self, places: Places) -> "Rows":
        """A copy of some rows. Change it and `put` it back."""
        return Rows(
            **{
                name: np.take(column.T, places, axis=0).T if name in _BY_ROW else np.take(column, places, axis=-1)
                for name, column in self.columns()
            }
        )

    def put(self, places: Places, some: "Rows") -> None:
        """Put rows that were taken back to their places."""
        for (_, mine), (_, theirs) in zip(self.columns(), some.columns(), strict=True):
            mine[..., places] = theirs

    def standing(self) -> Standing:
        """What all rows' readings are held against, as a copy that is quick to reckon with."""
        return Standing(np.ascontiguousarray(self.held), self.bounds)

    def standing_of(self, places: Places) -> Standing:
        """The same of some rows, with bounds still to be reckoned."""
        held = np.ascontiguousarray(np.take(self.held.T, places, axis=0).T)
        return Standing(held, np.empty((CHANNELS, len(places)), dtype=np.float32))

    def put_standing(self, places: Places | slice, some: Standing) -> None:
        """Put it back when it has changed."""
        self.held.T[places] = some.held.T
        self.bounds[:, places] = some.bounds

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
            for column in self.lasting_columns()
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
        wanted = sum(column.nbytes for column in rows.lasting_columns())
        if len(blob) != _HEAD.size + wanted:
            raise ValueError(f"the checkpoint has {len(blob) - _HEAD.size} bytes where {wanted} belong")
        at = _HEAD.size
        for column in rows.lasting_columns():
            raw = np.frombuffer(blob, dtype=column.dtype.newbyteorder("<"), count=column.size, offset=at)
            column[...] = raw.reshape(column.shape)
            at += column.nbytes
        return rows

    def columns(self) -> list[tuple[str, Any]]:
        """All columns with their names, always in the same order."""
        return [(name, getattr(self, name)) for name in self.__slots__]

    def lasting_columns(self) -> list[Any]:
        """The columns of a checkpoint. Bounds are none of it: what is said does not depend on them."""
        return [column for name, column in self.columns() if name != "bounds"]
