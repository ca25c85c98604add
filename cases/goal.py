"""Goal: what `outcome.yaml` declares, a metric that somebody wants to move, within limits and by a day; and its states.

(Files and commands keep the user's word, outcome. An Outcome in this code is how a change ended.)
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from cases.errors import IllegalStep
from cases.moments import utc


class State(StrEnum):
    """How far a goal is."""

    DRAFT = "draft"
    ACTIVE = "active"
    ACHIEVED = "achieved"
    ABANDONED = "abandoned"


STEPS: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.ACTIVE, State.ABANDONED}),
    State.ACTIVE: frozenset({State.ACHIEVED, State.ABANDONED}),
    State.ACHIEVED: frozenset(),
    State.ABANDONED: frozenset(),
}
"""Where each state leads. Who wants to try again declares another goal: what came of this one stays as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A guardrail metric: a watched signal that may not leave these bounds meanwhile. None: no bound."""

    signal: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """When an experiment for the goal has succeeded.

    lift        the least gain that counts, in the signal's unit, above zero
    confidence  of the interval that has to lie beyond it
    """

    lift: float
    confidence: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A metric target with its limits.

    signal           the watch that shows it, as service/name
    baseline         where it was when the goal was written; `target` where it is wanted
    horizon          the last day
    repository       where changes for it may be made; `paths` in it, never `forbidden`
    segment          label or column → the values that are meant; empty for everybody
    budget_usd       for all that is done for it; `days` the longest that one experiment may run
    """

    name: str
    why: str
    signal: str
    baseline: float
    target: float
    horizon: date
    constraints: tuple[Constraint, ...]
    repository: str
    paths: tuple[str, ...]
    forbidden: tuple[str, ...]
    segment: Mapping[str, tuple[str, ...]]
    budget_usd: float
    days: int
    criteria: Criteria
    owner: str
    backup: str

    @property
    def up(self) -> bool:
        """Whether more is better."""
        return self.target > self.baseline

    def met(self, value: float) -> bool:
        """Whether that reading is at the target or beyond it."""
        return value >= self.target if self.up else value <= self.target

    def over(self, now: datetime) -> bool:
        """Whether its last day has passed, in UTC."""
        return now >= datetime.combine(self.horizon, time(), UTC) + timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a goal: into which state, when, by whom and why."""

    to: State
    at: datetime
    by: str
    because: str = ""

    def __post_init__(self) -> None:
        utc(self.at, "a step of a goal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pursued:
    """A goal with all its steps, the oldest first. `digest` is that of the file it came from."""

    goal: Goal
    digest: str
    steps: tuple[Step, ...]

    @property
    def state(self) -> State:
        """The present one."""
        return self.steps[-1].to

    @property
    def portfolio(self) -> str:
        """The name of what is tried for it: there is one as soon as it was active, and only ever one. "" before."""
        was_active = any(step.to is State.ACTIVE for step in self.steps)
        return f"{self.goal.name}-1" if was_active else ""

    def after(self, step: Step) -> "Pursued":
        """With one step more. Raises IllegalStep where its state leads elsewhere."""
        if step.to not in STEPS[self.state]:
            leads = ", ".join(sorted(STEPS[self.state])) or "nowhere: declare another one"
            raise IllegalStep(f"outcome {self.goal.name} is {self.state}, which leads to {leads}")
        return replace(self, steps=(*self.steps, step))
