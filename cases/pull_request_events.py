"""What can happen to the pull requests of a case, from the first draft to a merge, or a no and why it was one.

They are events of the case as all others (`cases.events`), and carry their payload.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cases.change import Change
from cases.outcome import Lesson, Refusal
from cases.telemetry import Deploy


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A part of the change goes to the forge as a pull request on `branch` of `repository`.

    until_green  whether it is a draft for no other reason than that the repository's own checks are not green yet
    """

    change: int
    repository: str
    branch: str
    until_green: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A part's pull request was merged. `sha` is the commit on the watched branch.

    edited   the share of the proposed lines that a human changed on the branch, in [0, 1]
    unasked  whether the daemon merged it by its own authority
    """

    change: int
    repository: str
    pull_request: int
    url: str
    sha: str
    merged_at: datetime
    by: str
    edited: float = 0.0
    unasked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A human merged a change of their own that is taken as this case's: from here on it is only watched."""

    change: Change
    sha: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedUnmerged:
    """A human closed the pull request: a remembered no."""

    change: int
    url: str
    by: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """A human committed to the bot's branch: the bot writes there no more, and goes on watching."""

    branch: str
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeAnnounced:
    """The pull request is to be merged unasked, as just the commit `sha`, unless somebody says no until `until`."""

    change: int
    sha: str
    until: datetime
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeWithheld:
    """It is not merged unasked, though its area stands high enough; what was announced does not hold any more.

    final  no announcement of this change follows: somebody said no
    """

    change: int
    because: str
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What an open pull request tells of was seen to have changed, and its text was to be written anew.

    standing  what it was told for, in a form to compare: whether the trouble lasts, and what was deployed last
    deploy    that deploy; None: nothing was since it was opened
    """

    change: int
    standing: str
    because: str
    deploy: Deploy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A draft that waited for the repository's own checks waits for them no more: it was marked ready, whoever did."""

    change: int
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksFailed:
    """The repository's own checks failed at a commit of ours. Told once a commit.

    sha      that commit
    failed   the checks, by their names
    output   what they say of themselves, where it is shown to a model: material, bounded, without secrets
    because  what follows, in words
    """

    change: int
    sha: str
    failed: tuple[str, ...]
    because: str
    output: str = ""


class RemarkKind(StrEnum):
    """What a remark in a review asks for."""

    QUESTION = "question"
    CHANGE = "change request"
    STYLE = "style"
    PRAISE = "praise"
    OTHER = "not for us"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarked:
    """Somebody said something in a review, and was answered. `text` is material, never policy."""

    change: int
    comment: int
    by: str
    kind: RemarkKind
    text: str
    answer: str

    @property
    def because(self) -> str:
        """For people."""
        return f"{self.kind} of {self.by}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Whoever closed the pull request said why, when they were asked: kept with the lesson of the closed case."""

    why: Refusal
    by: str
    comment: int
    lesson: Lesson | None = None

    @property
    def because(self) -> str:
        """For people."""
        return f"{self.by} says: {self.why}"
