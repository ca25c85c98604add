"""The life of a case: one table, and one pure function. Everything else asks these two.

`NEXT[phase, event type]` is the phase that follows. Events that only add a fact keep the phase.
A hold (frozen, gate) is a field beside the phase: any active case can be held and let go wherever it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from cases.anomaly import Anomaly
from cases.case import Case, Echo, Hold, Phase
from cases.errors import IllegalStep
from cases.events import (
    Acknowledged,
    Approved,
    Closed,
    Deployed,
    Diagnosed,
    Disproved,
    Drafted,
    Echoed,
    Entry,
    Escalated,
    Event,
    Extended,
    Frozen,
    Gated,
    Guided,
    Harmed,
    Heard,
    Joined,
    Judged,
    Killed,
    Looked,
    Noted,
    Opened,
    Overridden,
    Override,
    Proved,
    Recovered,
    Redrafted,
    Rejected,
    Retried,
    Thawed,
    Traced,
)
from cases.pull_request_events import (
    Adopted,
    ChecksFailed,
    ClosedUnmerged,
    Explained,
    MergeAnnounced,
    Merged,
    MergeWithheld,
    Proposed,
    Refreshed,
    Remarked,
    Shown,
    TakenOver,
)

_ACTIVE = tuple(phase for phase in Phase if phase is not Phase.CLOSED)
_BEFORE_THE_FORGE = (Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED)
_ON_THE_FORGE = (Phase.PROPOSED, Phase.MERGED, Phase.DEPLOYED)

_FACTS: tuple[type[Event], ...] = (
    Joined, Echoed, Recovered, Noted, Guided, Gated, Approved, Acknowledged, Frozen, Thawed, Heard, Overridden,
)  # fmt: skip

OF_COMMENTS = (
    Frozen, Thawed, Guided, Retried, Heard, Approved, Rejected, Killed, Overridden, Remarked, Explained,
)  # fmt: skip
"""What somebody may have asked for in a comment."""

NEXT: Mapping[tuple[Phase, type[Event]], Phase] = {
    # the way through
    (Phase.OPEN, Diagnosed): Phase.DIAGNOSED,
    (Phase.DIAGNOSED, Drafted): Phase.DRAFTED,
    (Phase.DIAGNOSED, Diagnosed): Phase.DIAGNOSED,  # looked at anew: what an earlier case taught did not hold here
    (Phase.DRAFTED, Proved): Phase.PROVED,
    (Phase.DRAFTED, Disproved): Phase.DIAGNOSED,  # try another change
    (Phase.PROVED, Proposed): Phase.PROPOSED,
    (Phase.PROPOSED, Merged): Phase.MERGED,
    (Phase.MERGED, Deployed): Phase.DEPLOYED,
    (Phase.DEPLOYED, Judged): Phase.DEPLOYED,  # the lesson is the next step
    (Phase.DEPLOYED, Extended): Phase.DEPLOYED,
    (Phase.DEPLOYED, Looked): Phase.DEPLOYED,
    # what goes wrong
    (Phase.PROPOSED, ClosedUnmerged): Phase.PROPOSED,  # a remembered no; the lesson is the next step
    (Phase.PROPOSED, TakenOver): Phase.PROPOSED,
    (Phase.PROPOSED, Refreshed): Phase.PROPOSED,
    (Phase.PROPOSED, Remarked): Phase.PROPOSED,
    (Phase.PROPOSED, MergeAnnounced): Phase.PROPOSED,
    (Phase.PROPOSED, MergeWithheld): Phase.PROPOSED,
    (Phase.PROPOSED, Shown): Phase.PROPOSED,
    (Phase.PROPOSED, ChecksFailed): Phase.PROPOSED,
    (Phase.DEPLOYED, Harmed): Phase.REVERTING,
    (Phase.REVERTING, Drafted): Phase.DRAFTED,  # the rollback: the next change of the same case, on the same way
    (Phase.DRAFTED, Redrafted): Phase.DRAFTED,  # its base moved before it was tried
    (Phase.PROVED, Redrafted): Phase.DRAFTED,
    (Phase.PROPOSED, Redrafted): Phase.DRAFTED,
    (Phase.ESCALATED, ClosedUnmerged): Phase.ESCALATED,
    (Phase.ESCALATED, Merged): Phase.MERGED,  # a human took in hand what was open, and merged it after all
    # merged, and a human was told that no marker says that it runs: one may come late, or never
    (Phase.ESCALATED, Deployed): Phase.DEPLOYED,
    (Phase.ESCALATED, Judged): Phase.ESCALATED,  # inconclusive, at the end of all patience
    # a change in several repositories: the first part leads, the others follow wherever the first one is
    **{(phase, Proposed): phase for phase in _ON_THE_FORGE},
    (Phase.MERGED, Merged): Phase.MERGED,
    (Phase.DEPLOYED, Merged): Phase.DEPLOYED,
    # the next change of a case whose last one runs: an experiment scaled, a code revert after the tag's
    (Phase.DEPLOYED, Drafted): Phase.DRAFTED,
    # a human's own merge is taken as the case's change
    **{(phase, Adopted): Phase.MERGED for phase in (*_BEFORE_THE_FORGE, Phase.ESCALATED)},
    # a kill rule, in every phase: what runs is taken back, what does not is dropped
    **{(phase, Killed): Phase.ESCALATED for phase in (*_BEFORE_THE_FORGE, Phase.PROPOSED)},
    (Phase.MERGED, Killed): Phase.REVERTING,
    (Phase.DEPLOYED, Killed): Phase.REVERTING,
    # what began it is another service's trouble: the diagnosis begins anew there
    **{(phase, Traced): Phase.OPEN for phase in _BEFORE_THE_FORGE},
    # humans
    **{(phase, Retried): Phase.OPEN for phase in (*_BEFORE_THE_FORGE, Phase.ESCALATED)},
    **{(phase, Rejected): Phase.ESCALATED for phase in _ACTIVE},
    **{(phase, Escalated): Phase.ESCALATED for phase in _ACTIVE},
    **{(phase, Closed): Phase.CLOSED for phase in _ACTIVE},
    # the one thing that is heard of a closed case: why its pull request was closed
    (Phase.CLOSED, Explained): Phase.CLOSED,
    # facts that keep the phase
    **{(phase, fact): phase for phase in _ACTIVE for fact in _FACTS},
}  # fmt: skip


def advance(case: Case, entry: Entry) -> Case:
    """Return the case after the entry.

    Raises IllegalStep for a pair that the table does not have, for a comment that the case has heard already, and for
    a word about a gate that is not waited at.
    """
    event = entry.event
    if isinstance(event, Approved | Rejected) and event.gate and event.gate != case.gate:
        raise IllegalStep(f"case {case.id} does not wait at gate {event.gate}")
    if (comment := comment_of(event)) and comment in heard(case):
        raise IllegalStep(f"comment {comment} was heard by case {case.id} before")
    try:
        phase = NEXT[case.phase, type(event)]
    except KeyError:
        raise IllegalStep(f"{type(event).__name__} cannot happen to case {case.id}, which is {case.phase}") from None
    entered = case.entered if phase is case.phase else entry.at
    case = replace(case, phase=phase, entered=entered, history=(*case.history, entry))
    return _forward(_held(case, event), entry)


def repeats(case: Case, event: Event) -> bool:
    """Whether the event only tells what the case has already: two daemons that look at one series both tell it."""
    match event:
        case Joined(anomaly=new):
            mine = [had for had in case.anomalies if had.fingerprint == new.fingerprint and had.labels == new.labels]
            urgent = any(had.signal.severity.urgency <= new.signal.severity.urgency for had in mine)
            return urgent and (case.recovered is None or new.onset <= case.recovered)
        case Echoed(anomaly=new):
            urgency = new.signal.severity.urgency
            echoes = [echo.anomaly for echo in case.echoes if echo.anomaly.fingerprint == new.fingerprint]
            return any(echo.signal.severity.urgency <= urgency for echo in echoes)
        case Traced(anomaly=new):
            return case.service == new.signal.service
        case Recovered():
            return case.recovered is not None
        case _:
            return False


def opened(entry: Entry) -> Case:
    """Return the case that an Opened entry gives birth to. Raises IllegalStep for any other entry."""
    event = entry.event
    if not isinstance(event, Opened):
        raise IllegalStep(f"a history begins with Opened, not with {type(event).__name__}")
    return Case(
        id=event.case_id,
        service=event.service,
        fingerprint=event.fingerprint,
        opened=entry.at,
        entered=entry.at,
        anomalies=(event.anomaly,),
        goal=event.goal,
        hypothesis=event.hypothesis,
        reasons=event.reasons,
        reach=event.reach,
        history=(entry,),
    )


def replay(history: Iterable[Entry]) -> Case:
    """Rebuild a case from its history. Raises IllegalStep where the history could not have happened."""
    entries = iter(history)
    try:
        case = opened(next(entries))
    except StopIteration:
        raise IllegalStep("an empty history is no case") from None
    for entry in entries:
        case = advance(case, entry)
    return case


def comment_of(event: Event) -> int:
    """The comment that asked for it; 0 where none did."""
    return event.comment if isinstance(event, OF_COMMENTS) else 0


def heard(case: Case) -> frozenset[int]:
    """The comments that a case has taken in."""
    return frozenset(comment_of(entry.event) for entry in case.history) - {0}


def _held(case: Case, event: Event) -> Case:
    """The hold after an event. Leaving for another phase by a human's word lets a gate go."""
    match event:
        case Frozen(reason=reason):
            return replace(case, hold=Hold.FROZEN, hold_reason=reason, gate="")
        case Gated(reason=reason, gate=gate):
            named = gate or f"{case.id}-g{len(case.history)}"
            return replace(case, hold=Hold.GATE, hold_reason=reason, gate=named)
        case Thawed() | Approved() | Rejected() | Retried() | Closed():
            return replace(case, hold=Hold.NONE, hold_reason="", gate="")
        case Killed() if case.hypothesis is not None and case.hold is Hold.GATE:
            return replace(case, hold=Hold.NONE, hold_reason="", gate="")  # what was asked has no object any more
        case Overridden(how=Override.FORCE) if case.hold is Hold.GATE:
            return replace(case, hold=Hold.NONE, hold_reason="", gate="")
        case _:
            return case


