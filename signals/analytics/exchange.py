"""One question to a vendor's API over a bounded session, with errors as sentences.

This module imports requests at its top (the Prometheus adapter has it loaded already).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import cast

import requests

from cases.errors import PermanentError, SourceDown
from cases.ports import Clock
from config.access import HttpSettings
from config.credentials import secrets_in
from signals.access import client_arguments
from signals.bounded_session import BoundedSession, Headers
from signals.json_body import parsed
from signals.reaching import address

_OK = 200
_LOGIN = frozenset({401, 403})
_TOO_MANY, _SERVER = 429, 500
_BUSY = frozenset({_TOO_MANY, 503})
_LONGEST_WAIT = timedelta(hours=1)  # vendors count by the hour
_USUAL_WAIT = {_TOO_MANY: timedelta(minutes=5)}
_LONGEST_NUMBER = 9

Object = Mapping[str, object]


class Exchange:
    """Asks one vendor. `where` is its address, for messages."""

    def __init__(self, settings: HttpSettings, clock: Clock, headers: Headers | None = None) -> None:
        arguments = client_arguments(settings)
        self.name = settings.name
        self.where = address(settings.url)
        self._url = settings.url.rstrip("/")
        self._clock = clock
        self._secrets = ", ".join(f"{_key(loc)} ({secret})" for loc, secret in secrets_in(settings))
        self._session = BoundedSession(
            settings.name,
            settings.url,
            timeout=settings.timeout,
            headers=headers if headers is not None else arguments["headers"],
            context=arguments["verify"],
            max_response_bytes=settings.max_response_mib * 1024 * 1024,
            max_in_flight=settings.max_in_flight,
            compressed=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, path: str, params: Sequence[tuple[str, str]]) -> object:
        """The JSON that a GET brings. Raises SourceDown, or PermanentError when only a human can help."""
        return self._sound(self._session.request("GET", self._url + path, params=list(params)))

    def post(self, path: str, body: object, params: Sequence[tuple[str, str]] = ()) -> object:
        """The JSON that a POST of JSON brings. Raises like `get`."""
        return self._sound(self._session.request("POST", self._url + path, json=body, params=list(params)))

    def misshapen(self, what: str) -> SourceDown:
        """The error of an answer whose shape is not the vendor's; `what` is amiss."""
        return self._session.down(f"{self.where} answered in an unknown shape: {what}")

    def quote(self, text: str) -> str:
        """Foreign text made fit for a message."""
        return self._session.quote(text)

    def _sound(self, response: requests.Response) -> object:
        status = response.status_code
        if status in _LOGIN:
            check = f"check {self._secrets}" if self._secrets else "name credentials in `auth`"
            raise PermanentError(
                f"{self.name}: {self.where} answered {status}: our credentials are refused, or may not read this; "
                f"{check}{self._said(response)}"
            )
        if response.is_redirect:
            raise self._session.down(
                f"{self.where} answered {status}, a redirect, which is never followed; put the address it ends at into "
                "`url`"
            )
        if status in _BUSY or status >= _SERVER:
            because = "that it is asked too much" if status == _TOO_MANY else str(status)
            said = self._said(response)
            raise self._session.down(
                f"{self.where} answered {because}{said}", self._wait(response), busy=status in _BUSY
            )
        if status != _OK:
            raise PermanentError(
                f"{self.name}: {self.where} refuses the question ({status}){self._said(response)}. Correct the "
                "settings of this source"
            )
        try:
            return parsed(response.content)
        except ValueError:
            kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
            raise self._session.down(
                f"{self.where} answered with something that is not whole JSON ({self.quote(kind)})"
            ) from None

    def _said(self, response: requests.Response) -> str:
        """What the vendor says of an error, as the end of a sentence; "" where it is no JSON."""
        try:
            document = parsed(response.content)
        except ValueError:
            return ""
        text = _message(document)
        return f": {self.quote(text)}" if text else ""

    def _wait(self, response: requests.Response) -> timedelta:
        """How long the server asks us to stay away: in seconds or as a date, an hour at the most."""
        asked = response.headers.get("Retry-After", "").strip()
        usual = _USUAL_WAIT.get(response.status_code, timedelta(seconds=30))
        if asked.isascii() and asked.isdecimal():
            return min(timedelta(seconds=int(asked[:_LONGEST_NUMBER])), _LONGEST_WAIT)
        try:
            until = parsedate_to_datetime(asked)
            wait = until - self._clock.now()
        except (ValueError, TypeError, OverflowError):  # no date, or one without a zone
            return usual
        return min(max(wait, timedelta(seconds=1)), _LONGEST_WAIT)


def _key(loc: tuple[str | int, ...]) -> str:
    return ".".join(str(step) for step in loc)


def _message(document: object) -> str:
    """The text of an error, as the vendors write it: `error`, `error.message`, `detail`, `message`."""
    if not isinstance(document, dict):
        return ""
    fields = cast("dict[str, object]", document)
    for name in ("error", "detail", "message"):
        found = fields.get(name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, dict):
            return _message(cast("dict[str, object]", found))
    return ""


def object_of(value: object) -> Object | None:
    """The value where it is a JSON object, else None."""
    return cast("Object", value) if isinstance(value, dict) else None


def list_of(value: object) -> Sequence[object] | None:
    """The value where it is a JSON list, else None."""
    return cast("Sequence[object]", value) if isinstance(value, list) else None
