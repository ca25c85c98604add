"""One exchange of JSON with a vendor of flags, bounded: in time, in bytes, and led nowhere else.

The token is revealed for each request and shows in no error; what a vendor says is quoted short, and never obeyed.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from cases.errors import PermanentError, TemporaryError
from config.secret import Secret
from remediation.neutral import neutral

if TYPE_CHECKING:
    import httpx

TIMEOUT = timedelta(seconds=10)
LARGEST = 4 * 2**20
"""Bytes of an answer: a flag of a hundred variants and rules has a few hundred thousand."""
USUAL_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=5)
_DIGITS = 9
_AGAIN = frozenset({408, 409, 425, 429})  # 409: somebody changed it at the same moment
_UNKNOWN, _FORBIDDEN, _MISSING, _OK, _ELSEWHERE, _ASKED_WRONG, _BROKEN = 401, 403, 404, 200, 300, 400, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Whose flags they are.

    name    as messages have it
    url     its address, without a slash at the end
    token   what is sent in `Authorization`, as it is
    rights  what the token must be given, for whoever reads that it may not
    """

    name: str
    url: str
    token: Secret
    rights: str

    def ask(self, method: str, path: str, document: object = None, kind: str = "application/json") -> Any | None:  # noqa: ANN401 - JSON
        """What it answers; None where there is nothing at that path.

        TemporaryError: no answer, too much asked, out of order, changed meanwhile. PermanentError: everything else.
        """
        status, wait, body = self._exchange(method, path, document, kind)
        if status == _MISSING:
            return None
        if status in _AGAIN or status >= _BROKEN:
            raise TemporaryError(f"{self.name} answers {status} now: {_said(body)}", wait)
        if status == _UNKNOWN:
            raise PermanentError(f"{self.name} does not take the token: renew what {self.token} holds")
        if status == _FORBIDDEN:
            raise PermanentError(
                f"{self.name} forbids it ({_said(body)}): the token in {self.token} needs {self.rights}"
            )
        if status >= _ASKED_WRONG:
            raise PermanentError(f"{self.name} refuses it with {status}: {_said(body)}")
        if status >= _ELSEWHERE:
            raise PermanentError(f"{self.name} leads elsewhere (status {status}): set its own address as the url")
        try:
            return json.loads(body) if body else {}
        except (ValueError, RecursionError):
            raise PermanentError(f"{self.name} answers no JSON: is {self.url} its address?") from None

    def _exchange(self, method: str, path: str, document: object, kind: str) -> tuple[int, timedelta, bytes]:
        """Status, what it asks us to wait, and the body."""
        import httpx

        limits = dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT.total_seconds())
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "trackwalker"}
        sent = b"" if document is None else json.dumps(document).encode()
        if sent:
            headers["Content-Type"] = kind
        token = headers["Authorization"] = self.token.reveal()
        try:
            # By the transport itself: httpx's client writes every URL into the log, and follows proxies.
            request = httpx.Request(
                method, self.url + path, headers=headers, content=sent, extensions={"timeout": limits}
            )
            with httpx.HTTPTransport(verify=self._trust()) as transport:
                response = transport.handle_request(request)
                try:
                    body = _body(cast("Iterable[bytes]", response.stream), self.name)
                finally:
                    response.close()
        except httpx.TimeoutException:
            unreached = f"no answer within {TIMEOUT.total_seconds():g} s"
        except (httpx.TransportError, UnicodeEncodeError) as error:
            unreached = type(error).__name__  # its text may quote what was sent
        else:
            if response.status_code != _OK:  # it is quoted: a server may say what it was sent
                body = body.replace(token.encode(), b"***")
            return response.status_code, _wait(response), body
        raise TemporaryError(f"{self.name} at {self.url} cannot be reached ({unreached})", USUAL_WAIT)

    def _trust(self) -> Any:  # noqa: ANN401 - an SSL context, or False where there is no TLS
        """The system's store of certificates, or the one of SSL_CERT_FILE."""
        import ssl

        return ssl.create_default_context() if self.url.startswith("https:") else False


def in_path(*parts: str) -> str:
    """Names as parts of a path: none of them leads out of its place."""
    if any(part.strip(".") == "" for part in parts):
        raise PermanentError(f"{'/'.join(parts)!r} names nothing that can be asked for")
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _body(pieces: Iterable[bytes], name: str) -> bytes:
    end = time.monotonic() + TIMEOUT.total_seconds()
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > LARGEST:
            raise PermanentError(f"{name} answers with more than {LARGEST >> 20} MiB")
        if time.monotonic() > end:
            raise TemporaryError(f"{name} takes longer than {TIMEOUT.total_seconds():g} s to answer", USUAL_WAIT)
    return bytes(body)


def _wait(response: "httpx.Response") -> timedelta:
    asked = response.headers.get("retry-after", "")
    known = asked.isascii() and asked.isdecimal() and len(asked) <= _DIGITS
    return min(timedelta(seconds=int(asked)), LONGEST_WAIT) if known else USUAL_WAIT


def _said(body: bytes) -> str:
    """What an answer gives as its reason, short."""
    text = body[:4096].decode(errors="replace")
    try:
        document: Any = json.loads(body)
        text = str(document["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return neutral(text, 200) or "it does not say why"
