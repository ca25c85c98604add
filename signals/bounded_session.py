"""An HTTP session that cannot be held up, flooded, led elsewhere or talked into giving a secret away.

This module imports requests at its top: it is itself imported only when a source that needs it is built.
"""

import ssl
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from http.cookiejar import DefaultCookiePolicy
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from cases.errors import SourceDown, TemporaryError
from signals.reaching import address, check_headers, check_url, seconds, why

Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]

_CHUNK = 64 * 1024
_LONGEST_RETRY_AFTER = 300
_LONGEST_NUMBER = 9
_LONGEST_QUOTE = 300
_SECRETS_KEPT = 32  # of those that were sent lately: an answer may repeat one that has just been replaced
_SHORTEST_SECRET = 4  # a tenant called `1` is no secret, and taking every 1 out of a message would spoil it


class Flooded(SourceDown):
    """The answer was longer than is ever read: waiting does not help, asking for less does."""


class _Watchdog:
    """Cuts one exchange's connection when its time is up, whatever the other end is dripping."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._sock: socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(max(0.0, seconds), self._cut)
        self._timer.daemon = True

    def guard(self, sock: socket | None) -> None:
        """Watch over this connection from now on."""
        with self._lock:
            self._sock = sock
            if self.expired:
                self._shut()

    def _cut(self) -> None:
        with self._lock:
            self.expired = True
            self._shut()

    def _shut(self) -> None:
        if self._sock is not None:
            with suppress(OSError):  # it was closed in the meantime, which is all that was wanted
                self._sock.shutdown(SHUT_RDWR)

    def __enter__(self) -> Self:
        _exchange.watchdog = self
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        self._timer.join()
        _exchange.watchdog = None


class _Exchange(threading.local):
    """The exchange that this thread is in."""

    watchdog: _Watchdog | None = None


_exchange = _Exchange()


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # urllib3's own, see there
        if _exchange.watchdog is not None:
            _exchange.watchdog.guard(self.sock)
        return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # urllib3's own, see there
        if _exchange.watchdog is not None:
            _exchange.watchdog.guard(self.sock)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType] # urllib3's protocol does not fit its own class


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection  # pyright: ignore[reportAssignmentType] # the same


class _Adapter(HTTPAdapter):
    """requests' own adapter, with connections that a watchdog can cut. It never tries again by itself."""

    def __init__(self, context: ssl.SSLContext, *, places: int) -> None:
        self._context = context
        super().__init__(pool_maxsize=places, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:  # noqa: ANN401, FBT001, FBT002 - requests' signature
        """Let the pools make connections of ours."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def cert_verify(self, conn: Any, url: str, verify: object, cert: object) -> None:  # noqa: ANN401 - requests' signature
        """Leave the authorities to the context: requests would load those that it brings for each connection."""
        del url, verify, cert
        conn.cert_reqs = "CERT_REQUIRED"


class BoundedSession(requests.Session):
    """A `requests.Session` for one source, bounded in every way.

    Every call

    - ends within `timeout` in all: waiting for a free place, connecting, headers and body together
      (looking a host name up is the system's own affair);
    - reads at most `max_response_bytes` of (unpacked) body, streamed;
    - is one request: no redirect is followed, nothing is tried again, no cookie is kept;
    - is one of at most `max_in_flight` at a time;
    - asks for an unpacked answer unless `compressed`: packing costs the server more than a local network does.

    `headers` may be a mapping, or what reveals one at each request. `context` does the handshakes of https; None takes
    the system's authorities (or SSL_CERT_FILE), not those that requests brings.
    Proxies and passwords from the environment (`trust_env`) are not used: they could send `headers` elsewhere.
    Errors are SourceDown, or PermanentError for an address or header that can never work. None shows a header's value.
    """

    def __init__(  # noqa: PLR0913 - each is one setting of the source, given by name
        self,
        source: str,
        url: str,
        *,
        timeout: timedelta,
        headers: Headers,
        context: ssl.SSLContext | None = None,
        max_response_bytes: int,
        max_in_flight: int,
        compressed: bool,
    ) -> None:
        super().__init__()
        check_url(source, url)
        self.source = source
        self._revealed: Callable[[], Mapping[str, str]] | None = None
        self._secrets: tuple[str, ...] = ()
        self._timeout = timeout
        self.cap = max_response_bytes
        self._places = threading.BoundedSemaphore(max_in_flight)
        self._in_flight = max_in_flight
        if context is None:  # loading the system's authorities takes a while
            context = (
                ssl.create_default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        self._adapter = _Adapter(context, places=max_in_flight)
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.clear()
        self.headers.update({"User-Agent": "trackwalker", "Accept": "application/json"})
        self.headers.update({"Accept-Encoding": "gzip" if compressed else "identity"})
        if callable(headers):
            self._revealed = headers
        else:
            self.headers.update(self._checked(headers))

    def get_adapter(self, url: str | bytes) -> BaseAdapter:  # noqa: ARG002 - there is one for all
        """Our own adapter, always: prometheus-api-client mounts one of its own over ours."""
        return self._adapter

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self._adapter.close()

    def _checked(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers, when they can be sent. What they hold is kept out of every message from now on."""
        check_headers(self.source, headers)
        parts = {part for value in headers.values() for part in (value, *value.split(), *_password(value))}
        fresh = sorted((part for part in parts if len(part) >= _SHORTEST_SECRET), key=len, reverse=True)
        if not set(fresh) <= set(self._secrets):
            self._secrets = tuple(dict.fromkeys([*fresh, *self._secrets]))[:_SECRETS_KEPT]
        return headers

    def _fresh(self) -> Mapping[str, str]:
        """The headers as they are now. Raises SourceDown when a secret cannot be had now."""
        if self._revealed is None:
            return {}
        try:
            return self._checked(self._revealed())
        except TemporaryError as error:
            raise self.down(str(error), error.retry_after) from None

    def quote(self, text: str) -> str:
        """Foreign text made fit for a message: one line, short, and without any header value of ours in it."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE] + "…"

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - requests has sixteen parameters here
        """Send one request and read its whole answer. Raises SourceDown when that cannot be done within the bounds."""
        fresh = self._fresh()  # before the time runs: a command that shows a password takes its own
        kwargs["headers"] = {**(kwargs.get("headers") or {}), **fresh}
        began = time.monotonic()
        if not self._places.acquire(timeout=self._timeout.total_seconds()):
            raise self.down(f"busy: {self._in_flight} reads have been under way for {seconds(self._timeout)}")
        try:
            with _Watchdog(began + self._timeout.total_seconds() - time.monotonic()) as watchdog:
                return self._exchange(watchdog, method, url, *args, **kwargs)
        finally:
            self._places.release()

    def down(self, because: str, retry_after: timedelta = timedelta(seconds=30), *, busy: bool = False) -> SourceDown:
        """The error that says why this source cannot be read; `busy`: for being asked too much."""
        return SourceDown(self.source, because, retry_after, busy=busy)

    def _exchange(
        self,
        watchdog: _Watchdog,
        method: str | bytes,
        url: str | bytes,
        *args: Any,  # noqa: ANN401 - requests has sixteen parameters here
        **kwargs: Any,  # noqa: ANN401 - the same
    ) -> requests.Response:
        where = address(url)
        late = f"{where} did not answer in full within {seconds(self._timeout)}"
        kwargs |= {"stream": True, "allow_redirects": False, "timeout": self._timeout.total_seconds()}
        try:
            response = super().request(method, url, *args, **kwargs)
            with response:
                self._read_body(response, where)
        except requests.Timeout:
            raise self.down(late) from None
        except (requests.RequestException, OSError) as error:
            # `from None`: the library's error carries the request, and that carries our headers
            raise self.down(late if watchdog.expired else _why(error, where)) from None
        if watchdog.expired:  # a body without a length ends like a whole one when it is cut
            raise self.down(late)
        return response

    def _read_body(self, response: requests.Response, where: str) -> None:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > self.cap:
                raise Flooded(self.source, f"{where} answered with more than {self.cap / 2**20:.3g} MiB")
        # The public way to hand a body over does not exist; requests' own `content` keeps it here.
        response._content = bytes(body)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def retry_after(response: requests.Response) -> timedelta:
    """How long the server asks us to stay away: its `Retry-After` in seconds, at most five minutes; else 30 seconds."""
    asked = response.headers.get("Retry-After", "")
    known = asked.isascii() and asked.isdecimal() and len(asked) <= _LONGEST_NUMBER
    return timedelta(seconds=min(int(asked), _LONGEST_RETRY_AFTER) if known else 30)


def _password(value: str) -> tuple[str, ...]:
    """The password inside `Basic …`: whoever echoes it will do so unpacked."""
    kind, _, packed = value.partition(" ")
    if kind != "Basic":
        return ()
    try:
        return (b64decode(packed, validate=True).decode().partition(":")[2],)
    except ValueError:  # not what Basic looks like, and then nothing is packed in it
        return ()


def _why(error: requests.RequestException | OSError, where: str) -> str:
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return f"{where} answered with a packed body that cannot be unpacked"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"{where} broke its answer off"
    return why(error, where)
