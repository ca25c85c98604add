"""A GitHub App's installation as a source of tokens: an own name, own permissions, and a key instead of a password.

A JSON web token, signed with the App's key and good for some minutes, buys a token of the installation, narrowed to the
configured repositories and to what is needed there, and good for an hour. It is renewed before it ends. The forge's
clock decides all of it, so its `Date` is looked at, and ours need not be right.
API: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import AwareDatetime, Field

from cases.errors import PermanentError, TemporaryError, TrackwalkerError
from cases.ports import Clock
from remediation.forge.answers import Answered, read
from remediation.forge.github_errors import asking, reason_of
from remediation.forge.limits import is_limit
from remediation.forge.token import TokenRefused

log = logging.getLogger("trackwalker.forge")

NEEDED: Mapping[str, str] = {
    "contents": "write",
    "pull_requests": "write",
    "issues": "write",
    "metadata": "read",
}
"""Without these there are no pull requests."""

WELCOME: Mapping[str, str] = {"checks": "write", "statuses": "read", "deployments": "read"}
"""What each of these is for is left out where it is not granted."""

LEVELS = ("read", "write", "admin")
BACK = timedelta(seconds=60)  # a token that begins a little earlier is taken by a forge whose clock is behind
GOOD_FOR = timedelta(minutes=9)  # GitHub takes ten at most, from its own now on
EARLY = timedelta(minutes=5)  # before its end a token is renewed: what was begun with it may take minutes
SKEW = timedelta(seconds=30)  # from which clocks disagree
REST = timedelta(seconds=30)  # between two tries that failed
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, UNPROCESSABLE = 401, 403, 404, 422
BAD = 300


class _Facts(Answered):
    slug: str = Field(alias="app_slug")
    permissions: Mapping[str, str]
    suspended: AwareDatetime | None = Field(default=None, alias="suspended_at")


class _Minted(Answered):
    token: str
    expires: AwareDatetime = Field(alias="expires_at")
    permissions: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Held:
    """A token, and when on the monotonic clock it was made and is to be renewed."""

    token: str = field(repr=False)
    made: float
    renew: float


@dataclass(slots=True, kw_only=True)
class Installation:
    """One installation of one App, called for the token of now. Safe for threads.

    key           reads the App's private key, PEM; asked at each signature, so that a rotated one is seen
    repositories  the names, without their owner, that tokens are narrowed to
    """

    api_url: str
    app: int
    installation: int
    key: Callable[[], str]
    repositories: Sequence[str]
    clock: Clock
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)
    _held: _Held | None = field(default=None, init=False, repr=False)
    _facts: _Facts | None = field(default=None, init=False)
    _failed: tuple[float, TrackwalkerError] | None = field(default=None, init=False)
    _skew: timedelta = field(default=timedelta(0), init=False)  # what the forge's clock is ahead of ours

    def __call__(self) -> str:
        """The token of now, made where there is none that lasts.

        Raises TokenRefused while the App is not let in (its key, a suspension), PermanentError for what must be
        configured otherwise, TemporaryError for a forge that cannot be reached. No message has the key or a token.
        """
        with self._lock:
            now = self.clock.monotonic()
            if self._held is not None and now < self._held.renew:
                return self._held.token
            if self._failed is not None and now < self._failed[0]:
                raise self._failed[1]
            try:
                self._held = self._mint()
            except (TemporaryError, PermanentError) as error:
                self._failed = (now + REST.total_seconds(), error)
                raise
            self._failed = None
            return self._held.token

    def forget(self, token: str) -> None:
        """The forge refused this one: make another, unless it was made just now, when another would not do better."""
        with self._lock:
            held = self._held
            if held is not None and held.token == token:
                if self.clock.monotonic() - held.made >= REST.total_seconds():
                    self._held = None
                else:
                    log.warning("the forge refuses a token that it gave us a moment ago")

    def login(self) -> str:
        """Whom the forge shows as the author of what the App does."""
        return f"{self._known().slug}[bot]"

    def granted(self) -> Mapping[str, str]:
        """What was granted to the installation: permission → read, write or admin."""
        return self._known().permissions

    def _known(self) -> _Facts:
        with self._lock:
            if self._facts is None:
                self._facts = self._look()
            return self._facts

    def _mint(self) -> _Held:
        """A new token, for what is both wanted and granted."""
        facts = self._facts = self._look()
        if facts.suspended is not None:
            raise TokenRefused(
                f"installation {self.installation} of the App {facts.slug} is suspended: unsuspend it where it is "
                "installed, under its settings"
            )
        wanted = {
            name: level if LEVELS.index(level) <= _level(facts.permissions, name) else "read"
            for name, level in {**NEEDED, **WELCOME}.items()
            if _level(facts.permissions, name) >= 0
        }
        what = f"asking for a token of the App {facts.slug}"
        path = f"/app/installations/{self.installation}/access_tokens"
        headers, content = self._asked(what, "POST", path, {"repositories": self.repositories, "permissions": wanted})
        minted = read(_Minted, what, content)
        made = self.clock.monotonic()
        lasts = minted.expires - parsedate_to_datetime(headers["date"]) if "date" in headers else GOOD_FOR
        return _Held(minted.token, made, made + max(lasts - EARLY, lasts / 2).total_seconds())

    def _look(self) -> _Facts:
        what = f"asking for installation {self.installation} of App {self.app}"
        return read(_Facts, what, self._asked(what, "GET", f"/app/installations/{self.installation}")[1])

    def _asked(
        self, what: str, method: str, path: str, content: Mapping[str, object] | None = None
    ) -> tuple[Mapping[str, str], object]:
        """Ask as the App itself: headers and content. Once more by the forge's clock, where ours is another."""
        for again in (True, False):
            with asking(what):
                status, headers, answer = self._once(method, path, content)
            apart = self._look_at_the_clock(headers)
            if status != UNAUTHORIZED or not (again and apart):
                break
        if status >= BAD:
            raise self._meaning(what, status, headers, answer)
        return headers, answer

    def _once(
        self, method: str, path: str, content: Mapping[str, object] | None
    ) -> tuple[int, Mapping[str, str], object]:
        from github import Auth

        from remediation.forge.client import client_of

        client = client_of(self.api_url, Auth.AppAuthToken(self._signed()))
        try:
            sent = dict(content) if content is not None else None
            status, headers, body = client.requester.requestJson(method, path, None, {}, sent)
        finally:
            client.close()
        answer: Any = json.loads(body) if body else None
        return status, headers, answer

    def _signed(self) -> str:
        """A JSON web token that says who we are, by the forge's clock."""
        now = self.clock.now() + self._skew
        said = {
            "iat": int((now - BACK).timestamp()),
            "exp": int((now + GOOD_FOR).timestamp()),
            "iss": str(self.app),
        }
        signed = _signed(said, self.key())
        if signed is None:
            raise PermanentError(
                "forge.app.key holds no private key of an App: it is a PEM file with BEGIN RSA PRIVATE KEY, made under "
                "the App's settings"
            )
        return signed

    def _look_at_the_clock(self, headers: Mapping[str, str]) -> bool:
        """Whether the forge's clock is another than we took it for; from now on it is that one."""
        if "date" not in headers:
            return False
        skew = parsedate_to_datetime(headers["date"]) - self.clock.now()
        if abs(skew - self._skew) <= SKEW:
            return False
        self._skew = skew
        word = "behind" if skew > timedelta(0) else "ahead of"
        log.warning("this machine's clock is %.0f s %s the forge's", abs(skew).total_seconds(), word)
        return True

    def _meaning(self, what: str, status: int, headers: Mapping[str, str], answer: object) -> TrackwalkerError:
        """What an answer that is no success means, for the calls that an App makes for itself."""
        from github import GithubException

        from remediation.forge.github_errors import meaning

        reason = reason_of(answer)
        advice: Mapping[int, str] = {
            UNAUTHORIZED: "the forge does not take the App's word: look at forge.app.id, and that forge.app.key is a "
            "key of this App",
            FORBIDDEN: "the App is not let in: its installation may be suspended",
        }
        if is_limit(status, reason, headers) or status not in {UNAUTHORIZED, FORBIDDEN, NOT_FOUND, UNPROCESSABLE}:
            return meaning(GithubException(status, answer, dict(headers)), what)
        if status in advice:
            return TokenRefused(f"{what}: {advice[status]} ({reason})")
        if status == NOT_FOUND:
            return PermanentError(
                f"{what}: there is none, or it was removed: look at forge.app.installation ({reason})"
            )
        return PermanentError(
            f"{what}: {reason}. Give the App access to {', '.join(self.repositories)} where it is installed"
        )


def _level(permissions: Mapping[str, str], name: str) -> int:
    """How much is granted: an index into LEVELS, below zero for nothing."""
    return LEVELS.index(permissions[name]) if permissions.get(name) in LEVELS else -1


def _signed(said: dict[str, Any], key: str) -> str | None:
    """The signed token; None for a key that is none: the library's own error may quote it."""
    import jwt

    try:
        return jwt.encode(said, key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
