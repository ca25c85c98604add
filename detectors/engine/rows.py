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
FURTHER = 7
"""Channels beside them, for series that can afford 120 bytes more each."""
BINS = 40
LEVELS = 16

_BY_ROW = {"held", "seen"}  # columns that lie in memory row by row
Singles = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

_MAGIC = b"TWE3"
_HEAD = struct.Struct("<4sII")
_MORE = 5
SILENT = np.float32(-69.0)
"""The same of a score that is not there."""
LEAST_RECORD = np.float32(-50.0)
"""Of a constant: its nothing is no news, however long it was the most."""
LONG_AGO = -(2**62)
"""The newest time of a row without a reading."""
FLOOR = np.float32(-0.425)
"""The natural log of the odds over which a score is said, from 0.4 on. What is below it is hardly reckoned."""


@dataclass(slots=True, eq=False)
class Standing:
    """What a reading that may be news is held against. Rows [N] of their own, or those of `Rows`; see there."""

    held: Singles
    bounds: Singles

    @property
    def channels(self) -> int:
        """How many there are, C."""
        return len(self.held) // 3 - 1

    @property
    def records(self) -> Singles:
        """[C, N] See `Rows`, as all of these."""
        return self.held[: self.channels]

    @property
    def typical(self) -> Singles:
        """[C, N]."""
        return self.held[self.channels : 2 * self.channels]

    @property
    def wide(self) -> Singles:
        """[C, N]."""
        return self.held[2 * self.channels : -3]

    @property
    def current(self) -> Singles:
        """[N]."""
        current: Singles = self.held[-3]
        return current

    @property
    def previous(self) -> Singles:
        """[N]."""
        previous: Singles = self.held[-2]
        return previous

    @property
    def days(self) -> Singles:
        """[N]."""
        days: Singles = self.held[-1]
        return days


@dataclass(slots=True, kw_only=True, eq=False)
class Rows:
    """Columns of N rows; where there are two axes, the second one is the row. 316 bytes a row.

    C is 3, or 10 with the further channels; then a row has 436 bytes.

    newest      epoch milliseconds of the newest reading, long ago where there is none
    origin      the first reading, in the series' unit: all levels are relative to it; of a counter its last reading
    age         readings so far
    step        milliseconds from one reading to the next
    fast, slow  levels without the season; scale: mean absolute distance from the slow one, in the series' unit
    spread, lasting  mean absolute distance from the fast level: over an hour or so, and over the slow half-life
    gain        how much better the forecast with the time of day has been than is needed, in the series' unit
    gate        1 where the time of day is used, else 0
    today       [C, N] the most that each channel has shown in the half day that is going on
    bounds      [C, N] what each channel may show at most without a record, or a score that would be news; [0, N] with
                the further channels
    more        [5, N] with the further channels, else [0, N]: see the properties of these rows
    held        [3 C + 3, N] in memory one row after the other, for these are wanted for few rows at a time:
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
    more: Singles
    held: Singles
    season: Singles
    seen: npt.NDArray[np.uint16]

    @classmethod
    def empty(cls, size: int, *, further: bool = False) -> Self:
        """So many rows that no series has used."""
        count = CHANNELS + FURTHER * further

        def singles() -> Singles:
            return np.zeros(size, dtype=np.float32)

        def columns(many: int) -> Singles:
            return np.zeros((many, size), dtype=np.float32)

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
            today=columns(count),
            bounds=columns(0 if further else CHANNELS),
            more=columns(_MORE * further),
            held=np.zeros((size, 3 * count + 3), dtype=np.float32).T,
            season=np.zeros((BINS, size), dtype=np.float32),
            seen=np.zeros((size, LEVELS), dtype=np.uint16).T,
        )
        rows.clear(np.arange(size))
        return rows

    def __len__(self) -> int:
        return len(self.newest)

    @property
    def further(self) -> bool:
        """Whether they have the further channels."""
        return len(self.more) > 0

    @property
    def long(self) -> Singles:
        """[N] A level of six hours, relative to the origin; with the further channels, as all of these."""
        long: Singles = self.more[0]
        return long

    @property
    def daily(self) -> Singles:
        """[N] A level of a day."""
        daily: Singles = self.more[1]
        return daily

    @property
    def above(self) -> Singles:
        """[N] Cumulative sum of errors in deviations, upwards."""
        above: Singles = self.more[2]
        return above

    @property
    def below(self) -> Singles:
        """[N] The same downwards."""
        below: Singles = self.more[3]
        return below

    @property
    def run(self) -> Singles:
        """[N] Readings on one side so far: positive above what was expected, negative below."""
        run: Singles = self.more[4]
        return run

    @property
    def bytes_a_row(self) -> int:
        """What a series costs."""
        return sum(column.dtype.itemsize * (len(column) if column.ndim > 1 else 1) for _, column in self.columns())

    def clear(self, places: Places) -> None:
        """Forget the series at these places; the rows may be given to others."""
        for _, column in self.columns():
            column[..., places] = 0
        self.newest[places] = LONG_AGO
        self.held[: len(self.today), places] = LEAST_RECORD
        self.held[-3:-1, places] = FLOOR

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
        return Standing(held, np.empty((len(self.bounds), len(places)), dtype=np.float32))

    def put_standing(self, places: Places | slice, some: Standing) -> None:
        """Put it back when it has changed."""
        self.held.T[places] = some.held.T
        self.bounds[:, places] = some.bounds

    def grown(self, size: int) -> "Rows":
        """The same rows and empty ones after them, `size` in all."""
        more = Rows.empty(size, further=self.further)
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
        known = {cls.empty(1, further=further).bytes_a_row: further for further in (False, True)}
        if magic != _MAGIC or each not in known:
            raise ValueError("the checkpoint is of another version of the engine")
        rows = cls.empty(size, further=known[each])
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
