"""Receivers: can their secrets be read. Nothing is sent."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cases.errors import PermanentError
from cases.telemetry import Severity
from config.secret import Secret
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
from daemon.alerts.kinds import CLOSED, ESCALATED, GATE
from daemon.alerts.routing import hops, receivers_on
from daemon.preflight.finding import Finding, asked, fine

_SAMPLES = ((Severity.PAGE, ESCALATED), (Severity.TICKET, GATE), (Severity.NOTE, CLOSED))
_URGENCY = {Severity.PAGE: "hour", Severity.TICKET: "day", Severity.NOTE: "week"}


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at each receiver."""
    for receiver in settings.alerts.receivers:
        yield asked(f"receiver {receiver.name}", "its address can be read", partial(_readable, receiver))
    if not settings.alerts.receivers:
        yield fine("receivers", "somebody is told", "none configured: notices go to the log")
    for severity, kind in _SAMPLES if settings.alerts.routes else ():
        labels = {"severity": str(severity), "kind": kind, "urgency": _URGENCY[severity], "service": "", "case": ""}
        names = dict.fromkeys(name for hop in hops(settings, labels) for name in receivers_on(hop, settings))
        yield fine("routes", f"a {severity} ({kind}) reaches somebody", ", ".join(names))


def _readable(receiver: ReceiverSettings) -> str:
    for secret in _secrets(receiver):
        secret.reveal()
    match receiver:
        case SlackSettings():
            return "a webhook; nothing was sent"
        case SlackThreadSettings():
            buttons = "" if receiver.signing_secret is None else " with buttons"
            return f"a bot in {receiver.channel}{buttons}; nothing was sent"
        case EmailSettings():
            return f"mail to {receiver.email} by {receiver.smtp}; nothing was sent"
        case PagerDutySettings():
            return "PagerDuty; nothing was sent"
        case NoticeWebhookSettings():
            return f"a webhook, {'not signed' if receiver.secret is None else 'signed'}; nothing was sent"
        case FileSettings():
            folder = Path(receiver.file).expanduser().absolute().parent
            if not os.access(folder, os.W_OK):
                raise PermanentError(f"{folder} cannot be written; name a file that this user may write")
            return f"the file {receiver.file}; nothing was written"
        case ConsoleSettings():
            return "the log"


def _secrets(receiver: ReceiverSettings) -> Iterator[Secret]:
    """Every secret that it is told by."""
    values = (getattr(receiver, name) for name in type(receiver).model_fields)
    yield from (value for value in values if isinstance(value, Secret))
