"""Prometheus, read through prometheus-api-client with a session of our own.

The client is given a session that is bounded (see `signals.bounded_session`) and that checks every answer. It hands
the whole checked answer back through the client, which would otherwise drop the warnings that say "this is partial".

This module imports requests and prometheus_api_client at its top (about 0.2 CPU-s): import it where a source is built.
API: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

import requests
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.util.retry import Retry

from cases.errors import PermanentError
from cases.moments import from_milliseconds
from cases.telemetry import Millis, SeriesBlock, Signal
from signals.bounded_session import BoundedSession, Flooded, Headers, retry_after
from signals.grid import MILLISECOND, grid
from signals.json_body import parsed
from signals.matrix import Answer, Columns, Histograms, Misshapen

MOST_POINTS = 11_000
"""The most points a series that Prometheus answers with at once."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_THE_QUERY = frozenset({"bad_data", "execution"})
_OK = 200
_BAD_REQUEST = 400
_TOO_MANY = 429
_SERVER = 500
_BUSY = frozenset({_TOO_MANY, 503})
_CUT = "the source says that its answer is partial"  # VictoriaMetrics, where a storage node did not answer


class PrometheusSource:
    """A `SignalSource` on one Prometheus, or on anything that speaks its HTTP API.

    One call of `read` is one request for each 11,000 points of the grid, and no more: backing off is the caller's.
    A series whose end left no stale marker (a pushed or backfilled one) is shown by Prometheus for up to its look-back
    of five minutes longer.

    Raises SourceDown when the source cannot be read, and PermanentError when only a human can help: a query that it
    refuses, credentials that it refuses, an address or header that cannot work.
    """

    def __init__(  # noqa: PLR0913 - each is one setting of the source, given by name
        self,
        name: str,
        *,
        url: str,
        timeout: timedelta = timedelta(seconds=5),
        headers: Headers = _NO_HEADERS,
        verify: ssl.SSLContext | None = None,
        max_response_bytes: int = 8 * 2**20,
        max_in_flight: int = 2,
        compressed: bool = False,
        points_per_request: int = MOST_POINTS,
    ) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._points = points_per_request
        self._session = _CheckedSession(
            name,
            self._url,
            timeout=timeout,
            headers=headers,
            context=verify,
            max_response_bytes=max_response_bytes,
            max_in_flight=max_in_flight,
            compressed=compressed,
        )
        no_retries = Retry(total=False)
        # Headers stay with the session: the client would keep them in a public attribute.
        client: Any = PrometheusConnect(url=self._url, session=self._session, retry=no_retries)
        self._client = client

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def __repr__(self) -> str:
        return f"PrometheusSource({self._name!r}, url={self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read the signal on the grid from `start` to `end`, both included. See `SignalSource`."""
        times = grid(start, end, step)
        columns = Columns(signal=signal, times=times)
        for chunk in _chunks(times, self._points):
            answer = self._range(signal.query, chunk, step)
            try:
                columns.add(answer)
            except Misshapen as error:
                raise self._session.down(f"answered with {error} for {_named(signal.query)}") from None
            except Histograms:
                raise PermanentError(
                    f"{self._name}: {_named(signal.query)} gives native histograms, which have no single value: "
                    "wrap it in histogram_quantile(…) or histogram_avg(…)"
                ) from None
        return columns.block()

    def api(self, path: str, what: str, params: Mapping[str, str] | None = None) -> object:
        """The `data` of one GET below `/api/v1/`; `what` is asked for, in words. Raises as `read` does."""
        document = self._session.document("GET", f"{self._url}/api/v1/{path}", what=what, params=params)
        return document.get("data")

    def describe(self) -> str:
        """What it is and which version, as it says itself. Raises SourceDown."""
        document = self._session.document("GET", f"{self._url}/api/v1/status/buildinfo", what="the build information")
        match document.get("data"):
            case {"version": str(version)}:
                return f"Prometheus {self._session.quote(version)} at {self._url}"
            case _:
                raise self._session.down("answered with no version for the build information")

    def probe(self) -> str:
        """Reach it and let it evaluate a trivial query; its description. Raises SourceDown or PermanentError."""
        description = self.describe()
        answer: Answer = self._client.custom_query("vector(1)")
        if answer.kind != "vector" or len(answer.series) != 1:
            raise self._session.down("does not evaluate vector(1) to one series")
        return description

    def _range(self, query: str, times: Millis, step: timedelta) -> Answer:
        first, last = int(times[0]), int(times[-1])
        answer: Answer = self._client.custom_query_range(
            query,
            from_milliseconds(first),
            from_milliseconds(last),
            _decimal(step // MILLISECOND),
            # The client rounds both ends to whole seconds; what is in `params` has the last word.
            params={"start": _decimal(first), "end": _decimal(last)},
        )
        return answer


class _CheckedSession(BoundedSession):
    """A bounded session that lets only sound answers of the Prometheus API through."""

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> "_Sound":  # noqa: ANN401 - requests has sixteen parameters here
        """What prometheus-api-client calls: the whole checked answer, where it looks for the series."""
        params: Mapping[str, object] = kwargs.get("params") or {}
        what = _named(str(params.get("query", "")))
        document = self.document(method, url, *args, what=what, **kwargs)
        data, warnings = document.get("data"), document.get("warnings", [])
        if not isinstance(data, dict) or not isinstance(warnings, list | None):
            raise self.down(f"answered in an unknown shape for {what}")
        fields = cast("dict[str, object]", data)
        kind, series = fields.get("resultType"), fields.get("result")
        if not isinstance(kind, str) or not isinstance(series, list):
            raise self.down(f"answered without a list of series for {what}")
        said = tuple(self.quote(str(warning)) for warning in cast("list[object]", warnings or []))
        cut = (_CUT,) if document.get("isPartial") else ()
        return _Sound(Answer(kind=kind, series=cast("list[object]", series), warnings=(*said, *cut)))

    def document(
        self,
        method: str | bytes,
        url: str | bytes,
        *args: Any,  # noqa: ANN401 - requests has sixteen parameters here
        what: str,
        **kwargs: Any,  # noqa: ANN401 - the same
    ) -> dict[str, object]:
        """One exchange, and the JSON object it brought, whose status is success. `what` was asked for, in words."""
        try:
            response = super().request(method, url, *args, **kwargs)
        except Flooded as error:
            raise Flooded(self.source, f"{error.because} for {what}; narrow the query") from None
        status = response.status_code
        document = _json_object(response.content)
        match document:
            case {"status": "error", "errorType": str(kind), "error": str(text)} if status not in {401, 403, _TOO_MANY}:
                self._refused(kind, self.quote(text), what, response)
            case _:
                self._check_status(response, what)
        if document is None or document.get("status") != "success":
            kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
            raise self.down(
                f"answered {status} with something that is not its API's JSON ({self.quote(kind)}) for {what}"
            )
        return document

    def _refused(self, kind: str, text: str, what: str, response: requests.Response) -> None:
        """The API said no, in its own JSON."""
        if kind in _THE_QUERY and _BAD_REQUEST <= response.status_code < _SERVER:
            raise PermanentError(f"{self.source}: refuses {what}: {text}. Correct the query of that watch")
        busy = response.status_code in _BUSY
        raise self.down(f"could not answer {what}: {text} ({self.quote(kind)})", retry_after(response), busy=busy)

    def _check_status(self, response: requests.Response, what: str) -> None:
        """Anything but a 200, in whatever form it comes."""
        status = response.status_code
        if status in {401, 403}:
            raise PermanentError(
                f"{self.source}: answered {status} for {what}: our credentials are refused. "
                "Check `auth` and `headers` of this source"
            )
        if response.is_redirect:
            raise self.down(
                f"answered {status}, a redirect, which is never followed; put the address it ends at into `url`"
            )
        if status != _OK:
            raise self.down(f"answered {status} for {what}", retry_after(response), busy=status in _BUSY)


class _Sound(requests.Response):
    """What the client is handed: it asks for the status and for `json()["data"]["result"]`, and passes that through."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.status_code = _OK
        self._answer = answer

    def json(self, **_: Any) -> dict[str, dict[str, Answer]]:  # noqa: ANN401 - requests' signature
        """The checked answer in the place of the bare series."""
        return {"data": {"result": self._answer}}


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        document = parsed(body)
    except ValueError:
        return None
    return cast("dict[str, object]", document) if isinstance(document, dict) else None


def _chunks(times: Millis, most: int) -> Iterator[Millis]:
    """The grid in pieces of at most `most` points: each point is asked for once."""
    for first in range(0, len(times), most):
        yield times[first : first + most]


def _decimal(milliseconds: int) -> str:
    """Seconds with all three decimals, as text: no float rounds on the way."""
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def _named(query: str) -> str:
    """The query as a message shows it."""
    line = " ".join(query.split())
    return f"the query `{line if len(line) <= 200 else line[:200] + '…'}`"  # noqa: PLR2004 - what fits a message
