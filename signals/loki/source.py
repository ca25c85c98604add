"""Loki, read over its HTTP API: error lines page by page, and metric queries as readings.

Its refusals are text/plain, times are nanoseconds as text, a page holds 5,000 lines at most, and a metric query 11,000
points over 30 days: https://grafana.com/docs/loki/latest/reference/loki-http-api/
"""

import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

import httpx
import numpy as np

from cases.errors import PermanentError, SourceDown
from cases.logs import LogPage
from cases.telemetry import Millis, SeriesBlock, Signal
from signals.grid import MILLISECOND, grid
from signals.loki.http import BoundedClient, Flooded, Headers, Reply
from signals.loki.lines import Entry, entries, json_object, parting, payload
from signals.matrix import Answer, Columns, Histograms, Misshapen

MOST_POINTS = 11_000
"""The most points a series that Loki answers with at once."""
FEWEST_POINTS = 4
"""The fewest that may be asked for: what is split evenly then has two in each piece."""
MOST_LINES = 5_000
"""The most lines that a Loki answers with at once, unless it was told otherwise."""
LONGEST = timedelta(days=30)
"""The longest stretch of one query; an hour less than what Loki allows."""
STRETCH = 24 * 3_600 * 10**9
"""The longest stretch of one page, in nanoseconds: a daemon that was away for long asks for a day at a time."""

