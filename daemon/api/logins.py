"""Logins: who may look and decide from outside this machine's command line, by a token that is theirs.

Who decides is whoever is proved: a decider of the configuration by their own token, else whoever holds `api.token`, or
a program on this machine where there is none.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock
from config.settings import Settings
from daemon.api.bodies import Refused
from daemon.api.proof import Caller, Credential

log = logging.getLogger("trackwalker.api")

API = "api"
"""The actor of a decision by `api.token`, which is nobody's name."""


@dataclass(slots=True, kw_only=True)
class Logins:
    """Those of one configuration. Safe to use from several threads."""

    settings: Settings
    clock: Clock
    _known: Sequence[tuple[str, Credential]] = field(init=False)

    def __post_init__(self) -> None:
        known = [
            (f"human:{decider.name}", Credential(secret=decider.token, clock=self.clock))
            for decider in self.settings.approvals.deciders
            if decider.token is not None
        ]
        if self.settings.api.token is not None:
            known.append((API, Credential(secret=self.settings.api.token, clock=self.clock)))
        self._known = known

    @property
    def open_to_here(self) -> bool:
        """Whether programs on this machine need no token."""
        return self.settings.api.token is None

    @property
    def any(self) -> bool:
        """Whether there is any token to log in by."""
        return bool(self._known)

    def of_token(self, token: str) -> str:
        """The actor whose token it is; "" for nobody's. Raises `Refused` while a token cannot be read."""
        try:
            return next((actor for actor, own in self._known if own.is_token(token)), "")
        except (PermanentError, TemporaryError) as error:
            raise _unread(error) from None

    def sign(self, actor: str, what: bytes) -> str:
        """The HMAC of it by the actor's own token, in hexadecimal; "" where they have none any more. Raises as above.

        What was signed is worth nothing as soon as the token is another.
        """
        try:
            return next((own.digest(what) for name, own in self._known if name == actor), "")
        except (PermanentError, TemporaryError) as error:
            raise _unread(error) from None

    def caller(self, caller: Caller) -> str:
        """The actor who asks at the API. Raises `Refused` for a stranger."""
        actor = self.of_token(caller.bearer)
        if actor:
            return actor
        if not self.open_to_here:
            raise Refused(401, "send the token of a decider (approvals.deciders), or api.token, as a bearer token")
        if caller.is_here:
            return API
        raise Refused(403, "only programs on this machine may ask: use 127.0.0.1, or set api.token")


def _unread(error: Exception) -> Refused:
    log.warning("who asks cannot be checked: %s", error)
    return Refused(503, "the sender cannot be checked now; the log has the reason")
