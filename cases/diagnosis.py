"""Diagnosis: ranked suspects, each claim with evidence; facts apart from hypotheses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cases.moments import utc


class EvidenceKind(StrEnum):
    """What a fact is about."""

    SYMPTOM = "symptom"
    REACH = "reach"
    CAUSE = "operational cause"
    ERROR = "error"
    SPAN = "span"
    DEPLOY = "deploy"
    FLAG = "flag"
    SUSPECT = "suspect"
    LESSON = "lesson"
    ANSWER = "answer"  # to what a language model asked to see
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One stored fact. Every number that a pull request prints resolves to one of these.

    id       `E1`, `E2` … within its case
    fact     the sentence
    source   where it was read: a query, a commit, a marker
    numbers  the figures in the sentence by name, in the unit that the name says
    """

    id: str
    fact: str
    source: str
    at: datetime
    numbers: Mapping[str, float] = field(default_factory=dict[str, float])
    kind: EvidenceKind = EvidenceKind.OTHER

    def __post_init__(self) -> None:
        utc(self.at, "evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit on a watched branch, as git has it.

    `at` is the committer time. `pull_request` is the number of the merged pull request that brought it, if known;
    `parents` has two or more entries for a merge commit. `files` are the paths it changes against its first parent;
    `patch` the unified diff against the first parent, capped (see `remediation.forge`).
    """

    sha: str
    at: datetime
    author: str
    title: str
    parents: tuple[str, ...]
    files: tuple[str, ...] = ()
    patch: str = ""
    pull_request: int | None = None

    def __post_init__(self) -> None:
        utc(self.at, "a commit")

    @property
    def short(self) -> str:
        """The first ten digits, enough for a reader."""
        return self.sha[:10]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A commit that may have done it. `deployed` is None where no marker shows that it ever ran."""

    commit: Commit
    repository: str
    score: float
    deployed: datetime | None
    before_onset: bool
    mechanism: str = ""  # what links the change to the symptom, in words; "" when nothing does
    evidence: tuple[str, ...] = ()
    linked_by: str = ""  # the strongest kind of link: "trace", "setting", "shape", "words", or "" for none
    raised: tuple[str, ...] = ()  # the evidence of the errors that are raised in lines which it wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """A place in the code that may be wrong whatever changed last: from a stack trace, or from a language model.

    `evidence` are ids of facts that exist; `path` is a file of the repository at the time, `line` from 1 or 0.
    `confidence` in [0, 1]. `origin` says whose it is: "stack trace", or the model's name. `exception` is what a stack
    trace says is raised there, or "".
    """

    statement: str
    path: str
    line: int
    function: str
    evidence: tuple[str, ...]
    confidence: float
    origin: str
    exception: str = ""


_CITED = re.compile(r"\bE[0-9]{1,4}\b")
AS_WELL = "may explain it as well"
"""How an alternative ends that is an operational cause: what nobody changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a language model says of a suspect, or of a cause that nobody changed. It is told, and convicts nobody.

    about      the sha of a suspect's commit, or the name of an operational cause
    evidence   ids of facts that exist, each of which was shown to it
    confidence in [0, 1], its own
    """

    about: str
    statement: str
    evidence: tuple[str, ...]
    confidence: float
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """What a stated confidence rests on.

    like  what it was for: kind of claim, what links it to the trouble, whose it is, the widest word first
    raw   the figure before any outcome was looked at, in [0, 1]
    n     how many outcomes were looked at, those in doubt counted in part; 0: the stated figure is the raw one
    right how many of them were right
    of    the narrowest part of `like` that had outcomes, in words; "" with none
    about what the claim was about: a commit's sha, a file's path, or the name of an operational cause
    """

    like: tuple[str, str, str]
    raw: float
    n: float = 0.0
    right: float = 0.0
    of: str = ""
    about: str = ""


class Finding(StrEnum):
    """How far the ranking went. Only a proof in the sandbox makes a suspect a culprit."""

    SUSPECT = "suspect"  # one stands out: deployed before the onset, and a mechanism links it
    SHORTLIST = "shortlist"  # several could be it
    OPERATIONAL = "operational cause"  # no change fits, and something that nobody changed does
    HYPOTHESIS = "hypothesis"  # no change fits, and something points at a place in the code
    OPPORTUNITY = "opportunity"  # nothing is wrong, and something could be better
    NOTHING = "nothing"  # no change fits


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What is known of the cause. `facts` were observed; `suspects` are hypotheses, best first."""

    finding: Finding
    claim: str
    facts: tuple[Evidence, ...]
    suspects: tuple[Suspect, ...]
    confidence: float
    disproof: str  # what would show that this is wrong
    alternatives: tuple[str, ...] = ()  # what may explain it as well, and what was set aside and why
    recalled: tuple[str, ...] = ()  # ids of the lessons that were consulted
    cited: tuple[str, ...] = ()  # of these, the ids of those that moved something
    blind: tuple[str, ...] = ()  # what could not be looked at, in words
    hypotheses: tuple[Hypothesis, ...] = ()  # places in the code, best first
    links: tuple[Link, ...] = ()  # what a model says of suspects and of operational causes
    record: TrackRecord | None = None  # what `confidence` rests on; None where nothing was claimed
    precedent: str = ""  # the id of the lesson on whose word no model was asked; "" where none spared one

    def explained_beside(self, suspect: Suspect) -> tuple[str, ...]:
        """The operational causes that speak for more than what is raised in the suspect's own lines.

        What says so may be just these errors: the words of an exception that the suspect's code raises name its own
        fault, and are no other cause.
        """
        return tuple(told for told in self.explained_otherwise if not _is_of(told, suspect))

    @property
    def explained_otherwise(self) -> tuple[str, ...]:
        """The operational causes that something speaks for beside the suspects, in words."""
        return tuple(told for told in self.alternatives if told.endswith(AS_WELL))


def _is_of(told: str, suspect: Suspect) -> bool:
    """Whether all the evidence that it cites is of errors that are raised in the suspect's own lines."""
    cited = frozenset(_CITED.findall(told))
    return bool(cited) and cited <= frozenset(suspect.raised)
