"""What can happen to a case. Each event carries its payload, so that the history alone rebuilds the case.

An event that a comment on one of our pull requests asked for carries the forge's id of it (`comment`; 0: none did): a
case takes no comment twice. What happens to its pull requests is in `cases.pull_request_events`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from cases.anomaly import Anomaly
from cases.change import Change
from cases.diagnosis import Diagnosis, Evidence
from cases.goal import Goal
from cases.hypothesis import Hypothesis
from cases.measure import Segments
from cases.outcome import Judgement, Lesson, Outcome
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
from cases.reach import Reach
from cases.telemetry import Deploy
from cases.verdict import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The birth of a case: an anomaly that no active case has, or a hypothesis for a goal.

    reasons   why it is one, why of that severity and kind, and how far it reached then: a sentence each
    reach     the same in figures; None where nobody looked
    goal, hypothesis   of an experiment: what is to be moved, as it was declared, and the idea; else None
    """

    case_id: str
    service: str
    fingerprint: str
    anomaly: Anomaly
    reasons: tuple[str, ...] = ()
    reach: Reach | None = None
    goal: Goal | None = None
    hypothesis: Hypothesis | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Another anomaly of the same service and moment was added."""

    anomaly: Anomaly


@dataclass(frozen=True, slots=True, kw_only=True)
class Echoed:
    """A symptom of another service was suppressed: it came at the same moment, and that service depends on this one."""

    anomaly: Anomaly
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """The trouble was traced down the chain: the case is about the anomaly's service now, what it had are echoes."""

    anomaly: Anomaly
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The signals of the case are back within what is expected."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosed:
    """The cause was worked out, as far as it goes."""

    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """More was seen after the diagnosis: evidence that belongs to it."""

    facts: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A change was drafted. A rollback is drafted as the next number of the same case.

    weights  what ordered the strategies that were asked, a sentence each, the first one first; () where nothing did
    """

    change: Change
    weights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrafted:
    """The same change anew: its base moved, or a reviewer asked. It must be proved again."""

    change: Change
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """The sandbox showed enough to propose the change (`trial.claim` says how much)."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Disproved:
    """The sandbox showed that the change is wrong: another one is drafted."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A deploy marker says that the merged change runs. The watch starts at `deploy.started`."""

    change: int
    deploy: Deploy


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """The watch goes on longer, because there is too little to judge by."""

    until: datetime
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one look at an experiment showed: kept once a day at least, and whenever something follows from one.

    users     of the control and of the treated arm; `crossed`: those that saw both, and are left out
    control, treated, low, high   the levels, and the interval of the lift (more is better), None while unknown
    hope      the chance of clearing the bar in the end, likewise
    safety    guardrail → breached, safe, open
    rails     guardrail → its level in the control and in the treated arm, where it is known
    segments  the effects by a property of users; None where none is asked for
    because   what it came to
    """

    change: int
    users: tuple[int, int]
    crossed: int
    because: str
    control: float | None = None
    treated: float | None = None
    lift: float | None = None
    low: float | None = None
    high: float | None = None
    hope: float | None = None
    safety: Mapping[str, str] = field(default_factory=dict[str, str])
    rails: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    segments: Segments | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The watch ended: worked, unchanged or inconclusive."""

    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmed:
    """The watch ended: harmful. The change is to be rolled back."""

    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """A kill rule fired: what was merged is taken back, what was not is dropped. `judgement` is of what was merged."""

    because: str
    judgement: Judgement | None = None
    comment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """A human is asked; `reason` is the whole sentence they get."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """A human's yes is awaited before the next step. `gate` names it for decisions; "": by its place in the history.

    shown  the repository in an issue of which the change in hand is shown meanwhile; "": in none
    """

    reason: str
    gate: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A human said yes to the gate. `gate` is which one; "" is whichever is waited at."""

    because: str
    gate: str = ""
    comment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A human said no to the gate, or nobody said anything in time. `gate` as in `Approved`."""

    because: str
    gate: str = ""
    comment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A human has seen what they were asked, and is told no more of it. `ask` is which (`cases.escalation`)."""

    ask: str
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The case stands still: a human, or a bug, stopped it. Its phase is kept."""

    reason: str
    comment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Thawed:
    """A frozen case goes on."""

    because: str
    comment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guided:
    """A human's text for the next diagnosis and draft. It is material, never policy."""

    text: str
    comment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """A human asked for another try from the start."""

    because: str
    comment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A comment gave a command that moves nothing of the case: a lever's, or one that is answered and no more."""

    comment: int
    by: str
    word: str
    answer: str

    @property
    def because(self) -> str:
        """For people: who said what, and what they were told."""
        return f"/trackwalker {self.word}, said by {self.by}: {self.answer}"


class Override(StrEnum):
    """What a human overrides: what the case waits for, or the whole of it."""

    FORCE = "force"
    DROP = "drop"
    NOISE = "noise"  # dropped, because there was no trouble: its series must be further out from now on


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """A human let the case pass what it waited for, or is about to end it."""

    how: Override
    text: str
    comment: int = 0

    @property
    def because(self) -> str:
        """For people."""
        return f"{self.how}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The end, with what it taught. `lesson` is None where there was nothing to learn."""

    outcome: Outcome
    lesson: Lesson | None


Event: TypeAlias = (
    Opened | Joined | Echoed | Traced | Recovered | Diagnosed | Noted | Drafted | Redrafted | Proved | Disproved
    | Proposed | Merged | Adopted | ClosedUnmerged | TakenOver | Deployed | Extended | Judged | Harmed | Killed
    | Escalated | Gated | Approved | Rejected | Acknowledged | Frozen | Thawed | Guided | Retried | Heard | Overridden
    | Closed
    | Refreshed | Remarked | Explained | MergeAnnounced | MergeWithheld | Shown | ChecksFailed | Looked
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a case's history: what happened, when, and who did it (`daemon`, or a human's name)."""

    at: datetime
    actor: str
    event: Event
