"""Judgement, Outcome, Lesson: what a change did, how it ended, and what that taught."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cases.moments import utc


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

    def __post_init__(self) -> None:
        utc(self.at, "a judgement")


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
    """The end of a case's story. `change` is the number of the last change, 0 when none was drafted."""

    ending: Ending
    change: int
    because: str
    at: datetime
    judgement: Judgement | None = None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What an outcome taught, with its provenance. Recalled by fingerprint, then by service."""

    id: str
    at: datetime
    fingerprint: str
    service: str
    signal: str
    strategy: str  # the origin of the change: which playbook or model
    ending: Ending
    subject: str  # the commit that was blamed, its title; or "" when none was
    paths: tuple[str, ...]
    text: str
    case: str
    pull_request: str  # its address, or "" when none was opened
    held: Held | None = None  # None: nothing shows whether the diagnosis was right

    def __post_init__(self) -> None:
        utc(self.at, "a lesson")
