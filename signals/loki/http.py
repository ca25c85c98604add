"""One bounded exchange with a Loki over httpx: nothing holds it up, floods it, leads it elsewhere or learns a secret.

This module imports httpx at its top (about 0.1 CPU-s): import it where a source is built.
"""

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Any, Self

import httpx

from cases.errors import SourceDown, TemporaryError
from signals.reaching import address, check_headers, check_url, seconds, why

Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]

_CHUNK = 64 * 1024
_LONGEST_RETRY_AFTER = 300
_LONGEST_NUMBER = 9
_LONGEST_QUOTE = 300
_SHORTEST_SECRET = 4  # a tenant called `1` is no secret, and taking every 1 out of a message would spoil it
_USUAL = frozenset({"host", "user-agent", "accept", "accept-encoding", "connection"})


class Flooded(SourceDown):
    """The answer was longer than is ever read: waiting does not help, asking for less does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One whole answer. `secrets` are the values of ours that must not show in a message about it."""

    status: int
    kind: str  # its content type, without parameters
    body: bytes
    retry_after: timedelta
    secrets: tuple[str, ...] = ()

    def quote(self) -> str:
        """Its text made fit for a message: one line, short, and without any header value of ours in it."""
        return self.clean(self.body[: 16 * _LONGEST_QUOTE].decode(errors="replace"))

    def clean(self, text: str) -> str:
        """Foreign text made fit for a message."""
        for secret in self.secrets:
            text = text.replace(secret, "…")
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE] + "…"


class _Watchdog:
    """Cuts one exchange's connections when its time is up, whatever the other end is dripping."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._sockets: list[socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(max(0.0, seconds), self._cut)
        self._timer.daemon = True

    def trace(self, event: str, about: Mapping[str, Any]) -> None:
        """What httpcore calls: every new connection is watched over from its first byte on."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            sock = about["return_value"].get_extra_info("socket")
            with self._lock:
                self._sockets.append(sock)
                if self.expired:
                    self._shut()

    def _cut(self) -> None:
        with self._lock:
            self.expired = True
            self._shut()

    def _shut(self) -> None:
        for sock in self._sockets:
            with suppress(OSError):  # it was closed in the meantime, which is all that was wanted
                sock.shutdown(SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        self._timer.join()


class BoundedClient:
    """GET requests to one source, bounded in every way.

    Every call

    - ends within `timeout` in all: waiting for a free place, connecting, headers and body together
      (looking a host name up is the system's own affair);
    - reads at most `max_response_bytes` of body, streamed, and takes it unpacked only: a bomb is never unpacked;
    - follows no redirect, tries nothing again, keeps no cookie and no connection;
    - is one of at most `max_in_flight` at a time.

    `headers` may be a mapping or what reveals one at each request. Proxies and passwords from the environment are not
    used. Errors are SourceDown, or PermanentError for an address or header that can never work; none shows a secret.
    """

    def __init__(  # noqa: PLR0913 - each is one setting of the source, given by name
        self,
        source: str,
        url: str,
        *,
        timeout: timedelta,
        max_response_bytes: int,
        max_in_flight: int,
        headers: Headers,
        auth: httpx.Auth | None,
        verify: ssl.SSLContext | bool,
    ) -> None:
        check_url(source, url)
        self.source = source
        self.where = address(url)
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._cap = max_response_bytes
        self._in_flight = max_in_flight
        self._places = threading.BoundedSemaphore(max_in_flight)
        self._headers = headers
        self._auth = auth
        if verify is True:  # the system's store (or SSL_CERT_FILE), not the one httpx brings; it takes time to load
            verify = ssl.create_default_context() if url.startswith("https:") else False
        self._client = httpx.Client(
            verify=verify,
            trust_env=False,
            timeout=httpx.Timeout(timeout.total_seconds()),
            limits=httpx.Limits(max_connections=max_in_flight, max_keepalive_connections=0),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def down(self, because: str, retry_after: timedelta = timedelta(seconds=30)) -> SourceDown:
        """The error that says why this source cannot be read."""
        return SourceDown(self.source, because, retry_after)

    def get(self, path: str, parameters: Mapping[str, str]) -> Reply:
        """Send one request and read its whole answer, whatever its status."""
        began = time.monotonic()
        headers = self._revealed()
        if not self._places.acquire(timeout=self._timeout.total_seconds()):
            raise self.down(f"busy: {self._in_flight} reads have been under way for {seconds(self._timeout)}")
        try:
            with _Watchdog(began + self._timeout.total_seconds() - time.monotonic()) as watchdog:
                return self._exchange(watchdog, path, parameters, headers)
        finally:
            self._places.release()

    def _revealed(self) -> Mapping[str, str]:
        try:
            revealed = dict(self._headers() if callable(self._headers) else self._headers)
        except TemporaryError as error:
            raise self.down(str(error), error.retry_after) from None
        check_headers(self.source, revealed)
        # Without this the defaults of httpx would be sent, and an unpacked answer is what can be bounded.
        return {"User-Agent": "trackwalker", "Accept": "application/json", "Accept-Encoding": "identity"} | revealed

    def _exchange(
        self, watchdog: _Watchdog, path: str, parameters: Mapping[str, str], headers: Mapping[str, str]
    ) -> Reply:
        late = f"{self.where} did not answer in full within {seconds(self._timeout)}"
        request = self._client.build_request(
            "GET", self._url + path, params=parameters, headers=headers, extensions={"trace": watchdog.trace}
        )
        try:
            response = self._client.send(request, stream=True, auth=self._auth, follow_redirects=False)
            try:
                body = self._body(response)
            finally:
                response.close()
                self._client.cookies.clear()
        except httpx.TimeoutException:
            raise self.down(late) from None
        except TemporaryError as error:  # a secret that cannot be read now, or a flood
            raise (error if isinstance(error, SourceDown) else self.down(str(error), error.retry_after)) from None
        except (httpx.HTTPError, OSError) as error:
            # `from None`: the library's error carries the request, and that carries our headers
            raise self.down(late if watchdog.expired else why(error, self.where)) from None
        if watchdog.expired:  # a body without a length ends like a whole one when it is cut
            raise self.down(late)
        return Reply(
            status=response.status_code,
            kind=response.headers.get("content-type", "").partition(";")[0],
            body=body,
            retry_after=_retry_after(response.headers.get("retry-after", "")),
            secrets=_secrets(response.request.headers),
        )

    def _body(self, response: httpx.Response) -> bytes:
        packed = response.headers.get("content-encoding", "identity").lower()
        if packed != "identity":
            raise self.down(f"{self.where} answered with a packed body, which was not asked for; it is never unpacked")
        body = bytearray()
        for chunk in response.iter_raw(_CHUNK):
            body += chunk
            if len(body) > self._cap:
                raise Flooded(self.source, f"{self.where} answered with more than {self._cap / 2**20:.3g} MiB")
        return bytes(body)


def _retry_after(asked: str) -> timedelta:
    """How long the server asks us to stay away: `Retry-After` in seconds, at most five minutes; else 30 seconds."""
    known = asked.isascii() and asked.isdecimal() and len(asked) <= _LONGEST_NUMBER
    return timedelta(seconds=min(int(asked), _LONGEST_RETRY_AFTER) if known else 30)


def _secrets(sent: httpx.Headers) -> tuple[str, ...]:
    """Every value that was sent and may be a credential, and its words, longest first."""
    values = [value for name, value in sent.items() if name.lower() not in _USUAL]
    parts = {part for value in values for part in (value, *value.split())}
    return tuple(sorted((part for part in parts if len(part) >= _SHORTEST_SECRET), key=len, reverse=True))
