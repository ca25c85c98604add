"""What Alertmanager has told of alerts: kept in one checkpoint, read like any signal, and anomalies while they fire.

An alert is its labels, as it is for Alertmanager. All the alerts of one rule and service are one signal, which reads 1
where an alert fires and 0 where it does not; so recovery, evidence and the watch of a change need no other way.
What was told is stored before the sender is answered, so that no end of this process loses it.
"""

import hashlib
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.errors import TemporaryError
from cases.leases import Swap
from cases.moments import milliseconds
from cases.ports import Clock
from cases.stores import Checkpoints
from cases.telemetry import Direction, SeriesBlock, Signal
from signals.grid import grid
from signals.rules import plain_name, severity_of

log = logging.getLogger("trackwalker.alerts")

SOURCE = "alertmanager:webhook"
"""The name of the source: the colon keeps it apart from all that a configuration may name."""
DETECTOR = "alertmanager"
KEY = "alerts-told"  # the checkpoint
MOST = 2_000  # alerts that are kept
KEPT = timedelta(days=7)  # after it was last heard of: until then a message that is sent again is known
SILENT = timedelta(hours=24)  # Alertmanager repeats itself every four hours; after a day nothing is known any more
TRIES = 20  # others store, too
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as it was told. `heard` is when it was last told, `first` when it first was; `ended` None: it fires."""

    name: str
    service: str
    labels: Mapping[str, str]
    started: datetime
    ended: datetime | None
    first: datetime
    heard: datetime

    @property
    def id(self) -> str:
        """What makes two messages of the same alert: its labels, and nothing that a sender says of them."""
        return hashlib.sha256(json.dumps(sorted(self.labels.items())).encode()).hexdigest()[:16]

    def fires(self, now: datetime) -> bool:
        """Whether it is known to fire now."""
        return self.ended is None and now - self.heard <= SILENT


class ToldAlerts:
    """The alerts of one ledger, and a `SignalSource` of them. Safe for threads and for several daemons on one store."""

    def __init__(self, checkpoints: Checkpoints, clock: Clock) -> None:
        self._checkpoints = checkpoints
        self._clock = clock

    @property
    def name(self) -> str:
        """See `SignalSource`."""
        return SOURCE

    def probe(self) -> str:
        """See `SignalSource`."""
        return f"{len(self.all())} alerts that Alertmanager told of"

    def all(self) -> tuple[Alert, ...]:
        """Every alert that is kept."""
        return tuple(_read(self._checkpoints.get(KEY)).values())

    def take(self, told: Sequence[Alert]) -> Counter[str]:
        """Keep what is new in them: how many of them `began`, `ended`, or were `known` already.

        Raises TemporaryError when the ledger does not take it.
        """
        for _ in range(TRIES):
            stored = self._checkpoints.get(KEY)
            kept = _read(stored)
            count = Counter[str]()
            for alert in told:
                count[_put(kept, alert)] += 1
            now = self._clock.now()
            kept = _bounded(kept, now)
            after = _written(kept)
            if after == stored or self._checkpoints.swap(Swap(key=KEY, before=stored, after=after), now):
                return count
        raise TemporaryError("others have stored alerts all the time")

    def anomalies(self, now: datetime) -> list[Anomaly]:
        """One anomaly for each alert that fires."""
        ruled = _by_rule(self.all(), now)
        return [_anomaly(signal, alert) for signal, those in ruled for alert in those if alert.fires(now)]

    def blocks(self, start: datetime, end: datetime, step: timedelta) -> dict[str, SeriesBlock]:
        """The readings of every signal that alerts were told of, by `Signal.key`."""
        return {signal.key: block_of(signal, those, start, end, step) for signal, those in _by_rule(self.all(), end)}

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """See `SignalSource`."""
        mine = [alert for alert in self.all() if (alert.service, alert.name) == (signal.service, signal.rule)]
        return block_of(signal, mine, start, end, step)


def block_of(signal: Signal, alerts: Sequence[Alert], start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
    """1 where an alert fires, 0 where it does not, and no sample where nothing was heard of it for too long."""
    times = grid(start, end, step)
    values = np.zeros((len(alerts), len(times)))
    missing = np.zeros((len(alerts), len(times)), dtype=np.bool_)
    for row, alert in enumerate(alerts):
        firing = times >= milliseconds(alert.started)
        if alert.ended is not None:
            firing &= times < milliseconds(alert.ended)
        else:
            missing[row] = times > milliseconds(alert.heard + SILENT)
        values[row, firing] = 1.0
    values[missing] = np.nan
    return SeriesBlock(
        signal=signal, labels=tuple(alert.labels for alert in alerts), times=times, values=values, missing=missing
    )


def _by_rule(alerts: Iterable[Alert], now: datetime) -> list[tuple[Signal, list[Alert]]]:
    """The alerts by what they are readings of: rule and service."""
    found: defaultdict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert in alerts:
        found[alert.service, alert.name].append(alert)
    return [(_signal(service, name, those, now), those) for (service, name), those in sorted(found.items())]


def _signal(service: str, name: str, alerts: Sequence[Alert], now: datetime) -> Signal:
    """What alerts of one rule and service are readings of, as urgent as the most urgent one that fires."""
    speaking = [alert for alert in alerts if alert.fires(now)] or alerts
    return Signal(
        name=plain_name(name),
        service=service,
        source=SOURCE,
        query=f"whether the alert {name} of {service} fires",
        harm=Direction.UP,
        severity=min((severity_of(alert.labels) for alert in speaking), key=lambda severity: severity.urgency),
        threshold=THRESHOLD,
        rule=name,
    )


def _anomaly(signal: Signal, alert: Alert) -> Anomaly:
    return Anomaly(
        signal=signal,
        labels=dict(alert.labels),
        detector=DETECTOR,
        kind=AnomalyKind.THRESHOLD,
        direction=Direction.UP,
        onset=alert.started,
        # A rule holds its breath before it fires: how long is not told.
        onset_bound_s=max(0.0, (alert.first - alert.started).total_seconds()),
        detected=max(alert.started, alert.first),
        value=1.0,
        expected=0.0,
        low=0.0,
        high=THRESHOLD,
        score=0.9,
    )


def _put(kept: dict[str, Alert], new: Alert) -> str:
    """Take one message in: what became of it."""
    had = kept.get(new.id)
    if had is not None and new.started < had.started:
        return "known"  # an old message, sent again or overtaken
    if had is None or new.started > had.started:
        kept[new.id] = new
        return "began" if new.ended is None else "ended"
    if had.ended is not None:
        return "known"  # what has ended does not fire again since the same moment
    kept[new.id] = replace(had, heard=new.heard, ended=new.ended)
    return "known" if new.ended is None else "ended"


def _bounded(kept: Mapping[str, Alert], now: datetime) -> dict[str, Alert]:
    """What is still worth keeping, those that fire first; the others by when they were heard of last."""
    young = {name: alert for name, alert in kept.items() if now - alert.heard <= KEPT}
    if len(young) <= MOST:
        return young
    log.warning("more than %d alerts are told of: those heard of longest ago are forgotten", MOST)
    ranked = sorted(young.items(), key=lambda item: (item[1].ended is not None, -item[1].heard.timestamp(), item[0]))
    return dict(ranked[:MOST])


def _read(stored: bytes | None) -> dict[str, Alert]:
    document: dict[str, dict[str, object]] = json.loads(stored) if stored else {}
    return {name: _alert(said) for name, said in document.items()}


def _alert(said: Mapping[str, object]) -> Alert:
    ended = said["ended"]
    return Alert(
        name=str(said["name"]),
        service=str(said["service"]),
        labels=cast("dict[str, str]", said["labels"]),
        started=datetime.fromisoformat(str(said["started"])),
        ended=None if ended is None else datetime.fromisoformat(str(ended)),
        first=datetime.fromisoformat(str(said["first"])),
        heard=datetime.fromisoformat(str(said["heard"])),
    )


def _written(kept: Mapping[str, Alert]) -> bytes:
    document = {
        name: {
            "name": alert.name,
            "service": alert.service,
            "labels": dict(alert.labels),
            "started": alert.started.isoformat(),
            "ended": None if alert.ended is None else alert.ended.isoformat(),
            "first": alert.first.isoformat(),
            "heard": alert.heard.isoformat(),
        }
        for name, alert in sorted(kept.items())
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
