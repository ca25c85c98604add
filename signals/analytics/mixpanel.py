"""Mixpanel's query API: segmentation and saved funnels, by the day of the project's zone.

API: https://docs.mixpanel.com/reference/segmentation-query and /funnels-query. 60 questions an hour.
"""

from collections.abc import Iterator
from datetime import timedelta

from cases.ports import Clock
from config.analytics import MixpanelSettings
from signals.analytics.buckets import Span
from signals.analytics.exchange import Exchange, list_of, object_of
from signals.analytics.source import OF, Rows
from signals.table import TIME, VALUE

SEGMENT = "segment"
_MEASURES = {"users": "unique", "events": "general"}
_UNITS = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}


class Mixpanel:
    """A `Connector` on one event or one saved funnel."""

    def __init__(self, settings: MixpanelSettings, clock: Clock) -> None:
        self._settings = settings
        self._exchange = Exchange(settings, clock)

    @property
    def place(self) -> str:
        """Who answers and where."""
        return f"Mixpanel at {self._exchange.where}"

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def rows(self, span: Span) -> Rows:
        """See `Connector`."""
        return self._events(span) if self._settings.funnel is None else self._funnel(span)

    def _events(self, span: Span) -> Rows:
        wanted = self._settings
        params = [("event", wanted.event or ""), ("type", _MEASURES[wanted.measure]), *self._shared(span)]
        if wanted.by is not None:
            params += [("on", wanted.by), ("limit", str(wanted.most))]
        document = object_of(self._exchange.get("/api/query/segmentation", params)) or {}
        found = (object_of(document.get("data")) or {}).get("values")
        values = object_of(found)
        if values is None:
            raise self._exchange.misshapen("there is no data.values")
        rows: list[tuple[object, ...]] = []
        for segment, counts in values.items():
            days = object_of(counts)
            if days is None:
                raise self._exchange.misshapen("a segment has no counts by day")
            label = (segment,) if wanted.by is not None else ()
            rows += [(day, count, *label) for day, count in days.items()]
        columns = (TIME, VALUE, SEGMENT) if wanted.by is not None else (TIME, VALUE)
        return Rows(columns=columns, rows=rows, partial=self._cut(document.get("legend_size"), len(values)))

    def _cut(self, there: object, here: int) -> str:
        if self._settings.by is not None and isinstance(there, int) and there > here:
            return f"it has {here} of {there} values of {self._settings.by}; raise `most`"
        return ""

    def _funnel(self, span: Span) -> Rows:
        length, unit = _length(self._settings.within)
        params = [("funnel_id", str(self._settings.funnel)), ("length", str(length)), ("length_unit", unit)]
        document = object_of(self._exchange.get("/api/query/funnels", [*params, *self._shared(span)])) or {}
        days = object_of(document.get("data"))
        if days is None:
            raise self._exchange.misshapen("there is no data")
        return Rows(
            columns=(TIME, VALUE, OF), rows=[(day, *self._ends(day, found)) for day, found in days.items()], partial=""
        )

    def _ends(self, day: str, found: object) -> tuple[object, object]:
        """How many reached the last step of a day's funnel, and how many the first."""
        steps = list_of((object_of(found) or {}).get("steps")) or []
        counts = [(object_of(step) or {}).get("count") for step in steps]
        if not all(isinstance(count, int) for count in counts):
            raise self._exchange.misshapen(f"a step of {self._exchange.quote(day)} has no count")
        return (counts[-1], counts[0]) if counts else (None, None)

    def _shared(self, span: Span) -> Iterator[tuple[str, str]]:
        yield "project_id", str(self._settings.project)
        yield "unit", "day"
        yield "from_date", span.first_day.isoformat()
        yield "to_date", span.last_day.isoformat()
        if self._settings.where is not None:
            yield "where", self._settings.where


def _length(within: timedelta) -> tuple[int, str]:
    """A duration in the largest unit of Mixpanel's that it is a whole number of."""
    for unit, length in _UNITS.items():
        if within >= length and not within % length:
            return within // length, unit
    return max(1, round(within.total_seconds())), "second"
