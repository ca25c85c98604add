"""What the daemon's door leads to: it goes by the settings in force, and tells of the present cycle."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cases.leases import Pause
from cases.ports import Clock
from cases.stores import Levers
from config.settings import Settings, WebhookSettings
from daemon.alerts.addresses import receivers_of
from daemon.alerts.told import ToldAlerts
from daemon.cycle import HEED, Cycle
from daemon.fellows import Fellows
from daemon.ledger.ledger import Ledger
from daemon.observe.metrics import Metrics
from daemon.watchdog import stuck_for
from remediation.ports import Ports

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from daemon.api.routes import Doorway

TOLD = ("/webhooks/deploys/", "/webhooks/alertmanager")
FORGE = ("/webhooks/github",)
ASKED = ("/api/v1/escalations", "/api/v1/decisions", "/webhooks/slack")
LOOKED_AT = (
    *("/", "/inbox", "/oversight", "/outcomes", "/lessons", "/cases/", "/login", "/logout", "/decisions"),
    *("/api/v1/cases", "/api/v1/cases/", "/api/v1/oversight", "/api/v1/openapi.json"),
)
STUCK_S = 60.0  # a loop that turns four times a second and is silent for a minute is dead


def inside(ports: Ports, cycle: Cycle, fellows: Fellows, ledger: Ledger, levers: Levers, metrics: Metrics) -> "ASGIApp":
    """Health, metrics, the webhooks, and the pages for humans."""
    settings: Settings = ports.settings
    from daemon.api.later import Later
    from daemon.api.proof import Credential
    from daemon.api.routes import Health, routes
    from daemon.api.turnstile import Turnstile

    clock: Clock = ledger.clock

    def health() -> Health:
        pause: Pause | None = levers.paused()
        return Health(
            stuck=stuck_for(cycle.pulse, clock, STUCK_S),
            blind=cycle.poll.blind(),
            polled=cycle.poll.polled,
            paused=f"{pause.reason} (by {pause.by})" if pause else "",
            daemons=(fellows.name, *(one.name for one in fellows.others)),
        )

    def known() -> set[str]:
        return {
            *(signal.service for signal in cycle.poll.watches.signals()),
            *(service.name for service in settings.services),
        }

    def count(fate: str, alerts: int) -> None:
        metrics.alerts_told.labels(fate).inc(alerts)

    token = None if settings.api.token is None else Credential(secret=settings.api.token, clock=clock)

    def told() -> "Sequence[Doorway]":
        """What takes messages about deploys and alerts; loaded when one comes."""
        from daemon.api.alert_webhook import AlertWebhook
        from daemon.api.webhooks import DeployWebhooks

        deploys = DeployWebhooks(
            markers=[marker for marker in settings.deploys if isinstance(marker, WebhookSettings)],
            api=settings.api,
            ledger=ledger.deploys,
            clock=clock,
            known=known,
        )
        alerts = AlertWebhook(
            settings=settings.alerts.alertmanager,
            api=settings.api,
            service_labels=settings.catalog.service_labels,
            told=ToldAlerts(ledger.checkpoints, clock),
            clock=clock,
            known=known,
            count=count,
        )
        return deploys, alerts

    def asked() -> "Sequence[Doorway]":
        """What takes answers of humans; loaded when one comes."""
        from daemon.api.decisions import DecisionDoor
        from daemon.api.deliveries import Deliveries
        from daemon.api.logins import Logins
        from daemon.api.slack_callback import FRESH, SlackCallback, told_in_slack
        from daemon.decisions import Decisions

        decisions = Decisions(ledger=ledger, settings=settings, clock=clock, receivers=receivers_of(settings))
        pressed = Deliveries(checkpoints=ledger.checkpoints, key="slack:deliveries", kept=3 * FRESH)
        slack = SlackCallback(settings=settings, decisions=decisions, deliveries=pressed, tell=told_in_slack)
        logins = Logins(settings=settings, clock=clock)
        return DecisionDoor(settings=settings, decisions=decisions, logins=logins), slack

    def looked_at() -> "Sequence[Doorway]":
        """What humans look at, and its documents; loaded when one comes."""
        from daemon.api.browser import Browser
        from daemon.api.deliveries import Deliveries
        from daemon.api.documents import Documents
        from daemon.api.logins import Logins
        from daemon.api.sessions import ENDED, LASTS, Sessions
        from daemon.decisions import Decisions
        from daemon.web.views import Views

        logins = Logins(settings=settings, clock=clock)
        ended = Deliveries(checkpoints=ledger.checkpoints, key=ENDED, kept=2 * LASTS)
        decisions = Decisions(ledger=ledger, settings=settings, clock=clock, receivers=receivers_of(settings))
        views = Views(ledger=ledger, ports=ports)
        sessions = Sessions(logins=logins, ended=ended)
        return Browser(sessions=sessions, decisions=decisions, views=views), Documents(views=views, logins=logins)

    def told_by_forge() -> "Sequence[Doorway]":
        """What takes the forge's webhooks; loaded when one comes."""
        from daemon.api.deliveries import FORGE as FORGE_KEY
        from daemon.api.deliveries import FORGE_KEPT, Deliveries
        from daemon.api.forge_webhook import ForgeWebhook

        hook = ForgeWebhook(
            secret=settings.forge.webhook_secret,
            cases=ledger.cases,
            deliveries=Deliveries(checkpoints=ledger.checkpoints, key=FORGE_KEY, kept=FORGE_KEPT),
            clock=clock,
            repositories={repository.full_name.casefold(): repository.name for repository in settings.repositories},
            listen=lambda: cycle.hasten(HEED),
        )
        return (hook,)

    return Turnstile(
        routes(
            health,
            metrics.render,
            token=token,
            doors=[
                Later(paths=TOLD, build=told),
                Later(paths=ASKED, build=asked),
                Later(paths=FORGE, build=told_by_forge),
                Later(paths=LOOKED_AT, build=looked_at),
            ],
        ),
        clock,
        settings.api.requests_per_minute,
    )
