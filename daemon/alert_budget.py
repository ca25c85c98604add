"""The alert budget: each service's allowance, and what humans said of its alarms.

A departure of a case whose change was merged is no false alarm. A case that a human closed as noise asks more of that
very series and side: `STRICTER` for each, half of it after `MERCY`. Memory of the daemon but for one checkpoint; the
closings are read from the cases.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.case import Case
from cases.events import Overridden, Override
from cases.stores import CaseStore, Checkpoints
from cases.telemetry import Direction, Signal
from detectors.allowance import Allowance
from detectors.baseline import Key, key_of
from detectors.detect import Needed

log = logging.getLogger("trackwalker.budget")

SPENT = "alert-budget"  # the checkpoint
STRICTER = 0.05
MOST_STRICTER = 0.3
MERCY = timedelta(days=28)
_WEEK = timedelta(weeks=1)
_LONGEST = 1 / 168  # of a look, in weeks
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
    """The allowances of all services. Used by one thread at a time."""

    def __init__(self, *, checkpoints: Checkpoints, cases: CaseStore, allowed: float) -> None:
        self._checkpoints = checkpoints
        self._cases = cases
        self._allowed = allowed
        self._services: dict[str, Allowance] = {}
        self._going_on: dict[tuple[str, Key, Direction], Stretch] = {}
        self._looked: datetime | None = None
        self._stored: datetime | None = None
        self._take_up()

    def worth(self, service: str, together: Sequence[float] = ()) -> float:
        """What a departure of a service must be worth now; see `Allowance.worth`."""
        return self._of(service).worth(together)

    def needed(self, signal: Signal, worth: float, now: datetime) -> Needed:
        """What each series and side of a signal needs: the service's `worth`, and what cases that were noise add."""
        noise: dict[tuple[Key, Direction], float] = {}
        for case in self._cases.ended({signal.service}):
            at = closed_as_noise(case)
            for anomaly in case.anomalies if at is not None else ():
                if at is not None and anomaly.signal.key == signal.key:
                    name = key_of(anomaly.labels), anomaly.direction
                    noise[name] = noise.get(name, 0.0) + STRICTER * float(0.5 ** ((now - at) / MERCY))
        return lambda series, side: worth + min(noise.get((series, side), 0.0), MOST_STRICTER)

    def learn(self, signal: Signal, peaks: Sequence[float], weeks: float) -> None:
        """Take in the departures of the signal's history: so many weeks before anybody looked."""
        self._of(signal.service).learn(peaks, weeks)

    def note(self, going_on: Iterable[Stretch], judged: Iterable[Signal], now: datetime) -> None:
        """Take in a look: the departures that go on, and what was judged. What is not there any more has ended."""
        signals = {signal.key: signal.service for signal in judged}
        present = {(one.signal, one.series, one.direction): one for one in going_on}
        ended = [one for name, one in self._going_on.items() if name not in present and one.signal in signals]
        kept = {name: one for name, one in self._going_on.items() if one.signal not in signals}
        self._going_on = kept | present
        passed = (now - self._looked) / _WEEK if self._looked is not None and now > self._looked else 0.0
        self._looked = now
        if not passed:
            return
        false: defaultdict[str, list[float]] = defaultdict(list)
        real = self._real({one.service for one in ended})
        for one in ended:
            if (one.signal, one.series, one.direction) not in real:
                false[one.service].append(one.peak)
        for service in set(signals.values()):
            # A daemon that was away has seen nothing of that time.
            self._of(service).note(false[service], weeks=min(passed, _LONGEST))

    def keep(self, now: datetime) -> None:
        """Store it now and then. Raises TemporaryError when the ledger does not take it."""
        if self._stored is not None and now - self._stored < _STORED_EVERY:
            return
        document = {service: one.document() for service, one in self._services.items()}
        self._checkpoints.put(SPENT, json.dumps(document, separators=(",", ":")).encode(), now)
        self._stored = now

    def _real(self, services: Collection[str]) -> set[tuple[str, Key, Direction]]:
        """What was no false alarm in these services: a change was merged for it."""
        if not services:
            return set()
        return {
            (had.signal.key, key_of(had.labels), had.direction)
            for case in (*self._cases.active(), *self._cases.ended(services))
            if case.merges and not case.improvement
            for had in case.anomalies
        }

    def _of(self, service: str) -> Allowance:
        return self._services.setdefault(service, Allowance(allowed=self._allowed))

    def _take_up(self) -> None:
        blob = self._checkpoints.get(SPENT)
        if blob is None:
            return
        try:
            document = dict(json.loads(blob))
            self._services = {str(name): Allowance.taken_up(one, self._allowed) for name, one in document.items()}
        except (ValueError, LookupError, TypeError) as error:
            log.warning("what the alert budget had learnt cannot be read (%s); it learns anew", error)


def closed_as_noise(case: Case) -> datetime | None:
    """When a human closed the case as noise, or None."""
    ends = (
        entry.at for entry in case.history if isinstance(entry.event, Overridden) and entry.event.how is Override.NOISE
    )
    return next(ends, None)
