"""PostHog's query endpoint: one event by the day, or a query in HogQL.

API: https://posthog.com/docs/api/queries
"""

from cases.errors import PermanentError
from cases.moments import iso
from cases.ports import Clock
from config.analytics import PosthogSettings
from signals.analytics.buckets import Span
from signals.analytics.exchange import Exchange, Object, list_of, object_of
from signals.analytics.source import Rows
from signals.table import TIME, VALUE

_MEASURES = {"users": "dau", "events": "total"}


class Posthog:
    """A `Connector` on one event or one query."""

    def __init__(self, settings: PosthogSettings, clock: Clock) -> None:
        self._settings = settings
        self._exchange = Exchange(settings, clock)

    @property
    def place(self) -> str:
        """Who answers and where."""
        return f"PostHog at {self._exchange.where}"

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def rows(self, span: Span) -> Rows:
        """See `Connector`."""
        return self._trend(span) if self._settings.query is None else self._query(self._settings.query, span)

    def _query(self, query: str, span: Span) -> Rows:
        values = {"start": iso(span.first), "end": iso(span.end)}
        answer = self._answer({"kind": "HogQLQuery", "query": query, "values": values}, span)
        columns, results = list_of(answer.get("columns")), list_of(answer.get("results"))
        if columns is None or results is None:
            raise self._exchange.misshapen("there are no columns, or no results")
        rows = [list_of(row) or [] for row in results]
        if any(len(row) != len(columns) for row in rows):
            raise self._exchange.misshapen("a row has not one value a column")
        if answer.get("hasMore"):
            raise PermanentError(
                f"{self._exchange.name}: the query gives more than the {len(rows)} rows that PostHog returned; "
                "aggregate in it, or end it with a LIMIT that is high enough"
            )
        return Rows(columns=[str(column) for column in columns], rows=rows)

    def _trend(self, span: Span) -> Rows:
        wanted = self._settings
        series = {"kind": "EventsNode", "event": wanted.event, "math": _MEASURES[wanted.measure]}
        days = {"date_from": span.first_day.isoformat(), "date_to": span.last_day.isoformat()}
        answer = self._answer({"kind": "TrendsQuery", "series": [series], "interval": "day", "dateRange": days}, span)
        results = list_of(answer.get("results")) or []
        if len(results) > 1:
            raise self._exchange.misshapen("there are several series, and one was asked for")
        rows: list[tuple[object, ...]] = []
        for result in results:
            trend = object_of(result) or {}
            named, counts = list_of(trend.get("days")), list_of(trend.get("data"))
            if named is None or counts is None or len(named) != len(counts):
                raise self._exchange.misshapen("the series has not one value a day")
            rows += zip(named, counts, strict=True)
        return Rows(columns=(TIME, VALUE), rows=rows)

    def _answer(self, query: Object, span: Span) -> Object:
        # Without `refresh` an answer of hours ago may come from its cache, and be taken for a restated one.
        body = {"query": query, "refresh": "force_blocking"}
        answer = object_of(self._exchange.post(f"/api/projects/{self._settings.project}/query/", body))
        if answer is None:
            raise self._exchange.misshapen("it is no object")
        if isinstance(answer.get("error"), str) and answer["error"]:
            raise PermanentError(
                f"{self._exchange.name}: PostHog refuses the question: {self._exchange.quote(str(answer['error']))}. "
                "Correct the settings of this source"
            )
        if (object_of(answer.get("query_status")) or {}).get("complete") is False:
            raise self._exchange.misshapen("the query is still running, though its end was to be waited for")
        theirs = answer.get("timezone")
        if isinstance(theirs, str) and not span.agrees(theirs):
            raise PermanentError(
                f"{self._exchange.name}: the project's time zone is {self._exchange.quote(theirs)}; write it into "
                "`zone`"
            )
        return answer
