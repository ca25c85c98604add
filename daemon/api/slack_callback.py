"""`POST /webhooks/slack`: a button that somebody pressed in Slack is their decision.

Nothing of a message is believed before its signature is proved over its very bytes; one that is old, or that came
before, is refused. Who pressed is known by their member id, which the configuration names; anybody else decides
nothing, and is told so where they pressed.

Signatures: https://docs.slack.dev/authentication/verifying-requests-from-slack
Messages: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

import asyncio
import hmac
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cases.errors import PermanentError, TemporaryError
from config.settings import Settings, SlackThreadSettings
from daemon.alerts.exchange import post
from daemon.alerts.slack_buttons import PREFIX
from daemon.alerts.wording import one_line
from daemon.api.access import caller_of
from daemon.api.bodies import FORM, Refused, body_of
from daemon.api.deliveries import Deliveries
from daemon.api.proof import Caller, Credential
from daemon.decisions import Decided, Decision, Decisions, Verdict
from daemon.decisions import Refused as NotTaken

log = logging.getLogger("trackwalker.webhooks")

PATH = "/webhooks/slack"
LARGEST = 1024 * 1024  # it repeats the whole message
FRESH = timedelta(minutes=5)
HOOKS = "https://hooks.slack.com"  # where Slack's own response_urls lead
_VERDICTS = {f"{PREFIX}{verdict}": verdict for verdict in Verdict}


class _Part(BaseModel):
    """Whatever else a message holds is left alone: Slack adds fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _User(_Part):
    id: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _Action(_Part):
    action_id: Annotated[str, StringConstraints(max_length=255)]
    value: Annotated[str, StringConstraints(max_length=2000)] = ""


