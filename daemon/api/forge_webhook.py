"""`POST /webhooks/github`: the forge tells that something happened. It is a hint to look, and moves nothing by itself.

A forged or repeated message does nothing, a lost one is made up for by the next poll. GitHub never sends a failed one
again by itself, and gives up after ten seconds.
Signature: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
"""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cases.case import Phase
from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock
from cases.stores import CaseStore
from config.secret import Secret
from daemon.api.access import caller_of
from daemon.api.bodies import Refused, answered, body_of
from daemon.api.deliveries import Deliveries
from daemon.api.hints import Hint, NoHint, read
from daemon.api.proof import Caller, Credential

log = logging.getLogger("trackwalker.webhooks")

PATH = "/webhooks/github"
LARGEST = 2 * 1024 * 1024  # GitHub sends 25 MiB at most; what is about a pull request has some tens of KiB
LONGEST_NUMBER = 100
PATIENCE = timedelta(seconds=8)
AHEAD = timedelta(days=1)
OURS = re.compile(r"trackwalker/([0-9a-z]{1,40})-[0-9]{1,9}")  # of which case: see `Patch.branch`


@dataclass(slots=True, kw_only=True)
class ForgeWebhook:
    """Takes the messages. Safe to use from several threads.

    repositories  full name, folded → what the configuration calls it
    listen        has comments on pull requests read at once
    """

    secret: Secret | None
    cases: CaseStore
    deliveries: Deliveries
    clock: Clock
    repositories: Mapping[str, str]
    listen: Callable[[], object]
    patience: timedelta = PATIENCE
    _own: Credential | None = field(init=False)

    def __post_init__(self) -> None:
        self._own = None if self.secret is None else Credential(secret=self.secret, clock=self.clock)

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it is, for the general guard to let everybody through."""
        return (PATH,)

    def routes(self) -> list[Route]:
        """Its one route."""
        return [Route(PATH, self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> JSONResponse:
        return await answered(self._taken(request), PATH, self.patience, late="it took too long")

    async def _taken(self, request: Request) -> dict[str, object]:
        if self._own is None:
            raise Refused(404, "no webhooks of the forge are taken; set forge.webhook_secret")
        return await asyncio.to_thread(self.take, caller_of(request.scope), await body_of(request, LARGEST))

    def take(self, caller: Caller, body: bytes) -> dict[str, object]:
        """Take one message; what is answered. Raises Refused."""
        self._prove(caller, body)
        number = caller.headers.get("x-github-delivery", "")
        if not 0 < len(number) <= LONGEST_NUMBER:
            raise Refused(422, "it has no delivery number; send the header X-GitHub-Delivery")
        event = caller.headers.get("x-github-event", "")
        try:
            hint = read(event, _document(body))
            waiting = self._waiting(hint)
        except NoHint as none:
            return {"hint": False, "because": str(none)}
        now = self.clock.now()
        if hint.at > now + AHEAD:
            log.warning("the forge tells of something that is to happen in %s: are both clocks right?", hint.at - now)
            raise Refused(422, "it tells of something that is more than a day ahead; are both clocks right?")
        try:
            because = self.deliveries.take((number.encode("utf-8", "replace"), body), hint.at, now)
            woken = 0 if because else self._wake(hint, waiting, now)
        except (TemporaryError, PermanentError) as error:
            log.warning("a hint of the forge is lost, and polling will see it: %s", error)
            raise Refused(503, "it cannot be kept now") from None
        if because:
            log.warning("a message at %s moves nothing: %s", PATH, because)
            return {"hint": False, "because": because}
        log.info("the forge tells of a %s: %d cases look at once", hint.event, woken)
        return {"hint": True, "cases": woken}

    def _prove(self, caller: Caller, body: bytes) -> None:
        """Raise Refused unless the forge has signed the body."""
        try:
            signed = self._own is not None and self._own.signed(body, caller.headers.get("x-hub-signature-256", ""))
        except (PermanentError, TemporaryError) as error:
            log.warning("who sends to %s cannot be checked: %s", PATH, error)
            raise Refused(503, "the sender cannot be checked now; the log has the reason") from None
        if not signed:
            raise Refused(401, "the sender is not proved: the body is not signed with forge.webhook_secret")

    def _waiting(self, hint: Hint) -> tuple[str, ...]:
        """The cases that it is about. Raises NoHint where it is about none of ours."""
        name = self.repositories.get(hint.repository.casefold())
        if name is None:
            raise NoHint("it is about a repository that is not configured")
        found = tuple(self._about(hint, name))
        if not found and not hint.said:
            raise NoHint("it is about no pull request of ours, and no merge that waits")
        return found

    def _about(self, hint: Hint, name: str) -> Iterator[str]:
        for branch in hint.branches:
            named = OURS.fullmatch(branch)
            if named and self._proposed(named[1], name, branch):
                yield named[1]
        if hint.deployed:
            for case in self.cases.active():
                if case.phase is Phase.MERGED and any(merge.repository == name for merge in case.merges):
                    yield case.id

    def _proposed(self, case_id: str, repository: str, branch: str) -> bool:
        """Whether that case proposed the branch: anybody may name one like it."""
        try:
            case = self.cases.load(case_id)
        except PermanentError:
            return False
        return any((one.repository, one.branch) == (repository, branch) for one in case.proposals)

    def _wake(self, hint: Hint, waiting: tuple[str, ...], now: datetime) -> int:
        if hint.said:
            self.listen()
        return sum(self.cases.wake(case, now) for case in waiting)


def _document(body: bytes) -> object:
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(422, "the body is no JSON; choose application/json in the webhook's settings") from None
    return document
