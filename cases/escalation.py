"""Escalation: what a case asks of a human now, how soon, and who has seen it. Pure: all of it is in the history.

A case asks one thing at a time, and beside it that somebody looks at once where the impact on the business is high.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cases.case import Case, Hold, Phase
from cases.events import Acknowledged, Entry, Escalated, Event, Frozen, Gated, Killed, Rejected
from cases.telemetry import Severity

BOT = "daemon"
"""The actor of what nobody asked for: a case that a human froze asks nothing of them."""
MOST_IMPACT = 10.0


class Urgency(StrEnum):
    """How soon a human is needed."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def place(self) -> int:
        """Its place among them: the lower, the sooner."""
        return tuple(Urgency).index(self)


class Asked(StrEnum):
    """What is asked."""

    YES = "yes"  # a gate: yes or no to the next step
    HELP = "help"  # the case cannot go on by itself
    MEND = "mend"  # a bug froze the case
    LOOK = "look"  # the impact is high: somebody should know at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How soon each urgency is to be answered, and from which impact on somebody is told at once (in [0, 10])."""

    hour: timedelta = timedelta(hours=1)
    day: timedelta = timedelta(hours=24)
    week: timedelta = timedelta(days=7)
    impact: float = 8.0

    def allowed(self, urgency: Urgency) -> timedelta:
        """How long an answer may take."""
        return {Urgency.HOUR: self.hour, Urgency.DAY: self.day, Urgency.WEEK: self.week}[urgency]


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One thing that is asked of a human.

    id        what decisions and acknowledgements name; a gate's is the gate's
    impact    on the business, in [0, 10]
    asked     since when; `deadline`: by when it is to be answered
    seen_by   who acknowledged it, or ""
    owner, backup   whom an outcome names for its gates; "" where the service's owners and the usual backup are asked
    """

    id: str
    case: str
    service: str
    asks: Asked
    urgency: Urgency
    impact: float
    reason: str
    asked: datetime
    deadline: datetime
    seen_by: str = ""
    owner: str = ""
    backup: str = ""

    @property
    def order(self) -> tuple[int, datetime, float, str]:
        """The queue's order: the sooner needed, the earlier due, the higher the impact, the first."""
        return (self.urgency.place, self.deadline, -self.impact, self.id)


def impact_of(case: Case, weight: float) -> float:
    """What the trouble means for the business, in [0, 10]: what the service is worth times how much of it is hit.

    `weight` is the service's, in [0, 10]. How much is hit is the share of its requests where that is known; else a page
    counts as all of it, a ticket as half, a note as a fifth.
    """
    share = case.reach.share if case.reach is not None else None
    if share is None:
        share = {Severity.PAGE: 1.0, Severity.TICKET: 0.5, Severity.NOTE: 0.2}[case.anomaly.signal.severity]
    return min(MOST_IMPACT, max(0.0, weight * share))


def urgency_of(case: Case, impact: float, terms: Terms) -> Urgency:
    """How soon a human is needed, by the severity of the case and its impact. What could be better has a week."""
    if case.improvement:
        return Urgency.WEEK
    if impact > terms.impact:
        return Urgency.HOUR
    urgent = {Severity.PAGE: Urgency.HOUR, Severity.TICKET: Urgency.DAY, Severity.NOTE: Urgency.WEEK}
    return urgent[case.anomaly.signal.severity]


def escalations_of(case: Case, weight: float, terms: Terms) -> tuple[Escalation, ...]:
    """What the case asks now, the sooner needed first. A case that is closed asks nothing."""
    if not case.active:
        return ()
    impact = impact_of(case, weight)
    urgency = urgency_of(case, impact, terms)
    found = [
        Escalation(
            id=name,
            case=case.id,
            service=case.service,
            asks=asks,
            urgency=urgency,
            impact=impact,
            reason=reason,
            asked=asked,
            deadline=asked + terms.allowed(urgency),
            seen_by=_seen_by(case, name),
            owner=case.goal.owner if case.goal is not None else "",
            backup=case.goal.backup if case.goal is not None else "",
        )
        for name, asks, reason, asked in (*_asked(case), *_looked_for(case, impact, terms))
    ]
    return tuple(sorted(found, key=lambda escalation: escalation.order))


def queue(cases: Iterable[tuple[Case, float]], terms: Terms) -> tuple[Escalation, ...]:
    """What all of them ask, with the weight of each one's service, in the order in which to answer."""
    every = (escalation for case, weight in cases for escalation in escalations_of(case, weight, terms))
    return tuple(sorted(every, key=lambda escalation: escalation.order))


def _asked(case: Case) -> Iterator[tuple[str, Asked, str, datetime]]:
    """What it waits for: its name, what is asked, why, since when."""
    if case.hold is Hold.GATE:
        yield case.gate, Asked.YES, case.hold_reason, _last(case, Gated)[1].at
    elif case.hold is Hold.FROZEN:
        number, entry = _last(case, Frozen)
        if entry.actor == BOT:
            yield f"{case.id}-f{number}", Asked.MEND, case.hold_reason, entry.at
    elif case.phase is Phase.ESCALATED:
        number, entry = _last(case, Escalated, Killed, Rejected)
        yield f"{case.id}-e{number}", Asked.HELP, case.escalation, entry.at


def _looked_for(case: Case, impact: float, terms: Terms) -> Iterator[tuple[str, Asked, str, datetime]]:
    if impact > terms.impact and not case.improvement:
        reason = f"the impact is {impact:.1f} of {MOST_IMPACT:.0f}, and {terms.impact:g} is the limit"
        yield f"{case.id}-i1", Asked.LOOK, reason, case.opened


def _last(case: Case, *kinds: type[Event]) -> tuple[int, Entry]:
    """The newest entry of these kinds, and how many there are. One that came to its phase or hold has one."""
    found = [entry for entry in case.history if isinstance(entry.event, kinds)]
    return len(found), found[-1]


def _seen_by(case: Case, name: str) -> str:
    """Who acknowledged it since it was asked, or "". By the order of the history: clocks are set back."""
    for entry in reversed(case.history):
        match entry.event:
            case Acknowledged(ask=ask) if ask == name:
                return entry.actor
            case Gated() if case.gate == name:
                return ""
            case _:
                continue
    return ""
