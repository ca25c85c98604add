"""A vendor's project as a source: one question, asked seldom, about whole buckets only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from cases.errors import PermanentError
from cases.moments import EPOCH, from_milliseconds, milliseconds
from cases.ports import Clock
from config.analytics import Sampled
from signals.analytics.buckets import Buckets, Span
from signals.seldom import Answer, Seldom
from signals.table import VALUE, Labels, Samples, Table, Unusable

OF = "of"
"""A column that the value is divided by: the value of a row is then a share. A share of none is missing."""

GRUDGE = timedelta(minutes=10)
"""How long a vendor that failed is left alone: one that hangs must not hold up every look at all that is watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A vendor's answer as rows. `columns` are `time`, `value`, perhaps `of`, and labels.

    A time is the beginning of its bucket; without a zone it is one of the project's. `partial` says why the numbers
    are not the whole truth (sampled, cut, withheld), or is "".
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    partial: str = ""


class Connector(Protocol):
    """What a vendor's file knows: how to ask, and how to read the answer."""

    @property
    def place(self) -> str:
        """Who answers and where, for people."""
        ...

    def rows(self, span: Span) -> Rows:
        """All rows of the span. Raises SourceDown, or PermanentError when only a human can help."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """When a source is asked, and what of it is whole.

    every    how often; answers stand in between
    late     how long before the newest whole bucket everything is read again: vendors restate
    lag      how long after its end a bucket is not whole yet
    sampled  what is done with an answer that says it is not the whole truth
    """

    every: timedelta
    late: timedelta
    lag: timedelta
    zone: str
    hourly: bool = False
    sampled: Sampled = "partial"

    @property
    def buckets(self) -> Buckets:
        """The project's days or hours."""
        return Buckets(zone=ZoneInfo(self.zone), hourly=self.hourly)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What was read so far: buckets from `begin` up to `end`, good for reads that reach back to `first`."""

    first: datetime
    begin: datetime
    end: datetime
    series: dict[Labels, Samples]


class AnalyticsSource(Seldom):
    """A `SignalSource` on one question to a vendor.

    - **Whole buckets only.** A day (or hour) of the project's zone is asked for when it has ended and `lag` has passed;
      the running one is never read, so that it cannot look like a drop.
    - **A value counts from when it could be known**: from the first limit of a stretch of `every` after its bucket was
      whole, until the next one is. History shows it there too, so that a live reading is compared with its like.
    - **Late data.** The last `late` of what is known are read again with each question, and replace what was read.
    - A run that was missed loses nothing: all that has become whole since is asked for.
    """

    def __init__(
        self,
        name: str,
        connector: Connector,
        *,
        query: str,
        clock: Clock,
        asking: Asking,
        reach: timedelta | None = None,
    ) -> None:
        self._buckets = asking.buckets
        # A bucket stands for its own length; the next one may be noticed at the second question after it is whole.
        reach = reach or self._buckets.longest + 2 * asking.every
        super().__init__(name, query, clock=clock, every=asking.every, reach=reach, grudge=GRUDGE)
        self._connector = connector
        self._asking = asking
        self._kept: _Kept | None = None

    def __repr__(self) -> str:
        return f"AnalyticsSource({self._name!r}, {self._connector.place!r})"

    def close(self) -> None:
        """Close the connections."""
        self._connector.close()

    def probe(self) -> str:
        """Ask for the newest whole bucket; what answered, and how much. Raises SourceDown or PermanentError."""
        end = self._end(self._floor(self._clock.now()))
        span = Span(first=self._buckets.floor(end - timedelta(seconds=1)), end=end, buckets=self._buckets)
        with self._lock:
            series, partial = self._series(span)
        unit = "hour" if self._asking.hourly else "day"
        said = f"{self._connector.place}: {len(series)} series for {span.first_day}, the newest whole {unit} there"
        return f"{said}; not the whole truth: {partial}" if partial else said

    def ask(self, query: str, first: datetime, last: datetime, read_at: datetime) -> Answer:
        """Ask for what has become whole, and for what may have been restated. See `Seldom.ask`."""
        del read_at  # every row has its time
        if query != self._query:  # a case from before a change of configuration: nobody can ask that any more
            return Answer(series={}, first=EPOCH)
        longest, end = self._buckets.longest, self._end(last)
        begin = self._buckets.floor(first - longest - self._asking.lag - self._every)
        asked, kept = begin, self._kept
        if kept is not None and kept.begin <= begin and kept.end <= end:
            asked = self._buckets.floor(kept.end - self._asking.late)
            asked, begin, first = max(kept.begin, asked), kept.begin, kept.first
        if end <= asked:
            return Answer(series=kept.series if kept is not None else {}, first=first)
        series, partial = self._series(Span(first=asked, end=end, buckets=self._buckets))
        if kept is not None and asked > begin:
            series = _joined(kept.series, series, milliseconds(self._known(asked)))
        self._kept = None if partial else _Kept(first=first, begin=begin, end=end, series=series)
        return Answer(series=series, first=first, partial=partial)

    def _end(self, last: datetime) -> datetime:
        """The beginning of the first bucket that is not whole at a moment."""
        return self._buckets.floor(last - self._asking.lag)

    def _known(self, begin: datetime) -> datetime:
        """From when on a bucket can be known: the first limit of a stretch when it is whole."""
        whole = self._buckets.after(begin) + self._asking.lag
        floor = self._floor(whole)
        return floor if floor == whole else floor + self._every

    def _series(self, span: Span) -> tuple[dict[Labels, Samples], str]:
        """Ask the vendor: series at the times from which their values can be known, and why they are partial, or ""."""
        answer = self._connector.rows(span)
        try:
            columns, rows = _shares(answer)
            table = Table.of(columns)
            read = {} if table.time is None else table.series(rows, span.end, self._buckets.zone)
            series = {labels: self._placed(samples, span) for labels, samples in read.items()}
        except Unusable as error:
            raise PermanentError(f"{self._name}: the answer cannot be watched: {error}") from None
        if table.time is None:
            raise PermanentError(f"{self._name}: the answer has no column `time`; give each value the day it is of")
        if answer.partial and self._asking.sampled == "refuse":
            raise PermanentError(
                f"{self._name}: the answer is not the whole truth: {answer.partial}; ask for less at once, or write "
                "sampled: partial or accept"
            )
        return series, "" if self._asking.sampled == "accept" else answer.partial

    def _placed(self, samples: Samples, span: Span) -> Samples:
        """The samples of the span, each at the time from which it can be known."""
        begins = [self._buckets.floor(from_milliseconds(at)) for at in samples.times]
        if len(set(begins)) < len(begins):
            unit = "an hour" if self._asking.hourly else "a day"
            raise Unusable(f"it gives several rows for {unit}; aggregate them, or set `bucket`")
        inside = np.array([span.first <= begin < span.end for begin in begins], dtype=np.bool_)
        known = np.array([milliseconds(self._known(begin)) for begin in begins], dtype=np.int64)
        return Samples(times=known[inside], values=samples.values[inside])


def _shares(answer: Rows) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """The rows with each value divided by what is in the column `of`, where there is one."""
    if OF not in answer.columns or VALUE not in answer.columns:
        return answer.columns, answer.rows
    value, of = list(answer.columns).index(VALUE), list(answer.columns).index(OF)
    columns = [column for place, column in enumerate(answer.columns) if place != of]
    rows: list[Sequence[object]] = []
    for row in answer.rows:
        divided = list(row)
        divided[value] = _share(row[value], row[of])
        del divided[of]
        rows.append(divided)
    return columns, rows


def _share(value: object, of: object) -> float | None:
    if value is None or of is None:
        return None
    if isinstance(value, int | float) and isinstance(of, int | float):
        return value / of if of else None
    raise Unusable(f"its `{VALUE}` and `{OF}` are not both numbers")


def _joined(old: dict[Labels, Samples], new: dict[Labels, Samples], since: int) -> dict[Labels, Samples]:
    """What was read before, up to `since`, and what was read now after it."""
    joined: dict[Labels, Samples] = {}
    for labels in {*old, *new}:
        parts = [_until(old[labels], since)] if labels in old else []
        parts += [new[labels]] if labels in new else []
        joined[labels] = replace(
            parts[0],
            times=np.concatenate([part.times for part in parts]),
            values=np.concatenate([part.values for part in parts]),
        )
    return {labels: samples for labels, samples in joined.items() if len(samples.times)}


def _until(samples: Samples, since: int) -> Samples:
    before = samples.times < since
    return Samples(times=samples.times[before], values=samples.values[before])
