"""Receivers: can their secrets be read. Nothing is sent."""

from collections.abc import Iterator
from functools import partial

from config.settings import ReceiverSettings, Settings, SlackSettings, SlackThreadSettings
from daemon.preflight.finding import Finding, asked, fine


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at each receiver."""
    for receiver in settings.alerts.receivers:
        yield asked(f"receiver {receiver.name}", "its address can be read", partial(_readable, receiver))
    if not settings.alerts.receivers:
        yield fine("receivers", "somebody is told", "none configured: notices go to the log")


def _readable(receiver: ReceiverSettings) -> str:
    if isinstance(receiver, SlackSettings):
        receiver.slack.reveal()
        return "a webhook; nothing was sent"
    if isinstance(receiver, SlackThreadSettings):
        receiver.slack_token.reveal()
        return f"a bot in {receiver.channel}; nothing was sent"
    return f"mail to {receiver.email} by {receiver.smtp}; nothing was sent"
