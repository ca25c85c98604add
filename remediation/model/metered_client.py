"""The HTTP client that adapters send through: every attempt is paid for here, whatever is made of the answer.

It runs once an attempt, sees the very bytes that leave and the very bytes that come back, reads an answer whole before
anybody looks at it, and bounds it in size and time.
"""

import hashlib
import ssl
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import httpx2

from cases.ports import Clock
from remediation.model.meter import Meter, Reservation
from remediation.model.reply import Reply
from remediation.model.wire import NETWORK, Wire

LARGEST = 8 * 2**20
"""Bytes of an answer, far above the longest that a model writes."""

FIRST_ERROR = 400
FIRST_REDIRECT = 300

_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


@cache
def _trust() -> ssl.SSLContext:
    """Whom the system trusts. Reading it takes 40 ms of work, so it is read once a life of the process."""
    return httpx2.create_ssl_context()


class TooMuch(httpx2.ReadError):
    """The answer was larger than any answer can be."""


class MeteredClient(httpx2.Client):
    """A client for the questions of one `meter`; without one it can only ask what costs nothing (the probe).

    `patience` bounds a whole answer: a server that drips bytes is not waited for. `read` finds what an answer used.
    """

    def __init__(
        self,
        clock: Clock,
        patience: timedelta,
        meter: Meter | None = None,
        *,
        read: Callable[[bytes, str], Reply],
        wire: Wire = NETWORK,
    ) -> None:
        # Redirects stay off: the key would follow them.
        super().__init__(
            timeout=patience.total_seconds(),
            follow_redirects=False,
            verify=_trust() if wire.transport is None else False,
            transport=wire.transport,
        )
        self._clock = clock
        self._patience = patience.total_seconds()
        self._meter = meter
        self._read = read
        self._tape = wire.tape

    def send(
        self,
        request: httpx2.Request,
        *,
        stream: bool = False,  # noqa: ARG002 - it is the SDK's wish; everything is read here
        **_: Any,  # noqa: ANN401 - redirects and logins of HTTP: neither is ever used
    ) -> httpx2.Response:
        """Reserve, make one attempt, settle. Raises OverBudget before anything is sent."""
        if self._meter is None:
            if request.method != "GET":
                raise RuntimeError(f"{request.method} {request.url.path} may cost money, and there is no meter")
            return self._attempt(request)
        asked = request.read()
        reservation = self._meter.reserve(len(asked), prompt=hashlib.sha256(asked).hexdigest())
        try:
            response = self._attempt(request)
        except httpx2.RequestError as error:
            if isinstance(error, _NEVER_LEFT):
                self._meter.free(reservation)
            else:
                self._meter.keep(reservation)  # it was sent, and may have been answered: it counts in full
            if self._tape is not None:
                self._tape.failed(request, error)
            raise
        self._settle(self._meter, reservation, response)
        if self._tape is not None:
            self._tape.answered(request, response)
        return response

    def _attempt(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, read to its end."""
        end = self._clock.monotonic() + self._patience
        response = super().send(request, stream=True, follow_redirects=False)
        body = bytearray()
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    raise TooMuch(f"the answer is larger than {LARGEST} bytes", request=request)
                if self._clock.monotonic() > end:
                    raise httpx2.ReadTimeout(f"no whole answer within {self._patience:g} s", request=request)
        finally:
            response.close()
        kept = [(k, v) for k, v in response.headers.multi_items() if k not in {"content-encoding", "content-length"}]
        return httpx2.Response(response.status_code, headers=kept, content=bytes(body), request=request)

    def _settle(self, meter: Meter, reservation: Reservation, response: httpx2.Response) -> None:
        """Put the usage that the raw answer tells in place of the reservation, or leave that in full."""
        if response.status_code >= FIRST_REDIRECT:
            meter.free(reservation)  # a refusal is not billed
            return
        usage = self._read(response.content, response.headers.get("content-type", "")).usage
        if usage is None:
            meter.keep(reservation)
        else:
            meter.settle(reservation, usage)
