"""Alertmanager, by its v2 API: which alerts it has, and annotations written beside those that it has already.

Measured with Alertmanager 0.25 and Prometheus 2.42, and so designed:

- An alert is its labels. One that is posted again with the same labels takes the place of the one before: annotations
  are replaced, never joined. So every annotation that was there is sent along.
- Prometheus posts a firing alert again every minute (`--rules.alert.resend-delay`), which wipes what we wrote. So it is
  written again after each poll. A page that goes out within such a gap, which is at most a poll long, lacks it.
- New annotations page nobody. A group is told at `group_wait` (our words are in the very first page when they are
  there by then), when an alert joins or resolves, and at `repeat_interval`; each time with the words of that moment.
- `endsAt` decides whether an alert lives: without one it is prolonged by `resolve_timeout`, with a past one it is
  resolved. So it is sent back as it was read, with `startsAt` and `generatorURL`: we neither prolong nor end an alert,
  and what was posted without our words is prolonged and ended by its owner as before.
- Between reading and writing, milliseconds apart, the owner may resolve it. What we write then brings it back, at most
  until the `endsAt` that it had (four minutes with Prometheus, which says again within one that it is resolved).
- Silences and inhibitions are over labels and stay in force. Such alerts are left alone all the same.
- Members of a cluster do not share alerts: what is written to one is in the pages of that one.

This module imports httpx at its top (about 0.1 CPU-s): import it where a source is built.
API: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

import json
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

import httpx

from cases.errors import PermanentError, SourceDown
from signals.json_body import parsed
from signals.loki.http import BoundedClient, Flooded, Headers, Reply
from signals.reaching import why
from signals.regular import Unreadable
from signals.silences import Silence, silence_of

_NO_LABELS: Mapping[str, str] = MappingProxyType({})
_OK = 200
_BAD_REQUEST = 400
_REFUSED = frozenset({401, 403})
_NOWHERE = frozenset({404, 405})
_LONGEST_VERSION = 40
_LONGEST_ANSWER = 64 * 1024  # of a post, whose answer is empty or one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert that Alertmanager has. `ends` and `generator` are kept as they were said, to be said again.

    quiet    why nobody is paged for it: "silenced", "inhibited", or "" where it pages
    by       the ids of the silences, or the fingerprints of the alerts, that keep it quiet
    """

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    started: datetime
    starts: str
    ends: str
    generator: str = ""
    quiet: str = ""
    by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.labels.get("alertname", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An alert of our own. It fires until `ends`; one that lies in the past ends it."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts: datetime
    ends: datetime


class Alertmanager:
    """One Alertmanager. Every call is one bounded request; backing off is the caller's.

    Raises SourceDown when it cannot be read or written now, PermanentError when only a human can help.
    """

    def __init__(
        self,
        name: str,
        *,
        url: str,
        timeout: timedelta = timedelta(seconds=5),
        headers: Headers = _NO_LABELS,
        verify: ssl.SSLContext | bool = True,
        max_response_bytes: int = 8 * 2**20,
        max_in_flight: int = 2,
    ) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._client = _Client(
            name,
            self._url,
            timeout=timeout,
            max_response_bytes=max_response_bytes,
            max_in_flight=max_in_flight,
            headers=headers,
            auth=None,
            verify=verify,
        )

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def __repr__(self) -> str:
        return f"Alertmanager({self._name!r}, url={self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def probe(self) -> str:
        """Reach it and say what it is, for people."""
        reply = self._client.get("/api/v2/status", {})
        about = self._document(reply, "its status")
        match about:
            case {"versionInfo": {"version": str(version)}}:
                return f"Alertmanager {reply.clean(version)[:_LONGEST_VERSION]} at {self._url}"
            case _:
                raise self._other_thing()

    def alerts(
        self, labels: Mapping[str, str] = _NO_LABELS, *, silenced: bool = True, inhibited: bool = True
    ) -> tuple[Alert, ...]:
        """The alerts that fire and have these labels; those that are silenced or inhibited only where they are wanted.

        What has been resolved is not among them.
        """
        wanted = [
            ("active", "true"),
            ("silenced", "true" if silenced else "false"),
            ("inhibited", "true" if inhibited else "false"),
            *(("filter", f"{name}={json.dumps(value, ensure_ascii=False)}") for name, value in labels.items()),
        ]
        try:
            reply = self._client.get("/api/v2/alerts", httpx.QueryParams(tuple(wanted)))
        except Flooded as error:
            raise SourceDown(self._name, f"{error.because} of alerts; raise max_response_mib") from None
        listed = self._document(reply, "its alerts")
        if not isinstance(listed, list):
            raise self._other_thing()
        try:
            return tuple(_alert(cast("dict[str, Any]", one)) for one in cast("list[object]", listed))
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self._client.down("answered with an alert in an unknown shape") from None

    def silences(self) -> tuple[tuple[Silence, ...], dict[str, str]]:
        """The silences in force; and those that cannot be read: id → why."""
        try:
            reply = self._client.get("/api/v2/silences", {})
        except Flooded as error:
            raise SourceDown(self._name, f"{error.because} of silences; raise max_response_mib") from None
        listed = self._document(reply, "its silences")
        if not isinstance(listed, list):
            raise self._other_thing()
        found: list[Silence] = []
        unreadable: dict[str, str] = {}
        for one in cast("list[dict[str, Any]]", listed):
            try:
                if one["status"]["state"] == "active":
                    found.append(silence_of(one))
            except Unreadable as error:
                unreadable[str(one["id"])] = str(error)
            except (LookupError, TypeError, AttributeError):
                raise self._client.down("answered with a silence in an unknown shape") from None
        return tuple(found), unreadable

    def annotate(self, wanted: Iterable[tuple[Alert, Mapping[str, str]]]) -> None:
        """Give each alert these annotations in place of its own. Whatever else it has stays."""
        self._post([_posted(alert, said) for alert, said in wanted], "annotations")

    def say(self, alerts: Iterable[Raised]) -> None:
        """Let these alerts of our own fire, or end."""
        self._post(
            [
                {
                    "labels": dict(alert.labels),
                    "annotations": dict(alert.annotations),
                    "startsAt": alert.starts.isoformat(),
                    "endsAt": alert.ends.isoformat(),
                }
                for alert in alerts
            ],
            "alerts",
        )

    def _post(self, documents: Sequence[object], what: str) -> None:
        reply = self._client.post("/api/v2/alerts", documents)
        if reply.status == _BAD_REQUEST:
            raise PermanentError(f"{self._name}: refuses {what}: {reply.quote()}")
        self._check(reply, what)

    def _document(self, reply: Reply, what: str) -> object:
        self._check(reply, what)
        try:
            return parsed(reply.body)
        except ValueError:
            raise self._other_thing() from None

    def _check(self, reply: Reply, what: str) -> None:
        if reply.status == _OK:
            return
        if reply.status in _REFUSED:
            raise PermanentError(
                f"{self._name}: answered {reply.status}: our credentials are refused; check its `auth` and `headers`"
            )
        if reply.status in _NOWHERE:
            raise self._other_thing()
        said = f": {reply.quote()}" if reply.body else ""
        raise self._client.down(f"answered {reply.status} for {what}{said}", reply.retry_after)

    def _other_thing(self) -> PermanentError:
        return PermanentError(
            f"{self._name}: what answers at its url is no Alertmanager with the v2 API; check signals.alertmanager.url"
        )


class _Client(BoundedClient):
    """A bounded client that posts, too."""

    def post(self, path: str, document: Sequence[object]) -> Reply:
        """Send one document and read the beginning of the answer. Nothing is tried again, no redirect is followed.

        Each wait for the other end is bounded by the timeout, not the whole: it answered a GET a moment before.
        """
        headers = self._revealed()
        late = f"{self.where} did not take what was posted within {self._timeout.total_seconds():g} s"
        request = self._client.build_request("POST", self._url + path, json=document, headers=headers)
        try:
            response = self._client.send(request, stream=True, follow_redirects=False)
            try:
                body = next(response.iter_raw(_LONGEST_ANSWER), b"")
            finally:
                response.close()
                self._client.cookies.clear()
        except httpx.TimeoutException:
            raise self.down(late) from None
        except (httpx.HTTPError, OSError) as error:
            # `from None`: the library's error carries the request, and that carries our headers
            raise self.down(why(error, self.where)) from None
        return Reply(
            status=response.status_code,
            kind=response.headers.get("content-type", "").partition(";")[0],
            body=body,
            retry_after=timedelta(seconds=30),
            secrets=tuple(value for name, value in headers.items() if name not in _PLAIN),
        )


_PLAIN = frozenset({"User-Agent", "Accept", "Accept-Encoding"})


def _alert(found: Mapping[str, Any]) -> Alert:
    """One alert as the API lists it. Raises LookupError, TypeError, AttributeError or ValueError for anything else."""
    status = found["status"]
    quiet = "silenced" if status["silencedBy"] else "inhibited" if status["inhibitedBy"] else ""
    started = datetime.fromisoformat(found["startsAt"])
    if started.tzinfo is None:
        raise ValueError("an alert's start has no zone")
    return Alert(
        fingerprint=str(found["fingerprint"]),
        labels=_texts(found["labels"]),
        annotations=_texts(found["annotations"]),
        started=started.astimezone(UTC),
        starts=str(found["startsAt"]),
        ends=str(found["endsAt"]),
        generator=str(found.get("generatorURL") or ""),
        quiet=quiet,
        by=tuple(str(one) for one in status["silencedBy"] or status["inhibitedBy"]),
    )


def _texts(found: Mapping[object, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in found.items()}


def _posted(alert: Alert, annotations: Mapping[str, str]) -> dict[str, object]:
    document: dict[str, object] = {
        "labels": dict(alert.labels),
        "annotations": dict(annotations),
        "startsAt": alert.starts,
        "endsAt": alert.ends,
    }
    return document | ({"generatorURL": alert.generator} if alert.generator else {})
