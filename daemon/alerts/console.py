"""The log as a receiver: the one that there always is, so that no notice goes unread for want of a receiver."""

import logging

from cases.steps import Notice
from cases.telemetry import Severity
from daemon.alerts.lines import line

log = logging.getLogger("trackwalker.notice")

# Never below a warning: a program that set no log up shows nothing less.
_LEVELS = {Severity.PAGE: logging.ERROR, Severity.TICKET: logging.WARNING, Severity.NOTE: logging.WARNING}


class ConsoleNotifier:
    """Writes notices to the log, a JSON object each (see `cases.ports.Notifier`)."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def notify(self, notice: Notice) -> None:
        """Log it."""
        log.log(_LEVELS[notice.severity], "%s", line(notice))
