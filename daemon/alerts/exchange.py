"""One POST of JSON to a receiver. Its address may be the credential: it is never shown, and followed nowhere else."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from cases.errors import PermanentError, TemporaryError

TIMEOUT = timedelta(seconds=5)
DEFAULT_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_ANSWER = 16 * 1024

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_AGAIN = frozenset({408, 425, 429})
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the other end said. `wait` is what it asks for in `Retry-After`, an hour at the most."""

    status: int
    wait: timedelta
    beginning: bytes

    @property
    def taken(self) -> bool:
        """Any of the 2xx."""
        return self.status // 100 == 2  # noqa: PLR2004 - named just above

    @property
    def elsewhere(self) -> bool:
        """Any of the 3xx."""
        return self.status // 100 == 3  # noqa: PLR2004 - the same

    @property
    def passing(self) -> bool:
        """Whether the same may be taken later."""
        return self.status in _AGAIN or self.status >= _SERVER_ERROR


def post(
    whom: str,
    url: str,
    document: Mapping[str, Any],
    *,
    headers: Mapping[str, str] = _NO_HEADERS,
    timeout: timedelta = TIMEOUT,
    longest: int = LONGEST_ANSWER,
    signed: Callable[[bytes], Mapping[str, str]] | None = None,
) -> Answer:
    """Post it once. `whom` begins every message; `timeout` bounds connecting, and each wait for the other end.

    `signed` gives headers that depend on the very bytes of the body.

    By the transport itself: httpx's client writes every URL into the log, and follows redirects and proxies.
    TemporaryError for no answer; PermanentError for an address that can never work.
    """
    import httpx

    limits = dict.fromkeys(("connect", "read", "write", "pool"), timeout.total_seconds())
    _check(whom, url)
    try:
        request = httpx.Request("POST", url, json=dict(document), headers=headers, extensions={"timeout": limits})
        request.headers.update(signed(request.content) if signed is not None else {})
        with httpx.HTTPTransport() as transport:
            response = transport.handle_request(request)
            try:
                beginning = _beginning(response.iter_raw(), longest)
            finally:
                response.close()
    except httpx.TimeoutException:
        unreached = f"no answer within {timeout.total_seconds():g} s"
    except httpx.TransportError as error:
        unreached = type(error).__name__  # its text may quote what was sent
    except httpx.InvalidURL:
        raise PermanentError(f"{whom} cannot be posted to: its secret is not a URL; put the URL there") from None
    else:
        wait = _wait(response.headers.get("retry-after", ""))
        return Answer(status=response.status_code, wait=wait, beginning=beginning)
    raise TemporaryError(f"{whom} cannot be reached ({unreached})", DEFAULT_WAIT)


def _beginning(chunks: Iterable[bytes], longest: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) >= longest:
            break
    return bytes(body[:longest])


def _check(whom: str, url: str) -> None:
    """Raise PermanentError unless it is a URL of the web. What is wrong with it is said without repeating it."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        plain = False
    if not plain:
        raise PermanentError(f"{whom} cannot be posted to: its secret is not a http or https URL; put the URL there")


def _wait(seconds: str) -> timedelta:
    """What Retry-After asks for; half a minute where it says nothing that can be read."""
    if not (seconds.isascii() and seconds.isdigit()):
        return DEFAULT_WAIT
    return min(timedelta(seconds=min(int(seconds[:9]), LONGEST_WAIT.total_seconds())), LONGEST_WAIT)
