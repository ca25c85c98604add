"""Silences and inhibitions of the Alertmanager that pages already: what they are for opens no case either.

An anomaly is kept quiet by a silence whose matchers meet its labels, as they would meet those of an alert about it; and
by its own alert's being silenced or inhibited, where its signal was made from a rule. While Alertmanager cannot be
asked nothing is kept quiet: to suppress takes evidence.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cases.anomaly import Anomaly
from cases.errors import PermanentError, SourceDown
from cases.ports import Clock
from config.settings import Settings
from daemon.alerts.enrich import alertmanager_of
from daemon.alerts.own import OURS
from daemon.alerts.pairing import of_rule
from daemon.alerts.wording import one_line
from daemon.quiet import Quiet

if TYPE_CHECKING:
    from signals.alertmanager import Alert, Alertmanager
    from signals.silences import Silence

log = logging.getLogger("trackwalker.silenced")

AGAIN = timedelta(minutes=1).total_seconds()  # how long one that was down is left alone: a look must not wait for it
LONGEST_COMMENT = 200
SILENCED, INHIBITED = "Silenced", "Inhibited"


@dataclass(slots=True, kw_only=True)
class Silenced:
    """Asks one Alertmanager, at each look that found something (see `daemon.quiet.Hush`)."""

    alertmanager: "Alertmanager"
    clock: Clock
    service_labels: Sequence[str]
    _down: bool = field(default=False, init=False)
    _again: float = field(default=float("-inf"), init=False)  # monotonic seconds
    _unread: frozenset[str] = field(default=frozenset(), init=False)

    def why(self, anomalies: Sequence[Anomaly], now: datetime) -> Mapping[int, Quiet]:
        """See `daemon.quiet.Hush`."""
        del now  # Alertmanager goes by its own clock
        if self.clock.monotonic() < self._again:
            return {}
        try:
            silences, unread = self.alertmanager.silences()
            alerts = self.alertmanager.alerts()
        except (SourceDown, PermanentError) as error:
            if not self._down:
                log.warning("silences are not known, and nothing is suppressed for them: %s", error)
            self._down, self._again = True, self.clock.monotonic() + AGAIN
            return {}
        if self._down:
            log.info("%s: silences are known again", self.alertmanager.name)
        self._down = False
        for name in sorted(unread.keys() - self._unread):
            log.warning("silence %s cannot be read, and suppresses nothing here: %s", one_line(name, 60), unread[name])
        self._unread = frozenset(unread)
        return self._reasons(anomalies, silences, alerts)

    def close(self) -> None:
        """Close the connections."""
        self.alertmanager.close()

    def _reasons(
        self, anomalies: Sequence[Anomaly], silences: Sequence["Silence"], alerts: Iterable["Alert"]
    ) -> dict[int, Quiet]:
        by_id = {silence.id: silence for silence in silences}
        named: defaultdict[str, list[Alert]] = defaultdict(list)
        names: dict[str, str] = {}
        for alert in alerts:
            named[alert.name].append(alert)
            names[alert.fingerprint] = alert.name
        found: dict[int, Quiet] = {}
        for place, anomaly in enumerate(anomalies):
            reason = self._by_silence(anomaly, silences) or self._by_alert(anomaly, named, by_id, names)
            if reason is not None:
                found[place] = reason
        return found

    def _by_silence(self, anomaly: Anomaly, silences: Iterable["Silence"]) -> Quiet | None:
        labels = labels_of(anomaly, self.service_labels)
        for silence in silences:
            # a silence for alerts that we say ourselves is one for us
            if silence.matches(labels) or silence.matches({**labels, "alertname": OURS}):
                return Quiet(kind=SILENCED, because=_quoted(silence))
        return None

    def _by_alert(
        self,
        anomaly: Anomaly,
        named: Mapping[str, Sequence["Alert"]],
        silences: Mapping[str, "Silence"],
        names: Mapping[str, str],
    ) -> Quiet | None:
        """Why nobody is paged by the anomaly's own alerts; None where somebody is, or where it has none."""
        rule = anomaly.signal.rule
        mine = [alert for alert in named.get(rule, ()) if of_rule(alert, anomaly, self.service_labels)] if rule else []
        if not mine or not all(alert.quiet for alert in mine):
            return None
        alert = mine[0]
        by = alert.by[0] if alert.by else ""
        if alert.quiet == "silenced":
            silence = silences.get(by)
            said = _quoted(silence) if silence else f"silence {one_line(by, 60)}"
            return Quiet(kind=SILENCED, because=f"its alert {one_line(rule, 80)} is silenced: {said}")
        other = one_line(names.get(by, by), 80)
        return Quiet(kind=INHIBITED, because=f"its alert {one_line(rule, 80)} is inhibited by {other}")


def labels_of(anomaly: Anomaly, service_labels: Iterable[str]) -> dict[str, str]:
    """The labels that an alert about the anomaly has: its series', its service's under every name, its own.

    An alert of a rule has that rule's severity, in words of its owner that are not known here.
    """
    signal = anomaly.signal
    own = {} if signal.rule else {"severity": str(signal.severity)}
    services = dict.fromkeys(("service", *service_labels), signal.service)
    return {**services, **own, **anomaly.labels, **signal.pick, "alertname": signal.rule or signal.name}


def silenced_of(settings: Settings, clock: Clock) -> Silenced | None:
    """Who is asked about silences; None where there is no Alertmanager. Nothing is reached yet."""
    if settings.signals.alertmanager is None:
        return None
    return Silenced(alertmanager=alertmanager_of(settings), clock=clock, service_labels=settings.catalog.service_labels)


def _quoted(silence: "Silence") -> str:
    """A silence in words; what people wrote in it is quoted, on one line, and no longer than it has to be."""
    comment = one_line(silence.comment, LONGEST_COMMENT)
    return f"silence {one_line(silence.id, 60)} by {one_line(silence.by, 60) or 'nobody'}: “{comment}”"
