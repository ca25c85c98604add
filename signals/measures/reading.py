"""One query of exposures or of events, read stretch by stretch as columns.

This module imports SQLAlchemy (see `signals.sql.database`): import it where measures are built.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cases.errors import PermanentError
from cases.moments import EPOCH
from signals.measures.columns import (
    FLAG,
    TIME,
    UNIT,
    VALUE,
    VARIANT,
    Column,
    Floats,
    Micros,
    Unusable,
    microseconds,
    names,
    numbers,
    places,
    traits,
)  # fmt: skip
from signals.sql.database import Database, Question

STRANGER = 255
"""The number of a variant that the experiment does not know."""
BETWEEN = "\x1f"
"""What stands between two properties of a user where they are kept: the unit separator, which no property has."""

_PART = 50_000  # rows of Python's own at a time: some 20 MB
_NUMBERS = ("INT", "UINT", "BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "SMALLINT", "USMALLINT", "TINYINT", "UTINYINT",
            "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")  # fmt: skip
_TIMES = ("TIMESTAMP", "DATE")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Some rows, each column of one length.

    units     text, or pseudonyms (uint64) where the database made them
    seen      microseconds since 1970
    variants  the number of each row's variant, STRANGER for another one; of exposures
    traits    the properties that are asked for, with BETWEEN between them; of exposures
    values    of events, [0] the value and [1] the base, where there is one; never NaN
    """

    units: npt.NDArray[Any]
    seen: Micros
    variants: npt.NDArray[np.uint8] | None = None
    traits: npt.NDArray[Any] | None = None
    values: tuple[Floats, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """What is wanted of a query of exposures."""

    flag: str
    variants: tuple[str, ...]
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What is wanted of a query of events: the columns of numbers, none for a share."""

    numbers: tuple[str, ...]


_Columns: TypeAlias = Mapping[str, Column]


@dataclass(slots=True, kw_only=True)
class Reading:
    """A query of the operator's. `what` is what messages call it, `source` the database's name.

    strangers  names of variants that were met and that the experiment does not know, a few
    """

    what: str
    source: str
    database: Database
    query: str
    wanted: Exposures | Events
    strangers: set[str] = field(default_factory=set[str])
    _fast: str | None = None  # the query that a database of columns is asked; "" where it cannot be

    def between(self, start: datetime, end: datetime, key: str) -> Generator[Rows]:
        """The rows of a stretch whose unit is known and whose numbers are finite; what lies outside it is left out.

        key  what pseudonyms are made with, where the database makes them
        Raises SourceDown (TooMuch where a shorter stretch may help), PermanentError.
        """
        try:
            for columns in self._columns(start, end, key):
                yield self._rows(columns, _micros(start), _micros(end))
        except Unusable as error:
            raise PermanentError(f"{self.source}: the query of {self.what} cannot be used: {error}") from None

    def _columns(self, start: datetime, end: datetime, key: str) -> Generator[_Columns]:
        flag = {FLAG: self.wanted.flag} if isinstance(self.wanted, Exposures) else {}
        question = Question(f"{self.source}: {self.what}", self.query, flag)
        if self.database.gives_arrays:
            if self._fast is None:
                self._fast = self._faster(question, start, end)
            if self._fast:
                keyed = Question(self.source, self._fast, {**flag, "pseudonym_key": key})
                yield self.database.arrays(keyed, start, end)
                return
        where: dict[str, int] | None = None
        for part in self.database.parts(question, start, end, _PART):
            where = where or places(part.columns, self._needed(), self._properties())
            if part.rows:
                columns: Sequence[Sequence[object]] = list(zip(*part.rows, strict=True))
                yield {name: columns[place] for name, place in where.items()}

    def _needed(self) -> tuple[str, ...]:
        wanted = self.wanted
        return (UNIT, TIME, VARIANT) if isinstance(wanted, Exposures) else (UNIT, TIME, *wanted.numbers)

    def _properties(self) -> tuple[str, ...]:
        return self.wanted.properties if isinstance(self.wanted, Exposures) else ()

    def _faster(self, question: Question, start: datetime, end: datetime) -> str | None:
        """The same query, with pseudonyms, times and numbers made where the rows lie; "" where they are not made so.

        None while there is no row to tell by. The query itself is asked first: it has to be one SELECT.
        """
        parts = self.database.parts(question, start, end, 1)
        first = next(parts)
        where = places(first.columns, self._needed(), self._properties())
        some = next(parts, None)
        parts.close()
        if some is None:
            return None
        # Columns are given by place, whatever letters they are written in, and however often.
        listed = ", ".join(f"c{place}" for place in range(len(first.columns)))
        asked = f"(\n{question.text}\n) AS asked({listed})"
        given = question.given
        typed = {name: f"c{place}" for name, place in where.items()}
        kinds = self.database.parts(
            # The query is the operator's own, and is only ever read.
            Question(self.source, f"SELECT {', '.join(f'typeof({c})' for c in typed.values())} FROM {asked} LIMIT 1", given),  # noqa: S608, E501
            start, end, 1,
        )  # fmt: skip
        found = dict(zip(typed, next(part.rows[0] for part in kinds if part.rows), strict=True))
        kinds.close()
        if not _native(found):
            return ""
        chosen = {name: _expression(name, column) for name, column in typed.items() if name != FLAG}
        told = ", ".join(f"{expression} AS x{place}" for place, expression in enumerate(chosen.values()))
        mine = f" AND CAST({typed[FLAG]} AS VARCHAR) = :flag" if FLAG in typed and given else ""
        return f"SELECT {told} FROM {asked} WHERE {typed[UNIT]} IS NOT NULL{mine}"  # noqa: S608 - as above

    def _rows(self, columns: _Columns, low: int, high: int) -> Rows:
        wanted = self.wanted
        if self._fast:  # the columns in the order of `_faster`
            columns = dict(zip((*self._needed(), *self._properties()), columns.values(), strict=True))
        times = columns[TIME]
        seen = times if isinstance(times, np.ndarray) and times.dtype == np.int64 else microseconds(times)
        units = columns[UNIT]
        if not isinstance(units, np.ndarray):
            units = np.array(_units(units), dtype=object)
        mine = (seen >= low) & (seen < high)
        if units.dtype == object:
            mine &= np.array([unit is not None for unit in units], dtype=bool)
        if isinstance(wanted, Exposures):
            if FLAG in columns:
                flags = np.array(names(columns[FLAG], FLAG), dtype=object)
                mine &= (flags == wanted.flag).astype(bool)
            shown = np.array(self._traits(columns), dtype=object)
            variants = self._variants(wanted, names(columns[VARIANT], VARIANT), mine)
            return Rows(units=units[mine], seen=seen[mine], variants=variants[mine], traits=shown[mine])
        values = tuple(numbers(columns[name], name) for name in wanted.numbers)
        for column in values:
            mine &= np.isfinite(column)
        return Rows(units=units[mine], seen=seen[mine], values=tuple(column[mine] for column in values))

    def _variants(self, wanted: Exposures, told: list[str], mine: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        numbered = {name: place for place, name in enumerate(wanted.variants)}
        met = {name for name, counts in zip(told, mine, strict=True) if counts} - numbered.keys()
        self.strangers |= set(sorted(met)[: max(0, 8 - len(self.strangers))])
        return np.array([numbered.get(name, STRANGER) for name in told], dtype=np.uint8)

    def _traits(self, columns: _Columns) -> list[str]:
        properties = self._properties()
        if not properties:
            return [""] * len(columns[VARIANT])
        rows = traits({name: columns[name] for name in properties})
        return [BETWEEN.join(text.replace(BETWEEN, " ") for text in row) for row in rows]


def _units(column: Column) -> list[str | None]:
    told = names(column, UNIT)
    return [None if value is None else text for value, text in zip(column, told, strict=True)]


def _native(found: Mapping[str, object]) -> bool:
    """Whether the database's own conversions are ours: text for units, and times and numbers by their types."""
    times = str(found[TIME]).startswith(_TIMES)
    plain = all(str(kind).startswith(_NUMBERS) for name, kind in found.items() if name in {VALUE, "base"})
    units = str(found[UNIT]).startswith(("VARCHAR", *_NUMBERS[:10], "UUID"))
    return times and plain and units


def _expression(name: str, column: str) -> str:
    match name:
        case "unit":
            return PSEUDONYM.replace("?", ":pseudonym_key").replace("unit", column)
        case "time":
            return f"epoch_us(CAST({column} AS TIMESTAMPTZ))"
        case "value" | "base":
            return f"CAST({column} AS DOUBLE)"
        case _:
            return f"CAST({column} AS VARCHAR)"


PSEUDONYM = "md5_number_lower(? || CAST(unit AS VARCHAR))"
"""64 bits of a keyed hash, in DuckDB's words: two of ten million users share one with a chance of 3 in a million."""


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)
