"""A message from outside: its body, of one media type and a bounded length, and the answer that its sender gets."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from datetime import timedelta

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

log = logging.getLogger("trackwalker.webhooks")


class Refused(Exception):  # noqa: N818 - it is an answer, and reads as one where it is raised
    """The message is not taken: the HTTP status, and one sentence that says why."""

    def __init__(self, status: int, because: str) -> None:
        super().__init__(because)
        self.status = status
        self.because = because

    @property
    def headers(self) -> dict[str, str]:
        """What belongs to the status."""
        return {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "30"}}.get(self.status, {})


JSON, FORM = "application/json", "application/x-www-form-urlencoded"


async def body_of(request: Request, largest: int, kind: str = JSON) -> bytes:
    """The body, of that media type, read no further than it may be long, in bytes. Raises Refused."""
    headers = request.headers
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = headers.get("content-encoding", "identity").lower() != "identity"
    if media != kind or packed:
        what = "plain JSON" if kind == JSON else "a form"
        raise Refused(415, f"send {what} with the header Content-Type: {kind}")
    too_long = Refused(413, f"the body is longer than {largest // 1024} KiB")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()) or int(length[:12]) > largest:
        raise too_long
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > largest:
                raise too_long
    except ClientDisconnect:
        raise Refused(400, "the message broke off") from None
    return bytes(body)


async def answered(
    taking: Awaitable[Mapping[str, object]],
    where: str,
    patience: timedelta,
    late: str = "it took too long; send it again",
) -> JSONResponse:
    """What came of taking a message at `where`, in JSON. One that is refused is logged; one that takes longer ends."""
    try:
        async with asyncio.timeout(patience.total_seconds()):
            return JSONResponse(await taking)
    except Refused as refused:
        log.warning("a message at %s was refused with %d: %s", where, refused.status, refused.because)
        return JSONResponse({"error": refused.because}, refused.status, refused.headers)
    except TimeoutError:
        given_up = Refused(503, late)
        return JSONResponse({"error": late}, given_up.status, given_up.headers)