class _Pressed(_Part):
    type: Literal["block_actions"]
    user: _User
    actions: Annotated[tuple[_Action, ...], Field(min_length=1, max_length=1)]
    response_url: Annotated[str, StringConstraints(max_length=2000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What whoever pressed is told, and where. `url` is "" where nobody can be."""

    url: str
    said: str


@dataclass(slots=True, kw_only=True)
class SlackCallback:
    """Takes what was pressed. Safe to use from several threads and daemons.

    deliveries  keeps the signatures that were taken
    tell        tells whoever pressed; it may wait for Slack
    """

    settings: Settings
    decisions: Decisions
    deliveries: Deliveries
    tell: Callable[[Reply], None]

    @property
    def paths(self) -> tuple[str, ...]:
        """See `daemon.api.routes.Doorway`."""
        return (PATH,)

    def routes(self) -> list[Route]:
        """Its one route."""
        return [Route(PATH, self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> Response:
        try:
            body = await body_of(request, LARGEST, FORM)
            reply = await asyncio.to_thread(self.take, caller_of(request.scope), body)
        except Refused as refused:
            log.warning("a message at %s was refused with %d: %s", PATH, refused.status, refused.because)
            return JSONResponse({"error": refused.because}, refused.status, refused.headers)
        # Slack waits three seconds for the answer, and shows nothing of it.
        return Response(status_code=200, background=BackgroundTask(self.tell, reply))

    def take(self, caller: Caller, body: bytes) -> Reply:
        """Take one message; what whoever pressed is told. Raises Refused."""
        receivers = [
            receiver
            for receiver in self.settings.alerts.receivers
            if isinstance(receiver, SlackThreadSettings) and receiver.signing_secret is not None
        ]
        if not receivers:
            raise Refused(404, "no buttons are shown: give a Slack receiver its signing_secret")
        stamp, given = caller.headers.get("x-slack-request-timestamp", ""), caller.headers.get("x-slack-signature", "")
        self._prove(receivers, stamp, given, body)
        pressed = _pressed(body)
        url = pressed.response_url if _leads_to(pressed.response_url, receivers) else ""
        return Reply(url=url, said=self._said(pressed))

    def _prove(self, receivers: Sequence[SlackThreadSettings], stamp: str, given: str, body: bytes) -> None:
        """Raise Refused unless Slack signed these bytes just now, and they did not come before."""
        now = self.decisions.clock.now()
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):  # noqa: PLR2004 - seconds have ten digits
            raise Refused(401, "it has no time: Slack sends the header X-Slack-Request-Timestamp")
        if not any(self._signed(receiver, stamp, given, body) for receiver in receivers):
            raise Refused(401, "its signature is none of Slack's, or signing_secret is another app's")
        if abs(now.timestamp() - int(stamp)) > FRESH.total_seconds():
            raise Refused(401, "it was signed more than five minutes from now; is the clock right?")
        try:
            because = self.deliveries.take((given.encode(),), datetime.fromtimestamp(int(stamp), UTC), now)
        except (TemporaryError, PermanentError) as error:
            log.warning("whether a message of Slack came before is not known: %s", error)
            raise Refused(503, "it cannot be kept now; press again") from None
        if because:
            raise Refused(409, because)

    def _signed(self, receiver: SlackThreadSettings, stamp: str, given: str, body: bytes) -> bool:
        if receiver.signing_secret is None:
            return False
        credential = Credential(secret=receiver.signing_secret, clock=self.decisions.clock)
        try:
            wanted = credential.digest(b":".join((b"v0", stamp.encode(), body)))
        except (TemporaryError, PermanentError) as error:
            log.warning("the signing_secret of %s cannot be read: %s", receiver.name, error)
            raise Refused(503, "the sender cannot be checked now; the log has the reason") from None
        return hmac.compare_digest(given.encode("utf-8", "replace"), f"v0={wanted}".encode())

    def _said(self, pressed: _Pressed) -> str:
        """Take the decision; in words what became of it."""
        [action] = pressed.actions
        verdict = _VERDICTS.get(action.action_id)
        if verdict is None:
            return "That is no button of this version."
        decider = next((one for one in self.settings.approvals.deciders if one.slack == pressed.user.id), None)
        by = f"slack:{one_line(pressed.user.id, 40)}" if decider is None else f"human:{decider.name}"
        reason = f"pressed in Slack by {by}" if verdict is Verdict.REJECT else ""
        decision = Decision(of=action.value, verdict=verdict, by=by, reason=reason)
        try:
            if decider is None:
                self.decisions.refuse(decision, "nobody of that id may decide: approvals.deciders names who may")
            decided: Decided = self.decisions.take(decision)
        except NotTaken as refused:
            log.warning("a button that %s pressed in Slack is not taken: %s", by, refused)
            return f"Not taken: {refused}."
        except (TemporaryError, PermanentError) as error:
            log.warning("a decision cannot be kept: %s", error)
            return "Not taken: it cannot be kept now. Press again."
        return f"Taken: {decided.said}."


def told_in_slack(reply: Reply) -> None:
    """Tell whoever pressed, and them alone. One that Slack does not take is logged: what counts is in the ledger."""
    if not reply.url:
        return
    document = {"response_type": "ephemeral", "replace_original": False, "text": _escaped(reply.said)}
    try:
        answer = post("who pressed a button in Slack", reply.url, document)
    except (TemporaryError, PermanentError) as error:
        log.warning("nobody is told what became of it: %s", error)
        return
    if not answer.taken:
        log.warning("who pressed a button in Slack is not told what became of it: Slack answered %d", answer.status)


def _pressed(body: bytes) -> _Pressed:
    """The message. Raises Refused; nothing of the body is repeated."""
    try:
        fields = parse_qs(body.decode(), strict_parsing=True, max_num_fields=8)
        return _Pressed.model_validate_json(fields["payload"][0])
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"][:4])
        raise Refused(422, f"it is no press of a button ({where}: {one_line(first['msg'], 120)})") from None
    except (ValueError, KeyError):
        raise Refused(422, "it is no form with a payload") from None


def _leads_to(url: str, receivers: Sequence[SlackThreadSettings]) -> bool:
    """Whether an answer may be sent there: to Slack, or to where the receivers' own API is."""
    try:
        parts = urlsplit(url)
        place = (parts.scheme, parts.hostname, parts.port)
    except ValueError:
        return False
    known = {(p.scheme, p.hostname, p.port) for p in map(urlsplit, (HOOKS, *(one.api_url for one in receivers)))}
    return place in known


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
