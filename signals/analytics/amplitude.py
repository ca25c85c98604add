"""Amplitude's Dashboard REST API: event segmentation and funnels, by the day of the project's zone.

API: https://amplitude.com/docs/apis/analytics/dashboard-rest. Questions cost by days and conditions; five at once.
"""

import json
from collections.abc import Iterator, Sequence

from cases.ports import Clock
from config.analytics import AmplitudeSettings
from signals.analytics.buckets import Span
from signals.analytics.exchange import Exchange, list_of, object_of
from signals.analytics.source import OF, Rows
from signals.table import TIME, VALUE

SEGMENT = "segment"
_MEASURES = {"users": "uniques", "events": "totals"}
_DAILY = "1"


class Amplitude:
    """A `Connector` on one event or one funnel."""

    def __init__(self, settings: AmplitudeSettings, clock: Clock) -> None:
        self._settings = settings
        self._exchange = Exchange(settings, clock)

    @property
    def place(self) -> str:
        """Who answers and where."""
        return f"Amplitude at {self._exchange.where}"

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def rows(self, span: Span) -> Rows:
        """See `Connector`."""
        return self._funnel(span) if self._settings.steps else self._events(span)

    def _events(self, span: Span) -> Rows:
        wanted = self._settings
        params = [("e", _event(wanted.event or "")), ("m", _MEASURES[wanted.measure]), *_shared(span)]
        if wanted.by is not None:
            params += [("g", wanted.by), ("limit", str(wanted.most))]
        document = object_of(self._exchange.get("/api/2/events/segmentation", params)) or {}
        found = object_of(document.get("data")) or {}
        days, series = list_of(found.get("xValues")), list_of(found.get("series"))
        if days is None or series is None:
            raise self._exchange.misshapen("there is no data.xValues, or no data.series")
        if wanted.by is None:
            rows = [(day, value) for one in series for day, value in self._paired(days, one)]
            return Rows(columns=(TIME, VALUE), rows=rows)
        labels = list_of(found.get("seriesLabels")) or []
        if len(labels) != len(series):
            raise self._exchange.misshapen("there is not one label a series")
        rows_by: list[tuple[object, ...]] = [
            (day, value, _label(label))
            for label, one in zip(labels, series, strict=True)
            for day, value in self._paired(days, one)
        ]
        cut = f"it has {len(series)} values of {wanted.by}, and perhaps not all; raise `most`"
        return Rows(columns=(TIME, VALUE, SEGMENT), rows=rows_by, partial=cut if len(series) >= wanted.most else "")

    def _paired(self, days: Sequence[object], one: object) -> Iterator[tuple[object, object]]:
        """A series' values with their days."""
        values = list_of(one)
        if values is None or len(values) != len(days):
            raise self._exchange.misshapen("a series has not one value a day")
        for day, value in zip(days, values, strict=True):
            counted = object_of(value)
            yield day, value if counted is None else counted.get("value")

    def _funnel(self, span: Span) -> Rows:
        steps = [("e", _event(step)) for step in self._settings.steps]
        window = ("cs", str(max(1, round(self._settings.within.total_seconds()))))
        params = [*steps, ("mode", "ordered"), window, *_shared(span)]
        document = object_of(self._exchange.get("/api/2/funnels", params)) or {}
        funnels = list_of(document.get("data")) or []
        by_day = object_of((object_of(funnels[0]) or {}).get("dayFunnels")) if len(funnels) == 1 else None
        if by_day is None:
            raise self._exchange.misshapen("there is no dayFunnels of one funnel")
        days, series = list_of(by_day.get("xValues")) or [], list_of(by_day.get("series")) or []
        if len(days) != len(series):
            raise self._exchange.misshapen("dayFunnels has not one entry a day")
        rows = [(day, *self._ends(counts)) for day, counts in zip(days, series, strict=True)]
        return Rows(columns=(TIME, VALUE, OF), rows=rows)

    def _ends(self, counts: object) -> tuple[object, object]:
        """How many reached the last step on a day, and how many the first."""
        reached = list_of(counts) or []
        if len(reached) != len(self._settings.steps) or not all(isinstance(count, int) for count in reached):
            raise self._exchange.misshapen("a day's funnel has not one count a step")
        return reached[-1], reached[0]


def _event(name: str) -> str:
    return json.dumps({"event_type": name})


def _shared(span: Span) -> Iterator[tuple[str, str]]:
    yield "i", _DAILY
    yield "start", span.first_day.strftime("%Y%m%d")
    yield "end", span.last_day.strftime("%Y%m%d")


def _label(label: object) -> object:
    """A series' label: a text, or the text at the end of a list that begins with the event's number."""
    parts = list_of(label)
    return label if parts is None else (parts[-1] if parts else "")
