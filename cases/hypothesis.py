"""Hypothesis: what could move the metric of a goal, why, by how much, and how it would be found out.

It says what is turned (a lever that the operator named, or a patch that a person brought) and what is expected of it
before anything is built. One that lacks any of its parts is none.
"""

from dataclasses import dataclass
from enum import StrEnum


class Effort(StrEnum):
    """How much work the change is."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Peril(StrEnum):
    """How much may go wrong while it runs."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the metric will do: `size` is how far it moves, above zero, in the signal's unit; `up`: towards more."""

    signal: str
    up: bool
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How it is found out.

    guardrails  the watches that may not get worse
    users       of both arms, that a single look needs to find `least`
    least       the smallest difference that is worth finding, in the signal's unit
    days        the longest that it runs
    """

    guardrails: tuple[str, ...]
    users: int
    least: float
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is turned: which flag shows which value to the treated users.

    lever      the name of the lever in the configuration; "" where the hypothesis brings a patch of its own
    flag       the key of the flag
    control    the value that everybody has now, as JSON; `treated` the one that is tried
    patch      a unified diff that guards new code with the flag; "" where code asks for the flag already
    """

    lever: str
    flag: str
    control: str
    treated: str
    patch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One idea for a goal.

    id            eight hexadecimal digits from the goal and the statement: the same idea is the same hypothesis
    goal          the name of the goal
    statement     "Build X for Y, and they do Z", in a sentence
    mechanism     why it should work, in a sentence or two
    shares        of users that are treated, step by step: the first while it is measured, the others once it is scaled
    blast_radius  whom it reaches, in words
    origin        who had the idea: `catalogue:copy`, `user:<who>`, `model:<name>`
    cited         the ids of the lessons that it rests on
    """

    id: str
    goal: str
    statement: str
    mechanism: str
    prediction: Prediction
    plan: Plan
    turn: Turn
    shares: tuple[float, ...]
    effort: Effort
    risk: Peril
    blast_radius: str
    origin: str
    cited: tuple[str, ...] = ()
