"""Judgement, Outcome, Lesson: what a change did, how it ended, and what that taught."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cases.moments import utc

BRAKE = "brake"
"""How the settings of a judgement begin that is the brake's (`remediation.brake`)."""


class Ruling(StrEnum):
    """The four judgements of a deployed change."""

    WORKED = "worked"
    HARMFUL = "harmful"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the watch says of one deployed change, with its statistics, all in the signal's unit.

    effect           after minus reference; `low`, `high` its always-valid interval at `confidence`
    normal, anomalous, after   the levels before the anomaly, during it, and after the deploy
    evidence         the e-value for the ruling (act at 1/alpha)
    samples          readings after the deploy and its warm-up
    recovered        more than half of the anomaly's gap was closed, whoever gets the credit; None where nobody looked
    settings         the settings that were used, as printed
    """

    change: int
    ruling: Ruling
    at: datetime
    because: str
    signal: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    normal: float | None = None
    anomalous: float | None = None
    after: float | None = None
    evidence: float | None = None
    samples: int = 0
    settings: str = ""
    recovered: bool | None = None

    def __post_init__(self) -> None:
        utc(self.at, "a judgement")

    @property
    def braked(self) -> bool:
        """Whether the brake was pulled: what it says are readings, and no statistics."""
        return self.settings.startswith(BRAKE)


class Ending(StrEnum):
    """How a case ended."""

    WORKED = "worked"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"
    ROLLED_BACK = "rolled back"
    HARMFUL = "harmful"  # judged harmful, and no rollback was merged
    CLOSED_UNMERGED = "closed unmerged"
    RECOVERED = "recovered by itself"
    DISMISSED = "dismissed"  # a human said so
    ECHO = "echo of another case"  # which lists it


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a case's story. `change` is the number of the last change, 0 when none was drafted.

    `exonerated`: what was rolled back had not done it, as nothing recovered after the rollback: it was a false one.
    """

    ending: Ending
    change: int
    because: str
    at: datetime
    judgement: Judgement | None = None
    exonerated: bool = False

    def __post_init__(self) -> None:
        utc(self.at, "an outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What became of the first claim of a diagnosis, whatever it said of its own confidence.

    like    what it was for, as `cases.diagnosis.TrackRecord` has it; `raw` its figure before any outcome, in [0, 1]
    right   whether the change that answered it worked
    weight  how much it counts, in (0, 1]: a pull request that somebody closes says less than a judgement
    """

    like: tuple[str, str, str]
    raw: float
    right: bool
    weight: float


class Refusal(StrEnum):
    """Why a human said no, as far as they said it."""

    WRONG_CAUSE = "wrong cause"
    WRONG_CHANGE = "wrong change"
    STYLE = "style"
    DUPLICATE = "duplicate"
    UNWANTED = "unwanted"
    UNSAID = ""

    @classmethod
    def of(cls, text: str) -> "Refusal":
        """The reason that a human's words begin with; UNSAID for any other words."""
        plain = " ".join(text.lower().replace("-", " ").replace("_", " ").split())
        return next((reason for reason in cls if reason and plain.startswith(reason)), cls.UNSAID)


NO_CHANGE = "none"
"""The strategy of a lesson about trouble that no change was drafted for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What an outcome taught, with its provenance. Recalled by fingerprint, then by service.

    strategy   the origin of the change: which playbook or model; NO_CHANGE where none was drafted
    subject    the commit that was blamed, and its title; or "" when none was
    pull_request  its address, or "" when none was opened
    held       None: nothing shows whether the diagnosis was right
    action     the action class of the change, "" without one; `lines` is its size
    detector   what saw the trouble
    disproved  the strategies that the sandbox disproved before
    plan       the digest of what the change did to which files; "" without one
    grounds    what spoke for it then, without figures: a no holds until something else speaks for it
    refusal    why a human said no
    merged     whether it was merged
    effect     what it did to the promised metric, in the signal's unit; None where that was not seen
    """

    id: str
    at: datetime
    fingerprint: str
    service: str
    signal: str
    strategy: str
    ending: Ending
    subject: str
    paths: tuple[str, ...]
    text: str
    case: str
    pull_request: str
    held: Held | None = None
    action: str = ""
    lines: int = 0
    detector: str = ""
    disproved: tuple[str, ...] = ()
    plan: str = ""
    grounds: tuple[str, ...] = ()
    refusal: Refusal = Refusal.UNSAID
    merged: bool = False
    effect: float | None = None

    def __post_init__(self) -> None:
        utc(self.at, "a lesson")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What became of the cases that a lesson was cited in. Half before the first, it rises only with a success."""

    helped: int = 0
    misled: int = 0

    @property
    def score(self) -> float:
        """In (0, 1)."""
        return (self.helped + 1) / (self.helped + self.misled + 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A lesson that a search found. `rank` only orders the findings of one search."""

    lesson: Lesson
    quality: Quality
    rank: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lessons are looked for: "" and None ask for nothing."""

    service: str = ""
    strategy: str = ""
    signal: str = ""
    fingerprint: str = ""
    ending: Ending | None = None
    since: datetime | None = None
