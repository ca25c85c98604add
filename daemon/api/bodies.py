"""The body of a message from outside: plain JSON of a bounded length, or an answer that says what is wrong."""

from starlette.requests import ClientDisconnect, Request


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


async def body_of(request: Request, largest: int) -> bytes:
    """The body, read no further than it may be long, in bytes. Raises Refused."""
    headers = request.headers
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = headers.get("content-encoding", "identity").lower() != "identity"
    if media != "application/json" or packed:
        raise Refused(415, "send plain JSON with the header Content-Type: application/json")
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
