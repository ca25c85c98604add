"""`GET /api/v1/escalations` and `POST /api/v1/decisions`: what waits for a human, and their answers.

Who decides is whoever is proved (`daemon.api.logins`). A body says what is decided, never by whom.
"""

import asyncio
import logging
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cases.errors import PermanentError, TemporaryError
from config.settings import Settings
from daemon.api import bodies
from daemon.api.access import caller_of
from daemon.api.logins import Logins
from daemon.api.proof import Caller
from daemon.decisions import LONGEST, Decided, Decision, Decisions, Refused, parsed, queued
from daemon.queue import document_of

log = logging.getLogger("trackwalker.api")

ESCALATIONS, DECISIONS = "/api/v1/escalations", "/api/v1/decisions"


@dataclass(slots=True, kw_only=True)
class DecisionDoor:
    """Answers both. Safe to use from several threads."""

    settings: Settings
    decisions: Decisions
    logins: Logins

    @property
    def paths(self) -> tuple[str, ...]:
        """See `daemon.api.routes.Doorway`."""
        return (ESCALATIONS, DECISIONS)

    def routes(self) -> list[Route]:
        """The two."""
        return [
            Route(ESCALATIONS, self._list, methods=["GET"]),
            Route(DECISIONS, self._decide, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> JSONResponse:
        try:
            document = await asyncio.to_thread(self.listed, caller_of(request.scope))
        except bodies.Refused as refused:
            return JSONResponse({"error": refused.because}, refused.status, refused.headers)
        return JSONResponse(document)

    async def _decide(self, request: Request) -> JSONResponse:
        caller = caller_of(request.scope)
        try:
            # Who sends is proved before their body is read.
            by = await asyncio.to_thread(self.logins.caller, caller)
            body = await bodies.body_of(request, LONGEST)
            decided = await asyncio.to_thread(self.taken, by, body)
        except bodies.Refused as refused:
            log.warning("a decision at %s was refused with %d: %s", DECISIONS, refused.status, refused.because)
            return JSONResponse({"taken": False, "error": refused.because}, refused.status, refused.headers)
        return JSONResponse(
            {
                "taken": True,
                "gate": decided.of,
                "case": decided.case,
                "repeated": decided.repeated,
                "said": decided.said,
            }
        )

    def listed(self, caller: Caller) -> dict[str, object]:
        """The queue. Raises `bodies.Refused`."""
        self.logins.caller(caller)
        now = self.decisions.clock.now()
        try:
            asked = queued(self.decisions.ledger, self.settings)
        except (TemporaryError, PermanentError) as error:
            log.warning("the queue cannot be read: %s", error)
            raise bodies.Refused(503, "the queue cannot be read now; the log has the reason") from None
        return {"escalations": [document_of(one, self.settings, now) for one in asked]}

    def taken(self, by: str, body: bytes) -> Decided:
        """Take a decision. Raises `bodies.Refused`: 422 for no decision at all, 409 for one that cannot be taken."""
        try:
            decision: Decision = parsed(body, by)
        except Refused as refused:
            raise bodies.Refused(422, str(refused)) from None
        try:
            return self.decisions.take(decision)
        except Refused as refused:
            raise bodies.Refused(409, str(refused)) from None
        except (TemporaryError, PermanentError) as error:
            log.warning("a decision cannot be kept: %s", error)
            raise bodies.Refused(503, "it cannot be kept now; send it again") from None
