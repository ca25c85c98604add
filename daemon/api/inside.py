"""What the daemon's door leads to: it goes by the settings in force, and tells of the present cycle."""

from typing import TYPE_CHECKING

from cases.leases import Pause
from cases.ports import Clock, Levers
from config.settings import Settings, WebhookSettings
from daemon.alerts.told import ToldAlerts
from daemon.cycle import Cycle
from daemon.fellows import Fellows
from daemon.ledger.ledger import Ledger
from daemon.observe.metrics import Metrics
from daemon.watchdog import stuck_for

if TYPE_CHECKING:
    from starlette.types import ASGIApp

STUCK_S = 60.0  # a loop that turns four times a second and is silent for a minute is dead


def inside(
    settings: Settings, cycle: Cycle, fellows: Fellows, ledger: Ledger, levers: Levers, metrics: Metrics
) -> "ASGIApp":
    """Health, metrics and the webhooks."""
    from daemon.api.alert_webhook import AlertWebhook
    from daemon.api.proof import Credential
    from daemon.api.routes import Health, routes
    from daemon.api.webhooks import DeployWebhooks

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

    told = DeployWebhooks(
        markers=[marker for marker in settings.deploys if isinstance(marker, WebhookSettings)],
        api=settings.api,
        ledger=ledger.deploys,
        clock=clock,
        known=known,
    )
    token = None if settings.api.token is None else Credential(secret=settings.api.token, clock=clock)
    alerts = AlertWebhook(
        settings=settings.alerts.alertmanager,
        api=settings.api,
        service_labels=settings.catalog.service_labels,
        told=ToldAlerts(ledger.checkpoints, clock),
        clock=clock,
        known=known,
        count=count,
    )
    return routes(health, metrics.render, token=token, deploys=told, alerts=alerts)
