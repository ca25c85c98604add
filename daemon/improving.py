"""Opportunities that open cases: a few, each where something can be tried and shown; and what ends such a case again.

The case is one of its own: no live anomaly joins it, and its fingerprint is none of theirs. Nobody is told that it was
opened. `trackwalker briefing` names it beside its opportunity.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cases.anomaly import Anomaly, AnomalyKind
from cases.case import Case
from cases.errors import IllegalStep
from cases.events import Entry, Opened, Recovered
from cases.stores import CaseStore
from cases.symptom import symptom
from daemon.intake import ACTOR, UNDECIDED
from daemon.opportunities import WEEK, Opportunities, Opportunity
from detectors.triage import case_id
from remediation.improvement import remedy
from remediation.ports import Ports

log = logging.getLogger("trackwalker.opportunities")


def _counts(case: Case) -> bool:
    """Whether it is the case of an opportunity: experiments have limits of their own."""
    return case.improvement and case.hypothesis is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Improving:
    """Opens and ends the cases of opportunities. Once a night."""

    ports: Ports
    cases: CaseStore
    opportunities: Opportunities

    def follow(self, anomalies: Mapping[str, Anomaly], now: datetime) -> int:
        """End the cases whose opportunity is over, and open those whose turn it is; how many were opened.

        `anomalies` are what was found tonight, by the opportunity's id. Raises TemporaryError.
        """
        everyone = self.opportunities.all()
        active = {case.id: case for case in self.cases.active() if _counts(case)}
        for one in everyone:
            if one.ended is not None and one.case in active:
                self._end(active.pop(one.case), one.because, now)
        waiting = [one for one in everyone if one.shown is not None and one.ended is None and not one.case]
        waiting.sort(key=lambda one: (-one.score, one.id))
        room = self._room(active, now)
        opened = 0
        for one in waiting:
            anomaly = anomalies.get(one.id)
            if anomaly is None:
                continue
            tried = remedy(self.ports.settings, one.service, one.signal, idle=anomaly.kind is AnomalyKind.WASTE)
            if opened < room and tried:
                opened += self._open(one, anomaly, tried, now)
        return opened

    def _room(self, active: Mapping[str, Case], now: datetime) -> int:
        """How many more may be opened."""
        budget = self.ports.settings.budget
        recent = {case.id for case in self.cases.since(now - WEEK) if _counts(case) and now - case.opened < WEEK}
        return min(budget.improvements_per_week - len(recent), budget.improvements_open - len(active))

    def _open(self, one: Opportunity, anomaly: Anomaly, tried: str, now: datetime) -> int:
        name = case_id(anomaly)
        opened = Opened(
            case_id=name,
            service=one.service,
            fingerprint=anomaly.fingerprint,
            anomaly=anomaly,
            reasons=(
                f"opportunity {one.id}: {one.signal} {symptom(anomaly)}",
                f"an improvement, of no incident: it waits for every case that is one, and nobody is told; {tried}",
            ),
        )
        case = self.cases.open(Entry(at=now, actor=ACTOR, event=opened), (), now)
        if case is None:  # another daemon was first, or this one before it was killed: what is there is its case
            same = [had for had in self.cases.active() if had.fingerprint == anomaly.fingerprint]
            case = next((had for had in same if dict(had.anomaly.labels) == dict(anomaly.labels)), None)
            if case is None:
                return 0  # another series of the signal has its turn
            self.opportunities.opened(one.id, case.id, now)
            return 0
        self.opportunities.opened(one.id, case.id, now)
        log.info("case %s: an improvement of %s/%s is looked for", case.id, one.service, one.signal)
        return 1

    def _end(self, case: Case, because: str, now: datetime) -> None:
        """Let a case end that nothing of ours runs for: its next step closes it."""
        if case.phase not in UNDECIDED or case.merges:
            return
        try:
            self.cases.add(case.id, Entry(at=now, actor=ACTOR, event=Recovered(because=because)), (), now)
        except IllegalStep as moved:
            log.info("case %s: %s", case.id, moved)
