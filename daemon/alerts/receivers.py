"""The receivers of a configuration: each kind's adapter is loaded only where one is configured."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cases.ports import Clock, Notifier
from cases.stores import Checkpoints
from config.settings import (
    ConsoleSettings,
    EmailSettings,
    FileSettings,
    NoticeWebhookSettings,
    PagerDutySettings,
    ReceiverSettings,
    Settings,
    SlackSettings,
    SlackThreadSettings,
)
from daemon.alerts.addresses import LOG

if TYPE_CHECKING:
    from daemon.ledger.ledger import Ledger


def notifiers_of(settings: Settings, clock: Clock) -> Mapping[str, Notifier]:
    """The receivers by name; with none configured, notices go to the log."""
    from daemon.alerts.console import ConsoleNotifier

    receivers = {receiver.name: _notifier(receiver, clock) for receiver in settings.alerts.receivers}
    return receivers or {LOG: ConsoleNotifier(LOG)}


def remembering(notifier: Notifier, ledger: "Ledger") -> Notifier:
    """A receiver with threads remembers them; any other is what it was."""
    remember: Callable[[Checkpoints], Notifier] | None = getattr(notifier, "remembering", None)
    return notifier if remember is None else remember(ledger.checkpoints)


def _notifier(receiver: ReceiverSettings, clock: Clock) -> Notifier:
    match receiver:
        case SlackSettings():
            from daemon.alerts.slack import SlackNotifier

            return SlackNotifier(receiver.name, receiver.slack.reveal)
        case SlackThreadSettings():
            from daemon.alerts.slack_thread import SlackThreadNotifier

            return SlackThreadNotifier(
                receiver.name,
                receiver.slack_token.reveal,
                channel=receiver.channel,
                api_url=receiver.api_url,
                clock=clock,
                buttons=receiver.signing_secret is not None,
            )
        case EmailSettings():
            from daemon.alerts.email import EmailNotifier

            return EmailNotifier(
                receiver.name, smtp=receiver.smtp, sender=receiver.sender, recipient=receiver.email, clock=clock
            )
        case PagerDutySettings():
            from daemon.alerts.pagerduty import PagerDutyNotifier

            return PagerDutyNotifier(receiver.name, receiver.pagerduty.reveal, api_url=receiver.api_url)
        case NoticeWebhookSettings():
            from daemon.alerts.webhook import WebhookNotifier

            secret = None if receiver.secret is None else receiver.secret.reveal
            return WebhookNotifier(receiver.name, receiver.webhook.reveal, clock=clock, secret=secret)
        case FileSettings():
            from daemon.alerts.file import FileNotifier

            return FileNotifier(receiver.name, Path(receiver.file).expanduser(), clock)
        case ConsoleSettings():
            from daemon.alerts.console import ConsoleNotifier

            return ConsoleNotifier(receiver.name)
