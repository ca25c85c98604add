"""The forge's token: asked for at each use, and not sent again and again once the forge has refused it.

Nothing waits for a human to let it go on: another token is tried at once, and the same one now and then, because a
forge may take it again (an organisation's approval, an outage of its logins).
"""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, runtime_checkable

from cases.errors import TemporaryError

REST = timedelta(minutes=1)
ADVICE = "the forge does not take the token: renew what forge.token points to"


class TokenRefused(TemporaryError):  # noqa: N818 - it is a state of the token, and reads as one where it is caught
    """Everything on that forge waits for a token that it takes."""

    def __init__(self, message: str) -> None:
        super().__init__(message, REST)


@runtime_checkable
class Installed(Protocol):
    """A source of tokens that is an App's installation: see `remediation.forge.app`."""

    def __call__(self) -> str:
        """The token of now."""
        ...

    def forget(self, token: str) -> None:
        """The forge has refused this one: make another, unless it was made just now."""
        ...

    def login(self) -> str:
        """Whom the forge shows as the author of what the App does."""
        ...


class Token:
    """One forge's token, shared by all that speak to it. Safe for threads.

    source  where it is found; asked at each use, so that a rotated one is seen
    rest    how long a refused one is not sent again
    """

    def __init__(self, source: Callable[[], str], rest: timedelta = REST) -> None:
        self._source = source
        self.app = source if isinstance(source, Installed) else None
        self._rest = rest.total_seconds()
        self._lock = threading.Lock()
        self._mine = threading.local()  # which one this thread was given last
        self._refused = ""
        self._again = 0.0

    def __call__(self) -> str:
        """The token of now. Raises TokenRefused, without asking the forge, for one that was just refused."""
        token = self._unless_refused()  # so that no frame of the error holds it
        if token is None:
            raise TokenRefused(f"{ADVICE} (it was refused a moment ago, and is not sent again yet)")
        return token

    def refuse(self) -> None:
        """The forge has just refused what this thread was given."""
        token = getattr(self._mine, "token", "")
        if token:
            with self._lock:
                self._refused, self._again = token, time.monotonic() + self._rest
            if self.app is not None:
                self.app.forget(token)

    def _unless_refused(self) -> str | None:
        token = self._source()
        with self._lock:
            resting = bool(token) and token == self._refused and time.monotonic() < self._again
        self._mine.token = "" if resting else token
        return None if resting else token


def shared(token: Callable[[], str]) -> Token:
    """The token itself, or one made of where it is found."""
    return token if isinstance(token, Token) else Token(token)
