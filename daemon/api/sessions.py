"""Sessions of browsers: a token, given once in a form, becomes a cookie that ends by itself.

A cookie holds who it is for, until when, and a number that never comes again, signed with that actor's own token: no
store keeps it, every daemon on it knows it, and it is worth nothing once the token is another. Those that were ended
before their time are remembered for as long as they could have lasted.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daemon.api.deliveries import Deliveries
from daemon.api.logins import Logins

LASTS = timedelta(hours=4)
ENDED = "web:sessions-ended"  # the checkpoint
LONGEST = 1_000  # characters of a cookie
_SESSION, _FORM = b"trackwalker session 1\n", b"trackwalker form 1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One that holds. `form` is what its forms carry: nobody else can make one."""

    actor: str
    until: datetime
    number: str
    form: str


class NoSession(Exception):  # noqa: N818 - it is an answer, and reads as one where it is raised
    """There is none; why, in a sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Makes and knows them. `ended` remembers those that were ended."""

    logins: Logins
    ended: Deliveries

    def begin(self, actor: str) -> str:
        """The cookie of a new session."""
        until = self.logins.clock.now() + LASTS
        said = json.dumps([actor, int(until.timestamp()), secrets.token_urlsafe(16)]).encode()
        return f"{urlsafe_b64encode(said).decode()}.{self.logins.sign(actor, _SESSION + said)}"

    def of(self, cookie: str) -> Session:
        """The session of a cookie. Raises NoSession, `bodies.Refused` while tokens cannot be read, TemporaryError."""
        said, actor, until, number = _read(cookie)
        signature = cookie.rpartition(".")[2]
        wanted = self.logins.sign(actor, _SESSION + said)
        if not wanted or not hmac.compare_digest(signature.encode("utf-8", "replace"), wanted.encode()):
            raise NoSession("This session is not known here. Log in again.")
        if self.logins.clock.now() >= until or self.ended.has(number.encode(), until - LASTS):
            raise NoSession("Your session is over. Log in again.")
        form = self.logins.sign(actor, _FORM + said)
        return Session(actor=actor, until=until, number=number, form=form)

    def end(self, session: Session) -> None:
        """End it before its time. Raises TemporaryError when that cannot be kept."""
        now = self.logins.clock.now()
        self.ended.take([session.number.encode()], now, now)


def _read(cookie: str) -> tuple[bytes, str, datetime, str]:
    """What it says: nothing of it is believed yet."""
    if not cookie:
        raise NoSession("Log in to look.")
    try:
        said = urlsafe_b64decode(cookie[:LONGEST].rpartition(".")[0])
        actor, until, number = json.loads(said)
        return said, str(actor), datetime.fromtimestamp(int(until), UTC), str(number)
    except (ValueError, TypeError, OverflowError, OSError):
        raise NoSession("This session is not known here. Log in again.") from None
