"""What the forge's API may answer, how much, and for how long.

PyGithub reads whatever comes, for as long as it comes, and takes a list of nothing for "there is none".

This module imports requests and github at its top: it is itself imported with the first client.
"""

import json
import time
from http import HTTPStatus
from typing import Any, cast

import requests
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester
from urllib3.exceptions import DecodeError, HTTPError

from remediation.forge.quota import quota_now

LARGEST = 16 * 2**20
"""Bytes of one unpacked answer: a page of a hundred pull requests with the longest texts has 10 MB."""

SMALL = 2**20
A_VALUE = 8
"""Bytes for each value of an answer larger than SMALL: a few megabytes of `{},` would be gigabytes of objects."""

LONGEST = 60.0
"""Seconds that the body of one answer may take. Between two pieces of it the client's own limit holds."""

_PIECE = 64 * 1024


class Unusable(requests.RequestException):
    """The answer is larger, or takes longer, than any answer does, or is not GitHub's; the message says which."""


def bounded(response: requests.Response, **_: Any) -> None:  # noqa: ANN401 - what requests passes to every hook
    """Read the body of an answer within bounds, as a response hook of a session. Raises Unusable, or as requests."""
    try:
        body = _read(response)
    except DecodeError as error:
        response.close()
        raise requests.exceptions.ContentDecodingError(error) from None
    except (HTTPError, OSError) as error:
        response.close()  # what is left of it must not come before the next answer
        raise error if isinstance(error, Unusable) else requests.ConnectionError(error) from None
    if response.request.method == "GET" and response.status_code == HTTPStatus.OK:
        _check(body)
    # requests has no public way to hand a body over: `content` and `text` are read from here.
    response._content = body  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def counted(response: requests.Response, **_: Any) -> None:  # noqa: ANN401 - what requests passes to every hook
    """Let the quota know what an answer says of limits, as a response hook of a session."""
    if (quota := quota_now()) is not None:
        quota.after(response.status_code, {name.lower(): value for name, value in response.headers.items()})


def _read(response: requests.Response) -> bytes:
    end = time.monotonic() + LONGEST
    body = bytearray()
    while piece := response.raw.read1(_PIECE, decode_content=True):
        body += piece
        if len(body) > LARGEST:
            raise Unusable(f"its answer is larger than {LARGEST // 2**20} MiB")
        if time.monotonic() > end:
            raise Unusable(f"its answer takes longer than {LONGEST:g} s")
    return bytes(body)


def _check(body: bytes) -> None:
    """What is read is an object or a list of objects. The library would find nothing in anything else, and say so."""
    if len(body) > SMALL and body.count(b",") * A_VALUE > len(body):
        raise Unusable("its answer is not GitHub's")
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise Unusable("its answer is no JSON") from None
    entries = cast("list[object]", document) if isinstance(document, list) else [document]
    if not all(isinstance(entry, dict) for entry in entries):
        raise Unusable("its answer is not GitHub's")


class _Plain(HTTPRequestsConnectionClass):
    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(*args, **kwargs)
        self.session.hooks["response"] = [counted, bounded]

    def request(self, verb: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the library's own
        if (quota := quota_now()) is not None:
            quota.before(verb)
        super().request(verb, *args, **kwargs)


class _Secure(HTTPSRequestsConnectionClass):
    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(*args, **kwargs)
        self.session.hooks["response"] = [counted, bounded]

    def request(self, verb: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the library's own
        if (quota := quota_now()) is not None:
            quota.before(verb)
        super().request(verb, *args, **kwargs)


def bound_every_answer() -> None:
    """From now on every client of the library in this process reads within bounds. A second time changes nothing."""
    Requester.injectConnectionClasses(_Plain, _Secure)
    # The library injects for its own tests, and stops reusing connections with it.
    setattr(Requester, "_Requester__persist", True)  # noqa: B010 - it has no public name