def _forward(case: Case, entry: Entry) -> Case:
    """The payload of an event, put where it belongs; first the way through."""
    match entry.event:
        case Diagnosed(diagnosis=diagnosis):
            return replace(case, diagnosis=diagnosis)
        case Drafted(change=change) | Adopted(change=change):
            return replace(case, changes=(*case.changes, change))
        case Redrafted(change=change):
            return replace(case, changes=(*case.changes[:-1], change))
        case Proved(trial=trial) | Disproved(trial=trial):
            return replace(case, trials=(*case.trials, trial))
        case Proposed() as proposal:
            return replace(case, proposals=(*case.proposals, proposal))
        case Merged() as merge:
            return replace(case, merges=(*case.merges, merge))
        case Deployed(deploy=deploy):
            return replace(case, deploys=(*case.deploys, deploy), watch_until=None)
        case Judged(judgement=judgement) | Harmed(judgement=judgement):
            return replace(case, judgements=(*case.judgements, judgement))
        case Killed(because=because, judgement=judgement):
            judged = () if judgement is None else (judgement,)
            return replace(case, judgements=(*case.judgements, *judged), escalation=because)
        case _:
            return _aside(case, entry)


def _aside(case: Case, entry: Entry) -> Case:
    """The payload of the events beside the way through."""
    match entry.event:
        case Noted(facts=facts) if case.diagnosis is not None:
            return replace(case, diagnosis=replace(case.diagnosis, facts=(*case.diagnosis.facts, *facts)))
        case Guided(text=text):
            return replace(case, guidance=(*case.guidance, text))
        case TakenOver(branch=branch):
            return replace(case, taken_over=branch)
        case Extended(until=until):
            return replace(case, watch_until=until)
        case Looked() as look:
            return replace(case, looks=(*case.looks, look))
        case Escalated(reason=reason) | Rejected(because=reason):
            return replace(case, escalation=reason)
        case Retried():
            return replace(case, escalation="", diagnosis=None)
        case Closed(outcome=outcome, lesson=lesson):
            return replace(case, outcome=outcome, lesson=lesson)
        case _:
            return _symptoms(case, entry)


def _symptoms(case: Case, entry: Entry) -> Case:
    """The payload of the events that tell of the trouble itself."""
    at: datetime = entry.at
    match entry.event:
        case Joined(anomaly=anomaly):
            return replace(case, anomalies=(*case.anomalies, anomaly), recovered=None)
        case Echoed(anomaly=anomaly, because=because):
            return replace(case, echoes=(*case.echoes, Echo(anomaly=anomaly, at=at, because=because)))
        case Traced(anomaly=anomaly, because=because):
            return _traced(case, anomaly, at, because)
        case Recovered():
            return replace(case, recovered=at)
        case _:
            return case


def _traced(case: Case, anomaly: Anomaly, at: datetime, because: str) -> Case:
    """The case as one of the anomaly's service, with nothing left of a diagnosis that looked elsewhere."""
    echoes = tuple(Echo(anomaly=had, at=at, because=because) for had in case.anomalies)
    return replace(
        case,
        service=anomaly.signal.service,
        fingerprint=anomaly.fingerprint,
        anomalies=(anomaly,),
        echoes=(*case.echoes, *echoes),
        recovered=None,
        diagnosis=None,
        reach=None,
    )
