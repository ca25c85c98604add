"""Readings from CSV files: the first column `timestamp`, one column a series, empty cells missing."""

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np

from cases.errors import PermanentError
from cases.telemetry import Floats, Millis

TIMESTAMP = "timestamp"
MOST_BYTES = 512 * 2**20
_LATEST_S = 1e11  # the year 5138
_LONGEST_S = 20 * 365.25 * 86_400
MOST_SLOTS = 200_000_000  # readings of the file, if it had one in each five minutes of its stretch
_SLOT_S = 300
_MISSING = frozenset({"", "nan", "null", "none", "na", "n/a"})
csv.field_size_limit(1 << 20)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """One file: `name` is its stem; times int64 epoch milliseconds [T], ascending; values float64 [S, T]."""

    name: str
    columns: tuple[str, ...]
    times: Millis
    values: Floats


def read_table(path: Path) -> Table:
    """Read one file. Raises PermanentError with its line, and column where there is one."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise PermanentError(f"{path} has {size >> 20} MiB, more than {MOST_BYTES >> 20}: split it by time")
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read(path, file)
    except OSError as error:
        raise PermanentError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PermanentError(f"{path} is not text in UTF-8; is it a CSV file?") from None
    except csv.Error as error:
        raise PermanentError(f"{path} is not CSV: {error}") from None


def _read(path: Path, file: TextIO) -> Table:
    rows = csv.reader(file)
    columns = _header(path, next(rows, None))
    times, cells = array("d"), array("d")
    reader = _Rows(path, columns)
    for row in rows:
        if row:
            times.append(reader.time(rows.line_num, row))
            cells.extend(reader.values(rows.line_num, row))
    if not times:
        raise PermanentError(f"{path}:1: a header and no readings below it")
    _check_stretch(path, times[-1] - times[0], len(columns))
    values = np.frombuffer(cells, dtype=np.float64).reshape(len(times), len(columns)).T
    values = np.where(np.isfinite(values), values, np.nan)  # an infinity is no reading, as everywhere
    at = np.round(np.frombuffer(times, dtype=np.float64) * 1000).astype(np.int64)
    return Table(name=path.stem, columns=columns, times=at, values=values)


def _check_stretch(path: Path, seconds: float, columns: int) -> None:
    """One wrong time makes a stretch of centuries, which no memory holds a grid of."""
    if seconds > _LONGEST_S:
        years = seconds / (365.25 * 86_400)
        raise PermanentError(f"{path} spans {years:.0f} years, from its first line to its last: is one time wrong?")
    if seconds / _SLOT_S * columns > MOST_SLOTS:
        days = seconds / 86_400
        raise PermanentError(f"{path} has {columns} columns over {days:.0f} days: split it by columns or by time")


def _header(path: Path, row: Sequence[str] | None) -> tuple[str, ...]:
    if not row:
        raise PermanentError(f"{path} is empty; its first line names the columns: {TIMESTAMP},<series>,…")
    first, *columns = (cell.strip() for cell in row)
    if first.lower() != TIMESTAMP:
        raise PermanentError(f"{path}:1: the first column is called {first[:40]!r}; it must be {TIMESTAMP!r}")
    if not columns:
        raise PermanentError(f"{path}:1: there is no column beside {TIMESTAMP!r}: no series to look at")
    for place, name in enumerate(columns, start=2):
        if not name:
            raise PermanentError(f"{path}:1: column {place} has no name")
        if name in columns[: place - 2]:
            raise PermanentError(f"{path}:1: column {place} is the second that is called {name[:40]!r}")
    return tuple(columns)


class _Rows:
    """Checks rows: each as long as the header, each later than the one before, all with a zone or all without."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._columns = columns
        self._before = -math.inf
        self._form = ""

    def time(self, line: int, row: Sequence[str]) -> float:
        """Epoch seconds."""
        text = row[0].strip()
        form, seconds = self._understood(line, text)
        if self._form and form != self._form:
            raise self._wrong(line, TIMESTAMP, f"{text[:40]!r} is a time {form}; the lines before it are {self._form}")
        self._form = form
        if seconds == self._before:
            raise self._wrong(line, TIMESTAMP, f"{text[:40]!r} is there twice; each time may have one line")
        if seconds < self._before:
            raise self._wrong(line, TIMESTAMP, f"{text[:40]!r} is before the line above it; sort the file by time")
        self._before = seconds
        return seconds

    def _understood(self, line: int, text: str) -> tuple[str, float]:
        """(which form, epoch seconds)."""
        try:
            seconds = float(text)
        except ValueError:
            return self._iso(line, text)
        if not math.isfinite(seconds) or not 0 <= seconds <= _LATEST_S:
            raise self._wrong(
                line, TIMESTAMP, f"{text[:40]!r} is no number of seconds since 1970; are they milliseconds?"
            )
        return "in epoch seconds", seconds

    def _iso(self, line: int, text: str) -> tuple[str, float]:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            what = f"{text[:40]!r} is no time; write 2026-01-02T03:04:05Z, or seconds since 1970"
            raise self._wrong(line, TIMESTAMP, what) from None
        form = "without a zone" if at.tzinfo is None else "with a zone"
        seconds = (at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp()  # said by no zone at all: UTC
        if not 0 <= seconds <= _LATEST_S:
            raise self._wrong(line, TIMESTAMP, f"{text[:40]!r} is before 1970, or in no year of ours")
        return form, seconds

    def values(self, line: int, row: Sequence[str]) -> Iterator[float]:
        """The readings of a row; NaN where there is none."""
        if len(row) != len(self._columns) + 1:
            raise PermanentError(
                f"{self._path}:{line}: {len(row)} cells where the header has {len(self._columns) + 1} columns"
            )
        for name, cell in zip(self._columns, row[1:], strict=True):
            try:
                yield float(cell)
            except ValueError:
                if cell.strip().lower() not in _MISSING:
                    what = f"{cell[:40]!r} is not a number; leave it empty where a reading is missing"
                    raise self._wrong(line, name, what) from None
                yield math.nan

    def _wrong(self, line: int, column: str, what: str) -> PermanentError:
        return PermanentError(f"{self._path}:{line}: column {column[:40]!r}: {what}")
