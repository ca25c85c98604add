"""Hypothesis: what could move the metric of a goal, why, by how much, and how it would be found out.

It says what is turned (a lever that the operator named, or a patch that a person brought) and what is expected of it
before anything is built. One that lacks any of its parts is none.
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

_FORM = re.compile(
    r"(?P<build>\S.*\S) for (?P<audience>[^,]*\S), *(?:(?:and|then|so) +)?"
    r"(?:they +(?P<act>\S.*?)|(?P<moves>\S+ moves (?:up|down)\b.*?))\.?",
    re.IGNORECASE,
)
_QUOTES = str.maketrans(dict.fromkeys("“”„«»\u2018\u2019'`", '"'))


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
    assumes     what `users` takes for granted of how users differ, in a sentence
    """

    guardrails: tuple[str, ...]
    users: int
    least: float
    days: int
    assumes: str = ""


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

    id            `identity`: the same idea is the same hypothesis
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A statement, taken apart: what is built, for whom, and what they do then (or which way the signal moves)."""

    build: str
    audience: str
    behaviour: str


def stated(statement: str) -> Stated | None:
    """The parts of "Build X for Y, and they do Z"; None for a sentence of another form."""
    found = _FORM.fullmatch(" ".join(statement.split()))
    if found is None:
        return None
    return Stated(build=found["build"], audience=found["audience"], behaviour=found["act"] or found["moves"])


def normalised(statement: str) -> str:
    """A statement without letter case, kinds of quotes, doubled spaces and the mark at its end."""
    plain = unicodedata.normalize("NFKC", statement).casefold().translate(_QUOTES)
    return " ".join(plain.split()).rstrip(".!? ")


def as_json(value: object) -> str:
    """The value of a flag as JSON, one text for one value: 1.0 is 1, keys are sorted."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def identity(goal: str, statement: str, turn: Turn) -> str:
    """The id: eight hexadecimal digits from the goal, the normalised statement and what is turned."""
    told = (goal, normalised(statement), turn.lever, turn.flag, turn.control, turn.treated, turn.patch)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]