SHORTEST = 60 * 10**9
"""What a page is asked for, in nanoseconds, where longer stretches were not answered in time."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_QUERY_RANGE = "/loki/api/v1/query_range"
_NANOS_A_MILLI = 1_000_000
_MOMENT_REQUESTS = 200  # at 5,000 lines each: more in one nanosecond is no log
_ALLOWED = re.compile(r"max_entries_limit_per_query \((\d{1,9}) > (\d{1,9})\)")
_OK = 200
_BAD_REQUEST = 400
_NOT_FOUND = 404
_SERVER = 500


class LokiSource:
    """A `LogSource` and a `SignalSource` on one Loki.

    `selector` and `errors` make the query of error lines: `{app=~".+"} |~ "(?i)error"`; with no `errors` it is every
    line of the streams. `limit` is the lines of a page.

    Metric queries: Loki evaluates at whole multiples of the step, so a point of the grid that lies between shows the
    newest evaluation before it, less than a step old. Where no line matches there is no reading, which is not zero:
    write `… or vector(0)` where zero is meant.

    Raises SourceDown when the source cannot be read, and PermanentError when only a human can help: a query that it
    refuses, credentials that it refuses, an address or header that cannot work.
    """

    def __init__(  # noqa: PLR0913 - each is one setting of the source, given by name
        self,
        name: str,
        *,
        url: str,
        selector: str,
        errors: str,
        timeout: timedelta = timedelta(seconds=5),
        headers: Headers = _NO_HEADERS,
        auth: httpx.Auth | None = None,
        verify: ssl.SSLContext | bool = True,
        max_response_bytes: int = 8 * 2**20,
        max_in_flight: int = 2,
        limit: int = 1_000,
        points_per_request: int = MOST_POINTS,
    ) -> None:
        if not 1 <= limit <= MOST_LINES:
            raise ValueError(f"a page holds 1 to {MOST_LINES} lines; got {limit}")
        if points_per_request < FEWEST_POINTS:
            raise ValueError(f"a request holds at least {FEWEST_POINTS} points; got {points_per_request}")
        self._name = name
        self._url = url.rstrip("/")
        self._query = f"{selector} {errors}"
        self._limit = self._now = limit  # what is asked for, and what is asked for while lines are long
        self._most = MOST_LINES
        self._stretch = STRETCH
        self._points = points_per_request
        self._client = BoundedClient(
            name,
            self._url,
            timeout=timeout,
            max_response_bytes=max_response_bytes,
            max_in_flight=max_in_flight,
            headers=headers,
            auth=auth,
            verify=verify,
        )

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def __repr__(self) -> str:
        return f"LokiSource({self._name!r}, url={self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def probe(self) -> str:
        """Reach it and let it answer the query of error lines; what it is. Raises SourceDown or PermanentError."""
        ready = self._client.get("/ready", {})
        if ready.status >= _SERVER:
            raise self._client.down(f"is not ready: {ready.quote()}", ready.retry_after)
        # A gateway may show nothing but the API, so that the answer to the query has the last word.
        self._asked(self._query, {"limit": "1"}, "streams")
        built = self._client.get("/loki/api/v1/status/buildinfo", {})
        match json_object(built.body) if built.status == _OK else None:
            case {"version": str(version)} if version:
                return f"Loki {built.clean(version)} at {self._url}"
            case _:
                return f"Loki at {self._url}"

    def errors(self, since: int, until: int) -> LogPage:
        """Read error lines, oldest first, a page at a time. See `LogSource`."""
        if until <= since:
            return LogPage(lines=(), cursor=since, whole=True)
        try:
            page = self._errors(since, until, min(until, since + self._stretch))
        except SourceDown:
            # Whatever it was: less may be answered where so much was not.
            self._stretch = max(SHORTEST, self._stretch // 4)
            raise
        self._stretch = min(STRETCH, 2 * self._stretch)
        return page

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read a metric query on the grid from `start` to `end`, both included. See `SignalSource`."""
        if asks_for_templates(signal.query):
            raise PermanentError(
                f"{self._name}: the rates of templates are counted by the running daemon, from lines that it reads; "
                "nobody else has them"
            )
        times = grid(start, end, step)
        every = step // MILLISECOND
        # One evaluation more, before the first: a range of a single moment is refused.
        evaluated = np.arange((times[0] // every - 1) * every, times[-1] + 1, every, dtype=np.int64)
        columns = Columns(signal=signal, times=evaluated)
        for chunk in _chunks(evaluated, min(self._points, max(FEWEST_POINTS, LONGEST // step))):
            window = {
                "start": str(int(chunk[0]) * _NANOS_A_MILLI),
                "end": str(int(chunk[-1]) * _NANOS_A_MILLI),
                "step": f"{every}ms",
            }
            answer = Answer(kind="matrix", series=self._asked(signal.query, window, "matrix"))
            try:
                columns.add(answer)
            except (Misshapen, Histograms) as error:
                raise self._client.down(f"answered with {error} for {_named(signal.query)}") from None
        block = columns.block()
        places = np.searchsorted(evaluated, times, side="right") - 1
        values = block.values[:, places]
        return SeriesBlock(signal=signal, labels=block.labels, times=times, values=values, missing=np.isnan(values))

    def _errors(self, since: int, until: int, end: int) -> LogPage:
        found, filled = self._page(self._query, since, end, min(self._now, self._most))
        self._now = min(self._limit, 2 * self._now)
        if not filled:
            return _page(found, end, whole=end == until)
        newest = found[-1].at
        before = [entry for entry in found if entry.at < newest]
        if before:  # the newest moment may go on beyond the page: it is read again, in full
            return _page(before, newest, whole=False)
        return _page(self._moment(newest), newest + 1, whole=newest + 1 == until)

    def _page(self, query: str, since: int, until: int, limit: int) -> tuple[list[Entry], bool]:
        """The oldest lines of a stretch, and whether there may be more of them than were asked for.

        Long lines may make a page too large: then fewer are asked for.
        """
        while True:
            window = {"start": str(since), "end": str(until), "limit": str(limit), "direction": "forward"}
            try:
                streams = self._asked(query, window, "streams")
                found = entries(streams, since, until)
            except Flooded:
                if limit == 1:
                    raise
                self._now = limit = max(1, limit // 4)
            except _TooManyAsked as allowed:
                self._most = limit = min(allowed.most, limit - 1)
            except Misshapen as error:
                raise self._client.down(f"answered with {error} for {_named(query)}") from None
            else:
                return found, len(found) >= limit

    def _moment(self, at: int) -> list[Entry]:
        """Every line of one nanosecond: a shipper that stamps whole seconds puts more there than a page holds.

        Where a page is full, the moment is parted in two by what its lines say, and each part is read by itself.
        """
        waiting, found = [self._query], list[Entry]()
        for _ in range(_MOMENT_REQUESTS):
            if not waiting:
                return sorted(found, key=lambda entry: sorted(entry.labels.items()))
            query = waiting.pop()
            part, filled = self._page(query, at, at + 1, self._most)
            if not filled:
                found += part
                continue
            stages = parting(part)
            if stages is None:
                break
            waiting += [f"{query} {stage}" for stage in stages]
        raise self._client.down(
            f"has more lines at the one nanosecond {at} than can be told apart and read; narrow `selector` or `errors`"
        )

    def _asked(self, query: str, window: Mapping[str, str], wanted: str) -> Sequence[object]:
        """Ask a range query; what it found. Raises SourceDown, PermanentError, _TooManyAsked."""
        what = _named(query)
        try:
            reply = self._client.get(_QUERY_RANGE, {"query": query, **window})
        except Flooded as error:
            raise Flooded(self._name, f"{error.because} for {what}; narrow the query") from None
        self._check(reply, what)
        try:
            return payload(json_object(reply.body), wanted)
        except Misshapen as error:
            raise self._client.down(
                f"answered {reply.status} with {error} ({reply.clean(reply.kind) or 'no content type'}) for {what}"
            ) from None

    def _check(self, reply: Reply, what: str) -> None:
        """Anything but a 200. Loki says why in plain text."""
        status, said = reply.status, reply.quote()
        if status == _OK:
            return
        if status in {401, 403}:
            raise PermanentError(
                f"{self._name}: answered {status} for {what}: our credentials are refused. "
                "Check `auth` and `headers` of this source"
            )
        allowed = _ALLOWED.search(said)
        if status == _BAD_REQUEST and allowed is not None:
            raise _TooManyAsked(int(allowed[2]))
        if status == _BAD_REQUEST:
            raise PermanentError(f"{self._name}: refuses {what}: {said or 'it does not say why'}. Correct the query")
        if _OK < status < _BAD_REQUEST:
            raise self._client.down(
                f"answered {status}, a redirect, which is never followed; put the address it ends at into `url`"
            )
        hint = "; is `url` the address of Loki itself?" if status == _NOT_FOUND else ""
        raise self._client.down(f"answered {status} for {what}: {said or 'nothing'}{hint}", reply.retry_after)


def asks_for_templates(query: str) -> bool:
    """Whether a watch asks for the rates of log templates. LogQL has no query that begins so."""
    return query.strip().startswith("templates")


class _TooManyAsked(Exception):  # noqa: N818 - it says what we did
    """This Loki was told to answer with fewer lines at once: at most `most`."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = max(1, most)


def _page(found: Sequence[Entry], cursor: int, *, whole: bool) -> LogPage:
    return LogPage(lines=tuple(entry.line() for entry in found), cursor=cursor, whole=whole)


def _chunks(times: Millis, most: int) -> Iterator[Millis]:
    """The evaluations in pieces of at most `most`: each is asked for once."""
    yield from np.array_split(times, -(-len(times) // most))


def _named(query: str) -> str:
    """The query as a message shows it."""
    line = " ".join(query.split())
    return f"the query `{line if len(line) <= 200 else line[:200] + '…'}`"  # noqa: PLR2004 - what fits a message
