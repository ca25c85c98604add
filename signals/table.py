"""From rows to series: which column is the time, which the value, and what a row's labels are."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal

import numpy as np

from cases.moments import iso, milliseconds
from cases.telemetry import Floats, Millis
from signals.quoting import quoted

TIME, VALUE = "time", "value"
_MILLISECONDS_FROM = 1e11  # as seconds that is the year 5138, as milliseconds 1973
_LATEST = 253_402_300_799_000  # the end of the year 9999, in milliseconds
_LONGEST_LABEL = 1_000

Labels = tuple[tuple[str, str], ...]
"""A series' labels, sorted by name."""


class Unusable(ValueError):  # noqa: N818 - a state of the answer
    """The answer is not what a watched query gives; the message says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """One series as the source has it: int64 ms [T] ascending, float64 [T]; NaN where the value was NULL."""

    times: Millis
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The columns of an answer. `time` is None where there is no such column: the values count for now."""

    time: int | None
    value: int
    labels: Mapping[str, int]  # name → place

    @classmethod
    def of(cls, columns: Sequence[str]) -> "Table":
        """Find the columns, in any case of letters. Raises Unusable when there is no value, or one twice."""
        names = [column.casefold() if column.casefold() in {TIME, VALUE} else column for column in columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise Unusable(f"it has the column {quoted(twice[0])!r} twice; name each column once, with `AS`")
        places = {name: place for place, name in enumerate(names)}
        value = places.pop(VALUE, None)
        if value is None:
            shown = ", ".join(quoted(name) for name in names[:8])
            raise Unusable(f"it has no column `value` (there are: {shown}); name the number, as in `count(*) AS value`")
        return cls(time=places.pop(TIME, None), value=value, labels=places)

    def series(self, rows: Iterable[Sequence[object]], now: datetime, zone: tzinfo = UTC) -> dict[Labels, Samples]:
        """The rows as series. Raises Unusable for a value that is no number, a time that is none, and two rows in one.

        A time that says no zone is one of `zone`. An empty label, or one that is NULL, is left out, as Prometheus does.
        """
        found: dict[Labels, dict[int, float]] = {}
        for row in rows:
            at = milliseconds(now) if self.time is None else _moment(row[self.time], zone)
            labels = tuple(sorted((name, _label(row[place])) for name, place in self.labels.items()))
            labels = tuple((name, text) for name, text in labels if text)
            samples = found.setdefault(labels, {})
            if at in samples:
                raise Unusable(f"it gives two rows {_for(at, labels, timed=self.time is not None)}; aggregate them")
            samples[at] = _number(row[self.value])
        return {labels: _samples(samples) for labels, samples in found.items()}


def _samples(samples: Mapping[int, float]) -> Samples:
    times = np.array(sorted(samples), dtype=np.int64)
    return Samples(times=times, values=np.array([samples[int(at)] for at in times], dtype=np.float64))


def _for(at: int, labels: Labels, *, timed: bool) -> str:
    named = ", ".join(f"{name}={quoted(text)}" for name, text in labels[:5])
    one = f"the labels {named}" if named else "no label"
    return f"for {iso(datetime.fromtimestamp(at / 1000, tz=UTC))} and {one}" if timed else f"for {one}"


def _number(value: object) -> float:
    """A reading: NULL, NaN and infinities are none, as with every other source."""
    match value:
        case None:
            return math.nan
        case bool() | int() | float() | Decimal():
            number = _float(value)
            return number if math.isfinite(number) else math.nan
        case _:
            raise Unusable(f"its `value` {quoted(repr(value))} is not a number; cast it in the query")


def _float(value: float | Decimal) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):  # an integer beyond 1e308, a signalling NaN
        return math.nan


def _moment(value: object, zone: tzinfo) -> int:
    """Epoch milliseconds of a time: with its zone, without (then it is `zone`), a date, text of these, or epoch."""
    match value:
        case datetime():
            return milliseconds(_aware(value, zone))
        case date():
            return milliseconds(_aware(datetime.combine(value, time()), zone))
        case bool() | None:
            raise Unusable("it gives a row without a time; leave such rows out, as in `WHERE time IS NOT NULL`")
        case int() | float() | Decimal():
            return _epoch(_float(value))
        case str():
            return _written(value, zone)
        case _:
            raise Unusable(f"its `time` {quoted(repr(value))} is no time; cast it to a timestamp")


def _aware(at: datetime, zone: tzinfo = UTC) -> datetime:
    return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)


def _epoch(number: float) -> int:
    scaled = number if abs(number) >= _MILLISECONDS_FROM else number * 1000
    if not math.isfinite(scaled) or not 0 <= scaled <= _LATEST:
        raise Unusable(f"its `time` {number:g} is neither epoch seconds nor milliseconds; cast it to a timestamp")
    return round(scaled)


def _written(text: str, zone: tzinfo) -> int:
    try:
        return milliseconds(_aware(datetime.fromisoformat(text.strip()), zone))
    except (ValueError, OverflowError):
        raise Unusable(f"its `time` {quoted(repr(text))} is no time; write it as in 2026-01-02 03:04:05") from None


def _label(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return iso(_aware(value))
        case bytes() | bytearray() | memoryview():
            raise Unusable("a label is made of bytes; cast it to text, or leave the column out")
        case _:
            text = str(value)
    if len(text) > _LONGEST_LABEL:
        raise Unusable(f"a label is longer than {_LONGEST_LABEL} characters; leave that column out")
    return text
