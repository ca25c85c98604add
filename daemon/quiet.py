"""What is kept quiet: anomalies that open no case and join none, each with the reason.

Nothing is forgotten by it. What still lasts when the reason is over is found by the next look, as if it had begun then.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cases.anomaly import Anomaly
from config.schedule import MaintenanceSettings, in_force

log = logging.getLogger("trackwalker.quiet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Why an anomaly is kept quiet. `kind` is how it is counted; `because` is for people."""

    kind: str
    because: str


class Hush(Protocol):
    """Somebody who knows of reasons to keep anomalies quiet."""

    def why(self, anomalies: Sequence[Anomaly], now: datetime) -> Mapping[int, Quiet]:
        """The reasons, by the place of the anomaly among those that were given."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """The windows that the operator told of beforehand."""

    windows: Sequence[MaintenanceSettings]

    def why(self, anomalies: Sequence[Anomaly], now: datetime) -> Mapping[int, Quiet]:
        """See `Hush`."""
        services = {anomaly.signal.service for anomaly in anomalies} if self.windows else set[str]()
        reasons = {service: reason for service in services if (reason := in_force(self.windows, service, now))}
        return {
            place: Quiet(kind="Maintenance", because=f"maintenance: {reasons[anomaly.signal.service]}")
            for place, anomaly in enumerate(anomalies)
            if anomaly.signal.service in reasons
        }


@dataclass(slots=True, kw_only=True)
class Hushes:
    """All who know of reasons, asked one after the other: the first one to have a reason is the one that is said."""

    hushes: Sequence[Hush]
    _said: dict[str, str] = field(default_factory=dict[str, str], init=False)

    def part(self, anomalies: Sequence[Anomaly], now: datetime) -> tuple[list[Anomaly], list[tuple[Anomaly, Quiet]]]:
        """The anomalies that may be told, and those that are kept quiet. Each signal's reason is logged once."""
        loud = list(anomalies)
        quiet: list[tuple[Anomaly, Quiet]] = []
        for hush in self.hushes:
            if not loud:
                break
            why = hush.why(loud, now)
            quiet += [(anomaly, why[place]) for place, anomaly in enumerate(loud) if place in why]
            loud = [anomaly for place, anomaly in enumerate(loud) if place not in why]
        self._say(loud, quiet)
        return loud, quiet

    def _say(self, loud: Iterable[Anomaly], quiet: Iterable[tuple[Anomaly, Quiet]]) -> None:
        reasons = {anomaly.fingerprint: (anomaly.signal.key, why.because) for anomaly, why in quiet}
        for fingerprint, (key, because) in reasons.items():
            if self._said.get(fingerprint) != because:
                log.info("%s is suppressed: %s", key, because)
        for anomaly in loud:
            if anomaly.fingerprint in self._said and anomaly.fingerprint not in reasons:
                log.info("%s still lasts, and is suppressed no more", anomaly.signal.key)
        self._said = {fingerprint: because for fingerprint, (_, because) in reasons.items()}
