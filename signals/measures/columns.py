"""From the rows of a database to columns: who, when, which variant, how much. Times are as in `signals.table`."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from signals.quoting import quoted

UNIT, TIME, VARIANT, FLAG, VALUE, BASE = "unit", "time", "variant", "flag", "value", "base"
KNOWN = frozenset({UNIT, TIME, VARIANT, FLAG, VALUE, BASE})
LONGEST = 200
"""How many characters of a property are kept."""

Micros: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Column: TypeAlias = Sequence[object] | npt.NDArray[Any]

_MILLISECONDS_FROM = 1e11  # as seconds that is the year 5138, as milliseconds 1973
_LATEST = 253_402_300_799_000  # the end of the year 9999, in milliseconds
_PLAIN = frozenset({int, float, bool})
_SHOWN = 8


class Unusable(ValueError):  # noqa: N818 - a state of the answer
    """The answer is not what a measure reads; the message says what is wrong and what would be right."""


def places(columns: Sequence[str], needed: Collection[str], properties: Collection[str] = ()) -> dict[str, int]:
    """Where each column stands; ours in any case of letters. Raises Unusable where one is missing, or there twice."""
    names = [name.casefold() if name.casefold() in KNOWN else name for name in columns]
    wanted = (*needed, *properties)
    for name in wanted:
        if names.count(name) > 1:
            raise Unusable(f"it has the column {quoted(name)!r} twice; name each column once, with `AS`")
        if name not in names:
            shown = ", ".join(quoted(each) for each in names[:_SHOWN])
            raise Unusable(f"it has no column {quoted(name)!r} (there are: {shown}); name it so, with `AS`")
    if names.count(FLAG) > 1:
        raise Unusable("it has the column 'flag' twice; name each column once, with `AS`")
    return {name: names.index(name) for name in (*wanted, FLAG) if name in names}


def microseconds(column: Column) -> Micros:
    """Microseconds since 1970 of a column of times. Raises Unusable for what is no time."""
    kinds: set[type] = set(map(type, column))
    try:
        if kinds == {str}:
            column, kinds = [datetime.fromisoformat(str(text).strip()) for text in column], {datetime}
    except ValueError:
        kinds = set()  # one of them is no time: say which
    if kinds == {datetime}:
        return _exact(column)
    return np.fromiter((_moment(value) for value in column), np.int64, len(column))


def _exact(column: Iterable[Any]) -> Micros:
    moments = list(column)
    if all(at.tzinfo is None for at in moments):  # as UTC: three times as fast as giving each its zone
        return np.array(moments, dtype="datetime64[us]").astype(np.int64)
    aware = [at if at.tzinfo is not None else at.replace(tzinfo=UTC) for at in moments]
    # A double holds the seconds of our age to a quarter of a microsecond.
    return np.rint(np.array([at.timestamp() for at in aware], dtype=np.float64) * 1e6).astype(np.int64)


def _moment(value: object) -> int:
    match value:
        case datetime():
            return int(_exact([value])[0])
        case date():
            return int(_exact([datetime(value.year, value.month, value.day, tzinfo=UTC)])[0])
        case bool() | None:
            raise Unusable("it gives a row without a time; leave such rows out, as in `WHERE time IS NOT NULL`")
        case int() | float() | Decimal() | np.number():
            return _epoch(float(value))
        case str():
            try:
                return _moment(datetime.fromisoformat(value.strip()))
            except ValueError:
                said = quoted(repr(value))
                raise Unusable(f"its `time` {said} is no time; write it as in 2026-01-02 03:04:05") from None
        case _:
            raise Unusable(f"its `time` {quoted(repr(value))} is no time; cast it to a timestamp")


def _epoch(number: float) -> int:
    scaled = number if abs(number) >= _MILLISECONDS_FROM else number * 1000
    if not math.isfinite(scaled) or not 0 <= scaled <= _LATEST:
        raise Unusable(f"its `time` {number:g} is neither epoch seconds nor milliseconds; cast it to a timestamp")
    return round(scaled * 1000)


def numbers(column: Column, name: str) -> Floats:
    """A column of numbers; NULL, NaN and infinities are NaN. Raises Unusable for what is no number."""
    kinds = set(map(type, column))
    if kinds <= _PLAIN or isinstance(column, np.ndarray):
        try:
            found = np.array(column, dtype=np.float64)
        except (OverflowError, TypeError, ValueError):
            found = np.array([_number(value, name) for value in column], dtype=np.float64)
    else:
        found = np.array([_number(value, name) for value in column], dtype=np.float64)
    found[~np.isfinite(found)] = np.nan
    return found


def _number(value: object, name: str) -> float:
    match value:
        case None:
            return math.nan
        case bool() | int() | float() | Decimal():
            try:
                return float(value)
            except (OverflowError, ValueError):  # an integer beyond 1e308, a signalling NaN
                return math.nan
        case _:
            raise Unusable(f"its `{name}` {quoted(repr(value))} is not a number; cast it in the query")


def names(column: Column, what: str) -> list[str]:
    """A column as text; NULL is "". Raises Unusable for bytes."""
    return [value if type(value) is str else _text(value, what) for value in column]


def _text(value: object, what: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case bytes() | bytearray() | memoryview():
            raise Unusable(f"its `{what}` is made of bytes; cast it to text")
        case _:
            return str(value)


def traits(columns: Mapping[str, Column]) -> list[tuple[str, ...]]:
    """For each row the properties of the user, in the order of the columns."""
    return list(
        zip(*([text[:LONGEST] for text in names(column, name)] for name, column in columns.items()), strict=True)
    )
