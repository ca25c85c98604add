"""`POST /webhooks/alertmanager`: Alertmanager tells of alerts, in version 4 of its message.

A firing alert is a symptom like any other: triage decides what becomes of it. Nothing of a body is believed before its
sender has proved itself; what is taken is stored before the answer. Messages come again and again, by design: a
repeated one changes nothing.

Format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock
from cases.redaction import redacted_labels
from config.settings import AlertmanagerLinkSettings, ApiSettings
from daemon.alerts.own import OURS
from daemon.alerts.told import Alert, ToldAlerts
from daemon.alerts.wording import one_line
from daemon.api.access import caller_of
from daemon.api.bodies import Refused, answered, body_of
from daemon.api.proof import Caller, Credential

log = logging.getLogger("trackwalker.webhooks")

PATH = "/webhooks/alertmanager"
LARGEST = 1024 * 1024
MOST_ALERTS = 500
MOST_LABELS = 64
PATIENCE = timedelta(seconds=8)
AHEAD = timedelta(minutes=5)
OLDEST = timedelta(days=7)
MOST_NAMED = 5

LabelName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
LabelValue = Annotated[str, StringConstraints(max_length=2_000)]


class _Message(BaseModel):
    """Whatever else a message holds is left alone: versions add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Alert(_Message):
    status: Literal["firing", "resolved"]
    labels: Annotated[Mapping[LabelName, LabelValue], Field(max_length=MOST_LABELS)]
    starts: AwareDatetime = Field(alias="startsAt")
    ends: AwareDatetime = Field(alias="endsAt")


class _Group(_Message):
    version: Literal["4"]
    alerts: tuple[_Alert, ...]
    truncated: Annotated[int, Field(ge=0)] = Field(default=0, alias="truncatedAlerts")


@dataclass(slots=True, kw_only=True)
class AlertWebhook:
    """Takes the messages. Safe to use from several threads.

    known   the services of the moment
    count   is told how many alerts had which fate, for the metrics
    """

    settings: AlertmanagerLinkSettings
    api: ApiSettings
    service_labels: Sequence[str]
    told: ToldAlerts
    clock: Clock
    known: Callable[[], Collection[str]]
    count: Callable[[str, int], object]
    patience: timedelta = PATIENCE
    _own: Credential | None = field(init=False)
    _token: Credential | None = field(init=False)

    def __post_init__(self) -> None:
        own, token = self.settings.secret, self.api.token
        self._own = None if own is None else Credential(secret=own, clock=self.clock)
        self._token = None if token is None else Credential(secret=token, clock=self.clock)

    @property
    def paths(self) -> tuple[str, ...]:
        """See `daemon.api.routes.Doorway`."""
        return (PATH,)

    def routes(self) -> list[Route]:
        """Its one route."""
        return [Route(PATH, self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> JSONResponse:
        return await answered(self._taken(request), PATH, self.patience)

    async def _taken(self, request: Request) -> dict[str, int]:
        if not self.settings.receive:
            raise Refused(404, "no alerts are taken; write alerts: {alertmanager: {receive: true}}")
        return await asyncio.to_thread(self.take, caller_of(request.scope), await body_of(request, LARGEST))

    def take(self, caller: Caller, body: bytes) -> dict[str, int]:
        """Take one message; what is answered: how many of its alerts had which fate. Raises Refused."""
        self._prove(caller)
        group = _group(body)
        now = self.clock.now()
        alerts: list[Alert] = []
        fates = Counter[str]()
        strangers: set[str] = set()
        services = frozenset(self.known())
        for said in group.alerts:
            fate = self._fate(said, services, now)
            if isinstance(fate, Alert):
                alerts.append(fate)
                continue
            fates[fate] += 1
            if fate == "unknown service":
                strangers.add(one_line(said.labels.get("alertname", "without a name"), 80))
        fates += self._kept(alerts)
        self._say(fates, strangers, group.truncated)
        return dict(sorted(fates.items()))

    def _prove(self, caller: Caller) -> None:
        """Raise Refused unless the sender may tell us anything."""
        credential = self._own or self._token
        if credential is None:
            if caller.is_here:
                return
            raise Refused(403, "only this machine may send: set alerts.alertmanager.secret, or api.token")
        try:
            proved = credential.is_token(caller.bearer) or credential.is_token(caller.password)
        except (PermanentError, TemporaryError) as error:
            log.warning("who sends to %s cannot be checked: %s", PATH, error)
            raise Refused(503, "the sender cannot be checked now; the log has the reason") from None
        if not proved:
            whose = "alerts.alertmanager.secret" if self._own else "api.token"
            raise Refused(
                401, f"the sender is not proved: send {whose} as a bearer token, or as the password of basic auth"
            )

    def _fate(self, said: _Alert, services: Collection[str], now: datetime) -> Alert | str:
        """The alert as it is kept, or why it is not."""
        service = next((name for label in self.service_labels if (name := said.labels.get(label, "")) in services), "")
        name = said.labels.get("alertname", "")
        if name == OURS:
            return "our own"  # Alertmanager tells us what we told it
        if not service or not name:
            return "unknown service"
        started = said.starts.astimezone(UTC)
        if started > now + AHEAD:
            return "from the future"
        if started < now - OLDEST:
            return "too old"
        ended = min(said.ends.astimezone(UTC), now) if said.status == "resolved" else None
        labels = dict(redacted_labels(said.labels))
        started = min(started, now)
        return Alert(name=name, service=service, labels=labels, started=started, ended=ended, first=now, heard=now)

    def _kept(self, alerts: Sequence[Alert]) -> Counter[str]:
        if not alerts:
            return Counter()
        try:
            return self.told.take(alerts)
        except (TemporaryError, PermanentError) as error:
            log.warning("what Alertmanager told cannot be kept: %s", error)
            raise Refused(503, "it cannot be kept now; send it again") from None

    def _say(self, fates: Mapping[str, int], strangers: Collection[str], truncated: int) -> None:
        for fate, count in fates.items():
            self.count(fate, count)
        if strangers:
            shown = ", ".join(sorted(strangers)[:MOST_NAMED]) + (", …" if len(strangers) > MOST_NAMED else "")
            labels = ", ".join(self.service_labels)
            log.warning("alerts of no service that is known here (%s): %s", labels, shown)
        if truncated:
            log.warning("Alertmanager left out %d alerts of a message: raise max_alerts of its webhook", truncated)
        if set(fates) - {"known"}:
            log.info("Alertmanager told of alerts: %s", ", ".join(f"{n} {fate}" for fate, n in sorted(fates.items())))


def _group(body: bytes) -> _Group:
    """The message. Raises Refused; nothing of the body is repeated."""
    try:
        group = _Group.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"][:4])
        said = f"{where}: {first['msg']}" if where else f"the body is not JSON: {first['msg']}"
        raise Refused(422, f"it is no message of Alertmanager's webhook, version 4: {one_line(said, 200)}") from None
    if len(group.alerts) > MOST_ALERTS:
        raise Refused(422, f"it has {len(group.alerts)} alerts; set max_alerts: {MOST_ALERTS} in its webhook_configs")
    return group
