"""Case: one story from anomaly to lesson. Every field is what its history says (see `cases.lifecycle`)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cases.anomaly import OPPORTUNITIES, Anomaly
from cases.change import Change, Experiment
from cases.diagnosis import Diagnosis
from cases.events import Entry, Gated, Looked
from cases.goal import Goal
from cases.hypothesis import Hypothesis
from cases.outcome import Judgement, Lesson, Outcome
from cases.pull_request_events import Merged, Proposed
from cases.reach import Reach
from cases.telemetry import Deploy, Severity
from cases.verdict import Trial


class Phase(StrEnum):
    """Where a case is on its way."""

    OPEN = "open"
    DIAGNOSED = "diagnosed"
    DRAFTED = "drafted"
    PROVED = "proved"
    PROPOSED = "proposed"
    MERGED = "merged"  # merged, and no marker says yet that it runs
    DEPLOYED = "deployed"  # being watched
    REVERTING = "reverting"  # judged harmful; the rollback is not drafted yet
    ESCALATED = "escalated"
    CLOSED = "closed"


class Hold(StrEnum):
    """Why a case stands still, whatever its phase."""

    NONE = "none"
    FROZEN = "frozen"
    GATE = "gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """A symptom that was suppressed for a case: another service's, which came with it. `at` is when it was taken in."""

    anomaly: Anomaly
    at: datetime
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One story. Built and changed only by `cases.lifecycle.advance`."""

    id: str
    service: str
    fingerprint: str
    opened: datetime
    entered: datetime  # when it came to the phase it is in
    phase: Phase = Phase.OPEN
    hold: Hold = Hold.NONE
    hold_reason: str = ""
    gate: str = ""  # the gate that it waits at, by the name that decisions use; "" at none
    anomalies: tuple[Anomaly, ...] = ()
    goal: Goal | None = None  # of an experiment: what is to be moved
    hypothesis: Hypothesis | None = None  # of an experiment: the idea
    reasons: tuple[str, ...] = ()  # of its opening
    reach: Reach | None = None  # at its opening; None: not known, or it is about another service now
    echoes: tuple[Echo, ...] = ()  # of services that depend on this one: listed, and never diagnosed
    recovered: datetime | None = None  # when its signals were last seen back to normal by themselves
    guidance: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None
    changes: tuple[Change, ...] = ()  # every change drafted, in order; a redraft takes its forerunner's place
    trials: tuple[Trial, ...] = ()
    proposals: tuple[Proposed, ...] = ()
    merges: tuple[Merged, ...] = ()
    taken_over: str = ""  # the branch that a human committed to
    deploys: tuple[Deploy, ...] = ()
    watch_until: datetime | None = None
    looks: tuple[Looked, ...] = ()  # of an experiment
    judgements: tuple[Judgement, ...] = ()
    escalation: str = ""
    outcome: Outcome | None = None
    lesson: Lesson | None = None
    history: tuple[Entry, ...] = ()

    @property
    def anomaly(self) -> Anomaly:
        """The anomaly that speaks for it: the most severe one, and of those the first that was seen."""
        return min(self.anomalies, key=lambda anomaly: list(Severity).index(anomaly.signal.severity))

    @property
    def improvement(self) -> bool:
        """Whether it is about what could be better, and no incident: it waits for every case that is one."""
        return bool(self.anomalies) and self.anomalies[0].kind in OPPORTUNITIES

    def asks(self, severity: Severity) -> Severity:
        """What people are asked to do about it: never more than to take note of an improvement."""
        return Severity.NOTE if self.improvement else severity

    @property
    def shows(self) -> Experiment | None:
        """Who is shown what by the newest change that was merged; None where everybody is shown one and the same.

        What takes an experiment back, or ends it, shows nobody anything.
        """
        if not self.merges:
            return None
        number = self.merges[-1].change
        return next(change.experiment for change in self.changes if change.number == number)

    @property
    def change(self) -> Change:
        """The change in hand: the newest one. Raises LookupError before any was drafted."""
        if not self.changes:
            raise LookupError(f"case {self.id} has no change yet")
        return self.changes[-1]

    @property
    def has_pull_request(self) -> bool:
        """Whether the change in hand has one already, open or not."""
        return bool(self.changes) and any(proposal.change == self.change.number for proposal in self.proposals)

    @property
    def shown_in(self) -> str:
        """The repository in an issue of which the change in hand is shown; "" for none, or once it is proposed."""
        if not self.changes or self.has_pull_request:
            return ""
        gates = (entry.event for entry in reversed(self.history) if isinstance(entry.event, Gated))
        named = f"{self.id}-{self.change.number}"
        return next((gate.shown for gate in gates if gate.gate == named), "")

    @property
    def trial(self) -> Trial | None:
        """The newest trial of the change in hand."""
        if not self.changes:
            return None
        return next((t for t in reversed(self.trials) if t.change == self.change.number), None)

    @property
    def judgement(self) -> Judgement | None:
        """The newest judgement of the change in hand."""
        if not self.changes:
            return None
        return next((j for j in reversed(self.judgements) if j.change == self.change.number), None)

    @property
    def merge(self) -> Merged | None:
        """The merge of the change in hand's leading part."""
        if not self.changes:
            return None
        wanted = (self.change.number, self.change.lead.repository)
        return next((m for m in reversed(self.merges) if (m.change, m.repository) == wanted), None)

    @property
    def active(self) -> bool:
        """Whether there is still something to do or to wait for."""
        return self.phase is not Phase.CLOSED
