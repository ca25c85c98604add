"""`GET /api/v1/cases`, `/api/v1/cases/<id>`, `/api/v1/oversight`: what the pages tell, for programs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cases.errors import PermanentError, TemporaryError
from daemon.api.access import caller_of
from daemon.api.bodies import Refused
from daemon.api.logins import Logins
from daemon.api.openapi import document
from daemon.observe.health import version_of
from daemon.report import case_document, history_rows
from daemon.web.views import NoCase, Views

log = logging.getLogger("trackwalker.api")

CASES, OVERSIGHT, DESCRIBED = "/api/v1/cases", "/api/v1/oversight", "/api/v1/openapi.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Answers whoever is proved (`daemon.api.logins`). Safe to use from several threads."""

    views: Views
    logins: Logins

    @property
    def paths(self) -> tuple[str, ...]:
        """See `daemon.api.routes.Doorway`."""
        return (CASES, f"{CASES}/", OVERSIGHT, DESCRIBED)

    def routes(self) -> list[Route]:
        """The four."""
        return [
            Route(CASES, self._answer(lambda _: self._cases())),
            Route(f"{CASES}/{{case}}", self._answer(self._case)),
            Route(OVERSIGHT, self._answer(lambda _: self.views.overseen())),
            Route(DESCRIBED, self._answer(lambda _: document(version_of()[0]))),
        ]

    def _answer(self, make: Callable[[str], object]) -> Callable[[Request], Awaitable[JSONResponse]]:
        def told(request: Request) -> object:
            self.logins.caller(caller_of(request.scope))
            return make(str(request.path_params.get("case", "")))

        async def answer(request: Request) -> JSONResponse:
            try:
                return JSONResponse(await asyncio.to_thread(told, request))
            except NoCase as none:
                return JSONResponse({"error": str(none)}, 404)
            except Refused as refused:
                return JSONResponse({"error": refused.because}, refused.status, refused.headers)
            except (TemporaryError, PermanentError) as error:
                log.warning("a document cannot be made: %s", error)
                return JSONResponse({"error": "the store cannot be read now; the log has the reason"}, 503)

        return answer

    def _cases(self) -> list[dict[str, Any]]:
        """The newest cases, as `trackwalker cases --json`."""
        return [case_document(case) for case in self.views.ledger.cases.listed()]

    def _case(self, case_id: str) -> dict[str, Any]:
        """As `trackwalker cases show --json`, with the history of `trackwalker cases why --json`."""
        case = self.views.load(case_id)
        history = [{"at": at, "actor": actor, "what": what, "why": why} for at, actor, what, why in history_rows(case)]
        return {**case_document(case), "history": history}
