"""Four vendors of product analytics as one local server, each computing its own answer from one table of events.

Shapes: Mixpanel's and Amplitude's as their reference pages show them, PostHog's as its API sends them, Google's by
Google's own message classes, so that a field that does not exist is refused. Like the vendors it answers for the
running day too, with what there is of it. Not checked: HogQL (a query is recognised, not run), filters, quotas.
"""

import json
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

GOOGLES: Any = import_module("google.analytics.data_v1beta.types")  # without types of its own

USER, SECRET, TOKEN = "reader", "s3cr3t-of-vendors", "t0ken-of-vendors"
PROJECT, FUNNEL = 4711, 9070
CHECKOUT, PURCHASE = "checkout", "purchase"

Answer = tuple[int, dict[str, str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Somebody did something. `segment` is a property of it."""

    user: str
    name: str
    at: datetime
    segment: str = "web"


@dataclass
class Vendors:
    """What has happened, what was asked, and how the next questions are answered.

    `given` are counts by segment and day that take the place of the event `load`; `fails` are answers that come before
    any other; `metadata` is what Google adds to its reports.
    """

    zone: str = "UTC"
    url: str = ""
    events: list[Event] = field(default_factory=list[Event])
    given: dict[str, dict[date, float | None]] = field(default_factory=dict[str, dict[date, float | None]])
    fails: list[Answer | bytes] = field(default_factory=list[Answer | bytes])
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    asked: list[tuple[str, dict[str, list[str]], Any]] = field(
        default_factory=list[tuple[str, dict[str, list[str]], Any]]
    )
    tokens: list[str] = field(default_factory=list[str])
    has_more: bool = False
    page: int = 50  # rows of the home-made API
    there: int | None = None  # how many segments there are, where the answer is cut

    # -- the table

    def counts(self, name: str, measure: str) -> dict[str, dict[date, float | None]]:
        """Counts by segment and day; `measure` is users or events."""
        if name == "load":
            return self.given
        counted: dict[str, dict[date, list[str]]] = {}
        for event in self.events:
            if event.name == name:
                counted.setdefault(event.segment, {}).setdefault(self.day(event.at), []).append(event.user)
        return {
            segment: {day: float(len(set(users) if measure == "users" else users)) for day, users in days.items()}
            for segment, days in counted.items()
        }

    def funnel(self, steps: Iterable[str], within: timedelta) -> dict[date, list[int]]:
        """By the day of its first step, how many users reached each step of an ordered funnel."""
        names = list(steps)
        reached: dict[date, list[int]] = {}
        began = {(event.user, self.day(event.at)) for event in self.events if event.name == names[0]}
        for user, day in sorted(began):
            own = sorted((event.at, event.name) for event in self.events if event.user == user)
            at = start = next(at for at, name in own if name == names[0] and self.day(at) == day)
            counts = reached.setdefault(day, [0] * len(names))
            counts[0] += 1
            for place, step in enumerate(names[1:], 1):
                following = [when for when, name in own if name == step and at < when <= start + within]
                if not following:
                    break
                at = following[0]
                counts[place] += 1
        return reached

    def day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()

    # -- the vendors

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> Answer | bytes:
        parts = urlsplit(target)
        params: dict[str, list[str]] = {}
        for name, value in parse_qsl(parts.query):
            params.setdefault(name, []).append(value)
        if parts.path == "/token":
            return self._token(dict(parse_qsl(body.decode())))
        document: Any = json.loads(body) if body else None
        self.asked.append((parts.path, params, document))
        if self.fails:
            return self.fails.pop(0)
        if not authorization.startswith(("Basic ", f"Bearer {TOKEN}")):
            return 401, {}, {"error": f"bad credentials {authorization}"}
        routes: dict[tuple[str, str], Callable[[dict[str, list[str]], Any], object]] = {
            ("GET", "/api/query/segmentation"): self._mixpanel_events,
            ("GET", "/api/query/funnels"): self._mixpanel_funnel,
            ("GET", "/api/2/events/segmentation"): self._amplitude_events,
            ("GET", "/api/2/funnels"): self._amplitude_funnel,
            ("POST", f"/v1beta/properties/{PROJECT}:runReport"): self._ga4,
            ("POST", f"/api/projects/{PROJECT}/query/"): self._posthog,
            ("GET", "/rows"): self._rows,
            ("POST", "/rows"): self._rows,
        }
        route = routes.get((method, parts.path))
        return (404, {}, {"error": "no such thing"}) if route is None else (200, {}, route(params, document))

    def _token(self, form: Mapping[str, str]) -> Answer:
        self.tokens.append(form["assertion"])
        return 200, {}, {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}

    def _mixpanel_events(self, params: dict[str, list[str]], _: object) -> object:
        measure = {"unique": "users", "general": "events"}[params["type"][0]]
        assert params["unit"] == ["day"]
        assert params["project_id"] == [str(PROJECT)]
        days = _days(params["from_date"][0], params["to_date"][0])
        found = self.counts(params["event"][0], measure)
        if "on" not in params:
            found = {params["event"][0]: _summed(found)}
        values = {
            segment: {day.isoformat(): counts[day] for day in days if day in counts}
            for segment, counts in found.items()
        }
        series = [day.isoformat() for day in days]
        return {"data": {"series": series, "values": values}, "legend_size": self.there or len(values)}

    def _mixpanel_funnel(self, params: dict[str, list[str]], _: object) -> object:
        assert params["funnel_id"] == [str(FUNNEL)]
        within = timedelta(**{f"{params['length_unit'][0]}s": int(params["length"][0])})
        reached = self.funnel((CHECKOUT, PURCHASE), within)
        days = {
            day.isoformat(): {
                "steps": [
                    {"count": count, "goal": name, "event": name, "step_conv_ratio": 1.0, "overall_conv_ratio": 1.0}
                    for name, count in zip((CHECKOUT, PURCHASE), reached.get(day, [0, 0]), strict=True)
                ],
                "analysis": {"steps": 2, "worst": 1},
            }
            for day in _days(params["from_date"][0], params["to_date"][0])
        }
        return {"meta": {"dates": list(days)}, "data": days}

    def _amplitude_events(self, params: dict[str, list[str]], _: object) -> object:
        measure = {"uniques": "users", "totals": "events"}[params["m"][0]]
        days = _days(params["start"][0], params["end"][0])
        found = self.counts(json.loads(params["e"][0])["event_type"], measure)
        if "g" not in params:
            found = {"": _summed(found)}
        if self.given:  # a history with holes in it, where Amplitude itself has a zero
            days = [day for day in days if any(day in counts for counts in found.values())]
        return {
            "data": {
                "series": [[{"setId": "", "value": counts.get(day)} for day in days] for counts in found.values()],
                "seriesLabels": [[0, segment] for segment in found],
                "seriesCollapsed": [[{"setId": "", "value": 0}] for _ in found],
                "xValues": [day.isoformat() for day in days],
            }
        }

    def _amplitude_funnel(self, params: dict[str, list[str]], _: object) -> object:
        steps = [json.loads(event)["event_type"] for event in params["e"]]
        reached = self.funnel(steps, timedelta(seconds=int(params["cs"][0])))
        days = _days(params["start"][0], params["end"][0])
        series = [reached.get(day, [0] * len(steps)) for day in days]
        by_day = {"series": series, "xValues": [day.isoformat() for day in days], "formattedXValues": []}
        return {"data": [{"meta": {"segmentIndex": 0}, "dayFunnels": by_day, "events": steps}]}

    def _ga4(self, _: object, document: Any) -> object:  # noqa: ANN401 - whatever was sent
        request = GOOGLES.RunReportRequest.from_json(json.dumps(document))  # refuses what Google would
        days = _days(request.date_ranges[0].start_date, request.date_ranges[0].end_date)
        by = [dimension.name for dimension in request.dimensions][1:]
        event = request.dimension_filter.filter.string_filter.value or "load"
        rows: list[dict[str, Any]] = []
        for day in days:
            for segment, counts in self._reported(request, event, by).items():
                if day in counts:
                    values = [{"value": _written(number)} for number in counts[day]]
                    named = [day.strftime("%Y%m%d"), *([segment] if by else [])]
                    rows.append({"dimension_values": [{"value": text} for text in named], "metric_values": values})
        page = rows[request.offset : request.offset + request.limit]
        metadata = {"time_zone": self.zone, "currency_code": "EUR", **self.metadata}
        response = GOOGLES.RunReportResponse(
            rows=page, row_count=len(rows), metadata=metadata, kind="analyticsData#runReport"
        )
        return json.loads(GOOGLES.RunReportResponse.to_json(response, always_print_fields_with_no_presence=False))

    def _reported(self, request: Any, event: str, by: list[str]) -> dict[str, dict[date, list[float | None]]]:  # noqa: ANN401 - Google's
        if len(request.metrics) == 2:  # users who purchased, of those who came to the checkout
            reached = self.funnel((CHECKOUT, PURCHASE), timedelta(days=1))
            return {"": {day: [float(counts[1]), float(counts[0])] for day, counts in reached.items()}}
        found = self.counts(event, "users" if request.metrics[0].name == "totalUsers" else "events")
        found = found if by else {"": _summed(found)}
        return {segment: {day: [count] for day, count in counts.items()} for segment, counts in found.items()}

    def _posthog(self, _: object, document: Any) -> object:  # noqa: ANN401 - whatever was sent
        query = document["query"]
        assert document["refresh"] == "force_blocking"
        if query["kind"] == "TrendsQuery":
            [series] = query["series"]
            days = _days(query["dateRange"]["date_from"], query["dateRange"]["date_to"])
            measure = {"dau": "users", "total": "events"}[series["math"]]
            counts = _summed(self.counts(series["event"], measure))
            data = [counts.get(day, 0.0) for day in days]
            named = [day.isoformat() for day in days]
            return {"results": [{"data": data, "days": named, "labels": named, "label": series["event"]}]}
        first, end = (datetime.fromisoformat(query["values"][name]) for name in ("start", "end"))
        columns, rows = self._queried(query["query"])
        inside = [row for row in rows if first <= self._begin(row[0]) < end]
        shown = [[row[0].isoformat(), *row[1:]] for row in inside]
        return {
            "columns": columns,
            "results": shown,
            "types": [],
            "hasMore": self.has_more,
            "limit": 100,
            "timezone": self.zone,
        }

    def _queried(self, query: str) -> tuple[list[str], list[list[Any]]]:
        if "funnel" in query:
            reached = self.funnel((CHECKOUT, PURCHASE), timedelta(days=1))
            return ["time", "value", "of"], [[day, counts[1], counts[0]] for day, counts in sorted(reached.items())]
        return ["time", "value", "segment"], [
            [day, count, segment] for segment, counts in self.given.items() for day, count in sorted(counts.items())
        ]

    def _rows(self, params: dict[str, list[str]], body: Any) -> object:  # noqa: ANN401 - whatever was sent
        """A home-made API: rows in pages, numbers as text, a flag where it was cut."""
        asked = body or {name: values[0] for name, values in params.items()}
        days = _days(asked["from"], asked["to"])
        rows = [
            {"day": day.isoformat(), "number": None if count is None else _written(count), "by": {"segment": segment}}
            for segment, counts in self.given.items()
            for day in days
            if day in counts
            for count in [counts[day]]
        ]
        if asked.get("what") == "conversion":
            reached = self.funnel((CHECKOUT, PURCHASE), timedelta(days=1))
            rows = [
                {"day": day.isoformat(), "number": reached[day][1], "all": reached[day][0]}
                for day in days
                if day in reached
            ]
        page = int(params.get("page", ["0"])[0])
        more = self.page * (page + 1) < len(rows)
        meta = {"next": page + 1 if more else None, "cut": bool(self.metadata)}
        return {"data": {"items": rows[self.page * page : self.page * (page + 1)]}, "meta": meta}

    def _begin(self, day: date) -> datetime:
        return datetime.combine(day, datetime.min.time(), tzinfo=ZoneInfo(self.zone))


@contextmanager
def some_vendors(zone: str = "UTC") -> Generator[Vendors]:
    vendors = Vendors(zone=zone)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            found = vendors.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            if isinstance(found, bytes):  # half of an answer
                self.wfile.write(found)
                self.close_connection = True
                return
            status, headers, document = found
            said = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = _answer  # noqa: N815 - the base class names it so
        do_POST = _answer  # noqa: N815 - the same

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        vendors.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield vendors
        finally:
            server.shutdown()
            thread.join()


def _days(first: str, last: str) -> list[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [begin + timedelta(days=n) for n in range((end - begin).days + 1)]


def _summed(found: Mapping[str, Mapping[date, float | None]]) -> dict[date, float | None]:
    total: dict[date, float | None] = {}
    for counts in found.values():
        for day, count in counts.items():
            total[day] = (total.get(day) or 0.0) + (count or 0.0)
    return total


def _written(number: float | None) -> str:
    if number is None:
        return "nan"
    return str(int(number)) if float(number).is_integer() else str(number)
