"""The alert budget: what a departure must be worth in each service, so that false alerts come as often as was allowed.

Every departure that ends counts as false, told or not, but for those of cases whose change was merged: what a service's
series do anyway, at most `budget.false_alerts_per_service_week` of it may be told. Until a service has been looked at
for a week nothing less than `WORTH` is told, however quiet its history.

A case that a human closed as noise asks more of that very series and side: `STRICTER` for each, half of it after
`MERCY`. Pure memory of the daemon but for one checkpoint; the closings are read from the cases.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cases.case import Case
from cases.events import Overridden, Override
from cases.ports import CaseStore, Checkpoints
from cases.telemetry import Direction, Signal
from detectors.baseline import Key, key_of
from detectors.departures import WORTH
from detectors.detect import Needed
from detectors.engine.budget import CELLS, Spent, thresholds

log = logging.getLogger("trackwalker.budget")

SPENT = "alert-budget"  # the checkpoint
STRICTER = 0.05
MOST_STRICTER = 0.3
MERCY = timedelta(days=28)
LEAST, MOST = 0.30, 0.95
"""Between these a threshold is kept: below the first even what both witnesses see is noise."""

_WEEK = timedelta(weeks=1)
_STORED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A departure as it is counted: whose it is, and the most that it was worth so far."""

    service: str
    signal: str
    series: Key
    direction: Direction
    peak: float


class AlertBudget:
    """The thresholds of all services. Used by one thread at a time."""

    def __init__(self, *, checkpoints: Checkpoints, cases: CaseStore, allowed: float) -> None:
        self._checkpoints = checkpoints
        self._cases = cases
        self._allowed = allowed
        self._services: dict[str, int] = {}
        self._spent = Spent.nothing(0)
        self._lived: dict[str, float] = {}  # weeks of looks at each service
        self._going_on: dict[tuple[str, Key, Direction], Stretch] = {}
        self._looked: datetime | None = None
        self._stored: datetime | None = None
        self._take_up()

    def worth(self, service: str) -> float:
        """What a departure of a service must be worth now."""
        place = self._services.get(service)
        if place is None:
            return WORTH
        asked = float(np.clip(thresholds(self._spent, self._allowed)[place], LEAST, MOST))
        return asked if self._lived.get(service, 0.0) >= 1 else max(asked, WORTH)

    def needed(self, signal: Signal, now: datetime) -> Needed:
        """The same for each series and side of a signal, with what its cases that were noise ask besides."""
        worth = self.worth(signal.service)
        noise: dict[tuple[Key, Direction], float] = {}
        for case in self._cases.ended({signal.service}):
            at = closed_as_noise(case)
            for anomaly in case.anomalies if at is not None else ():
                if at is not None and anomaly.signal.key == signal.key:
                    name = key_of(anomaly.labels), anomaly.direction
                    noise[name] = noise.get(name, 0.0) + STRICTER * float(0.5 ** ((now - at) / MERCY))
        return lambda series, side: min(worth + min(noise.get((series, side), 0.0), MOST_STRICTER), MOST)

    def learn(self, signal: Signal, peaks: Sequence[float], weeks: float) -> None:
        """Take in the departures of the signal's history: so many weeks before anybody looked."""
        place = self._place(signal.service)
        self._spent = self._spent.before(place, np.array(peaks), weeks=weeks)

    def note(self, going_on: Iterable[Stretch], judged: Iterable[Signal], now: datetime) -> None:
        """Take in a look: the departures that go on, and what was judged. What is not there any more has ended."""
        signals = {signal.key: signal.service for signal in judged}
        present = {(one.signal, one.series, one.direction): one for one in going_on}
        ended = [one for name, one in self._going_on.items() if name not in present and one.signal in signals]
        kept = {name: one for name, one in self._going_on.items() if one.signal not in signals}
        self._going_on = kept | present
        passed = (now - self._looked) / _WEEK if self._looked is not None and now > self._looked else 0.0
        self._looked = now
        for service in signals.values():
            self._place(service)
        if not passed:
            return
        false = [one for one in ended if not self._confirmed(one)]
        places = np.array([self._services[one.service] for one in false], dtype=np.intp)
        # A daemon that was away has seen nothing of that time.
        self._spent = self._spent.after(places, np.array([one.peak for one in false]), weeks=min(passed, 1 / 168))
        for service in set(signals.values()):
            self._lived[service] = self._lived.get(service, 0.0) + min(passed, 1 / 168)

    def keep(self, now: datetime) -> None:
        """Store it now and then. Raises TemporaryError when the ledger does not take it."""
        if self._stored is not None and now - self._stored < _STORED_EVERY:
            return
        document = {
            service: {
                "weeks": float(self._spent.weeks[place]),
                "lived": self._lived.get(service, 0.0),
                "counts": {str(cell): float(count) for cell, count in enumerate(self._spent.counts[place]) if count},
            }
            for service, place in self._services.items()
        }
        self._checkpoints.put(SPENT, json.dumps(document, separators=(",", ":")).encode(), now)
        self._stored = now

    def _confirmed(self, ended: Stretch) -> bool:
        """Whether it was no false alarm: a change was merged for it."""
        cases = [*self._cases.active(), *self._cases.ended({ended.service})]
        return any(
            case.merges
            and any(
                had.signal.key == ended.signal
                and had.direction is ended.direction
                and key_of(had.labels) == ended.series
                for had in case.anomalies
            )
            for case in cases
        )

    def _place(self, service: str) -> int:
        if service not in self._services:
            self._services[service] = len(self._services)
            if len(self._services) > len(self._spent.weeks):
                self._spent = self._spent.grown(max(16, 2 * len(self._services)))
        return self._services[service]

    def _take_up(self) -> None:
        blob = self._checkpoints.get(SPENT)
        if blob is None:
            return
        try:
            document = json.loads(blob)
            for service, one in document.items():
                place = self._place(str(service))
                self._spent.weeks[place], self._lived[str(service)] = float(one["weeks"]), float(one["lived"])
                for cell, count in one["counts"].items():
                    self._spent.counts[place, min(int(cell), CELLS - 1)] = float(count)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("what the alert budget had learnt cannot be read (%s); it learns anew", error)
            self._services, self._spent, self._lived = {}, Spent.nothing(0), {}


def closed_as_noise(case: Case) -> datetime | None:
    """When a human closed the case as noise, or None."""
    ends = (
        entry.at for entry in case.history if isinstance(entry.event, Overridden) and entry.event.how is Override.NOISE
    )
    return next(ends, None)
