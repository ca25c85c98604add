"""`POST /webhooks/deploys/argocd|flux|generic`: a tool tells us what it deployed. docs/deploys.md has the messages.

Nothing of a body is believed before its sender has proved itself, and nothing of it reaches a log or an answer but the
service (a known one), the commit and the time.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cases.errors import PermanentError, TemporaryError
from cases.moments import iso
from cases.ports import Clock
from cases.telemetry import Deploy
from config.settings import ApiSettings, WebhookSettings
from daemon.api.access import caller_of
from daemon.api.bodies import Refused, answered, body_of
from daemon.api.messages import Ignored, Told, Unreadable, read
from daemon.api.proof import Caller, Credential

log = logging.getLogger("trackwalker.webhooks")

PATH = "/webhooks/deploys/"
LARGEST = 256 * 1024
PATIENCE = timedelta(seconds=8)  # senders give up after ten
AHEAD = timedelta(minutes=5)
OLDEST = timedelta(days=7)
MOST_NAMED = 40
SIGNATURES: Mapping[str, str] = {"flux": "x-signature", "generic": "x-hub-signature-256"}


class Tellable(Protocol):
    """Where deploys are kept that somebody tells of (see `daemon.ledger.deploys`)."""

    def tell(self, deploy: Deploy, received: datetime, *, dated: bool = True) -> bool:
        """Store it; False when it is known already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marker:
    """A configured webhook, and what its sender proves itself with. None: `api.token` or this machine."""

    settings: WebhookSettings
    own: Credential | None


@dataclass(slots=True, kw_only=True)
class DeployWebhooks:
    """Takes the messages. Safe to use from several threads.

    known     the services of the moment
    patience  the longest that one message may take, its sending included
    """

    markers: Sequence[WebhookSettings]
    api: ApiSettings
    ledger: Tellable
    clock: Clock
    known: Callable[[], Collection[str]]
    patience: timedelta = PATIENCE
    _markers: list[_Marker] = field(init=False)
    _token: Credential | None = field(init=False)

    def __post_init__(self) -> None:
        self._token = None if self.api.token is None else Credential(secret=self.api.token, clock=self.clock)
        self._markers = [
            _Marker(settings=m, own=None if m.secret is None else Credential(secret=m.secret, clock=self.clock))
            for m in self.markers
        ]

    @property
    def paths(self) -> tuple[str, ...]:
        """See `daemon.api.routes.Doorway`."""
        return (PATH,)

    def routes(self) -> list[Route]:
        """One route for all kinds."""
        return [Route(PATH + "{kind}", self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> JSONResponse:
        kind = str(request.path_params["kind"])
        return await answered(self._taken(request, kind), f"{PATH}{self._shown(kind)}", self.patience)

    async def _taken(self, request: Request, kind: str) -> dict[str, object]:
        if not any(marker.settings.webhook == kind for marker in self._markers):
            raise Refused(404, f"no marker {{webhook: {self._shown(kind)}}} is configured under deploys")
        return await asyncio.to_thread(self.take, kind, caller_of(request.scope), await body_of(request, LARGEST))

    def take(self, kind: str, caller: Caller, body: bytes) -> dict[str, object]:
        """Take one message; what is answered. Raises Refused."""
        try:
            proven = self._proven(kind, caller, body)
        except (PermanentError, TemporaryError) as error:
            log.warning("who sends to %s%s cannot be checked: %s", PATH, kind, error)
            raise Refused(503, "the sender cannot be checked now; the log has the reason") from None
        try:
            said = read(kind, body)
        except Unreadable as unreadable:
            raise Refused(422, str(unreadable)) from None
        if isinstance(said, Ignored):
            log.info("%s told of no deploy: %s", proven[0].teller, said.because)
            return {"stored": False, "because": said.because}
        return self._kept(said, proven)

    def _proven(self, kind: str, caller: Caller, body: bytes) -> list[WebhookSettings]:
        """The markers that this sender may tell for."""
        markers = [marker for marker in self._markers if marker.settings.webhook == kind]
        header = SIGNATURES.get(kind)

        def proves(own: Credential) -> bool:
            return own.signed(body, caller.headers.get(header, "")) if header else own.is_token(caller.bearer)

        proven = [marker.settings for marker in markers if marker.own is not None and proves(marker.own)]
        open_ones = [marker.settings for marker in markers if marker.own is None]
        if proven or not open_ones:
            if proven:
                return proven
            wanted = f"{header}: sha256=<HMAC of the body>" if header else "authorization: Bearer <secret>"
            raise Refused(401, f"the sender is not proved: send the header {wanted}, made with the marker's secret")
        if self._token is not None:
            if self._token.is_token(caller.bearer):
                return open_ones
            raise Refused(401, "the sender is not proved: send api.token as a bearer token")
        if caller.is_here:
            return open_ones
        raise Refused(403, "only this machine may send: give the marker a secret, or set api.token")

    def _kept(self, said: Told, proven: Sequence[WebhookSettings]) -> dict[str, object]:
        known = sorted(self.known())
        if said.service not in known:
            named = ", ".join(known[:MOST_NAMED]) + (", …" if len(known) > MOST_NAMED else "")
            raise Refused(422, f"it is about no service that is known here; known are: {named or 'none'}")
        environments = dict.fromkeys(marker.environment for marker in proven)
        if said.environment is not None and said.environment not in environments:
            return {"stored": False, "because": f"only {', '.join(environments)} is watched"}
        if said.environment is None and len(environments) > 1:
            raise Refused(422, f"it names no environment; add environment: one of {', '.join(environments)}")
        now = self.clock.now()
        started = said.started or now
        if started > now + AHEAD:
            raise Refused(422, "it says that it began in the future; are both clocks right?")
        if started < now - OLDEST:
            raise Refused(422, f"it says that it began more than {OLDEST.days} days ago")
        deploy = Deploy(
            service=said.service,
            commit=said.commit,
            started=started,
            source=proven[0].teller,
            environment=said.environment or next(iter(environments)),
        )
        try:
            stored = self.ledger.tell(deploy, now, dated=said.started is not None)
        except (TemporaryError, PermanentError) as error:
            log.warning("what %s told cannot be kept: %s", deploy.source, error)
            raise Refused(503, "it cannot be kept now; send it again") from None
        log.info(
            "%s told: %s runs %s in %s since %s%s",
            deploy.source,
            deploy.service,
            deploy.commit[:12],
            deploy.environment,
            iso(deploy.started),
            "" if stored else " (known already)",
        )
        return {"stored": stored, "service": deploy.service, "commit": deploy.commit, "started": iso(deploy.started)}

    def _shown(self, kind: str) -> str:
        return kind if kind in {"argocd", "flux", "generic"} else "…"
