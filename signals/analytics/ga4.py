"""Google Analytics 4 by its Data API (v1beta, REST): one metric by the day of the property's zone.

API: https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport
"""

from collections.abc import Mapping, Sequence
from typing import cast

from cases.errors import PermanentError
from cases.ports import Clock
from config.analytics import Ga4Settings
from signals.analytics.buckets import Span
from signals.analytics.exchange import Exchange, Object, list_of, object_of
from signals.analytics.google_token import GoogleToken
from signals.analytics.source import OF, Rows
from signals.table import TIME, VALUE

PAGE = 50_000  # rows at once; Google gives 250,000 at the most
_MOST_PAGES = 20
_DATE = "date"


class Ga4:
    """A `Connector` on one metric of a property."""

    def __init__(self, settings: Ga4Settings, clock: Clock) -> None:
        self._settings = settings
        self._token = None if settings.key is None else GoogleToken(settings, settings.key, clock)
        self._exchange = Exchange(settings, clock, self._token)

    @property
    def place(self) -> str:
        """Who answers and where."""
        return f"Google Analytics at {self._exchange.where}"

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def rows(self, span: Span) -> Rows:
        """See `Connector`."""
        asked = self._asked(span)
        rows: list[tuple[object, ...]] = []
        partial: dict[str, None] = {}
        for page in range(_MOST_PAGES):
            report = self._report({**asked, "limit": str(PAGE), "offset": str(page * PAGE)})
            metadata = object_of(report.get("metadata")) or {}
            self._check_zone(metadata.get("timeZone"), span)
            partial |= dict.fromkeys(_why_partial(metadata))
            found = list_of(report.get("rows", []))
            if found is None:
                raise self._exchange.misshapen("its rows are no list")
            rows += [self._row(row) for row in found]
            count = report.get("rowCount", 0)
            if not isinstance(count, int) or not found or len(rows) >= count:
                break
        else:
            partial["there are more rows than are read"] = None
        of = (OF,) if self._settings.of is not None else ()
        return Rows(columns=(TIME, VALUE, *of, *self._settings.by), rows=rows, partial="; ".join(partial))

    def _asked(self, span: Span) -> dict[str, object]:
        wanted = self._settings
        metrics = (wanted.metric,) if wanted.of is None else (wanted.metric, wanted.of)
        asked: dict[str, object] = {
            "dateRanges": [{"startDate": span.first_day.isoformat(), "endDate": span.last_day.isoformat()}],
            "dimensions": [{"name": name} for name in (_DATE, *wanted.by)],
            "metrics": [{"name": name} for name in metrics],
            "orderBys": [
                {"dimension": {"dimensionName": name}} for name in (_DATE, *wanted.by)
            ],  # pages do not overlap
            "keepEmptyRows": True,  # a day of zeros is zero, and one without a row is missing
        }
        if wanted.event is not None:
            exactly = {"matchType": "EXACT", "value": wanted.event, "caseSensitive": True}
            asked["dimensionFilter"] = {"filter": {"fieldName": "eventName", "stringFilter": exactly}}
        return asked

    def _report(self, body: Mapping[str, object]) -> Object:
        try:
            report = object_of(self._exchange.post(f"/v1beta/properties/{self._settings.property_}:runReport", body))
        except PermanentError:
            if self._token is not None:  # perhaps only the token was refused
                self._token.forget()
            raise
        if report is None or not {"rows", "metadata"} & report.keys():
            raise self._exchange.misshapen("it is no report")
        return report

    def _row(self, row: object) -> tuple[object, ...]:
        fields = object_of(row) or {}
        dimensions, metrics = _values(fields.get("dimensionValues")), _values(fields.get("metricValues"))
        expected = 1 if self._settings.of is None else 2
        if len(dimensions) != 1 + len(self._settings.by) or len(metrics) != expected:
            raise self._exchange.misshapen("a row has not one value for each dimension and metric")
        return (dimensions[0], *(self._number(text) for text in metrics), *dimensions[1:])

    def _number(self, text: str) -> float:
        try:
            return int(text) if text.isdecimal() else float(text)
        except ValueError:
            raise self._exchange.misshapen(f"{self._exchange.quote(text)!r} is no number") from None

    def _check_zone(self, theirs: object, span: Span) -> None:
        """Days that begin elsewhere than we think would be read when they are not whole."""
        if isinstance(theirs, str) and not span.agrees(theirs):
            raise PermanentError(
                f"{self._exchange.name}: the property's time zone is {self._exchange.quote(theirs)}; write it into "
                "`zone`"
            )


def _values(found: object) -> Sequence[str]:
    return [str((object_of(value) or {}).get("value", "")) for value in list_of(found) or []]


def _why_partial(metadata: Object) -> Sequence[str]:
    """Why a report is not the whole truth, in Google's own terms."""
    said: list[str] = []
    for sampling in list_of(metadata.get("samplingMetadatas")) or []:
        counts = object_of(sampling) or {}
        read, space = (str(counts.get(name, "?")) for name in ("samplesReadCount", "samplingSpaceSize"))
        said.append(f"it is sampled: {read[:20]} of {space[:20]} events were read")
    if metadata.get("dataLossFromOtherRow"):
        said.append('some rows are rolled into "(other)"')
    if metadata.get("subjectToThresholding"):
        said.append("small counts are withheld (thresholding)")
    restricted = object_of(metadata.get("schemaRestrictionResponse")) or {}
    if cast("Sequence[object]", restricted.get("activeMetricRestrictions") or []):
        said.append("a metric is restricted for this account")
    return said
