"""What a step of a case hands back: the events that happened, and the effects it wants on the outside world.

An effect is a value with a key. It is committed to the ledger before anything is done; then the fence is checked, the
outside is asked by that key, the effect is done or what is there already is adopted, and a receipt is committed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from cases.change import FileEdit
from cases.events import Event
from cases.flags import FlagPlace
from cases.redaction import redacted
from cases.telemetry import Severity


def _without_secrets(effect: object, *fields: str) -> None:
    """Text that leaves the house holds no secret, whoever wrote the pieces that it is made of."""
    for field_name in fields:
        object.__setattr__(effect, field_name, redacted(getattr(effect, field_name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PushBranch:
    """Make `branch` hold `base` plus `edits`: as one commit, or as a further one on top of our own last one, `onto`.

    Found again by the branch name and what it holds.
    """

    key: str
    repository: str
    branch: str
    base: str
    edits: tuple[FileEdit, ...]
    message: str
    onto: str = ""

    def __post_init__(self) -> None:
        _without_secrets(self, "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPullRequest:
    """Open a pull request from `branch` into the watched branch. Found again by its branch."""

    key: str
    repository: str
    branch: str
    title: str
    body: str
    labels: tuple[str, ...]
    draft: bool

    def __post_init__(self) -> None:
        _without_secrets(self, "title", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertToDraft:
    """Take the pull request of `branch` back to a draft: what it was opened for has changed. Found by its branch."""

    key: str
    repository: str
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkReady:
    """Show the pull request of `branch` for review. Found by its branch."""

    key: str
    repository: str
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePullRequest:
    """Merge the pull request of `branch` as just the commit `sha`, unasked. One that is merged is adopted.

    What is asked just before it is more than of any other effect: see `cases.may` and `remediation.unasked`.
    """

    key: str
    repository: str
    branch: str
    sha: str
    message: str

    def __post_init__(self) -> None:
        _without_secrets(self, "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteBody:
    """Put our part of the text of `branch`'s pull request anew. `body` is sealed; one that a human edited stays."""

    key: str
    repository: str
    branch: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabel:
    """Put labels on the pull request of `branch`, and take others off."""

    key: str
    repository: str
    branch: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRemark:
    """Answer a remark on a line in its thread. Found again by `key` in a hidden HTML comment."""

    key: str
    repository: str
    branch: str
    remark: int
    body: str

    def __post_init__(self) -> None:
        _without_secrets(self, "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostComment:
    """Comment on the pull request of `branch`. Found again by `key` in a hidden HTML comment."""

    key: str
    repository: str
    branch: str
    body: str

    def __post_init__(self) -> None:
        _without_secrets(self, "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlot:
    """Keep a picture beside the code, on the branch that holds only pictures. Found again by its path.

    beside  text files that are kept with it, by their names in its folder
    """

    key: str
    repository: str
    path: str
    content: bytes
    beside: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        object.__setattr__(self, "beside", {name: redacted(text) for name, text in self.beside.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportProof:
    """Show the trial beside the commit that `branch` holds on `base`: see `ProofReport`. Found again by `key`."""

    key: str
    repository: str
    branch: str
    base: str
    title: str
    text: str
    proved: bool

    def __post_init__(self) -> None:
        _without_secrets(self, "title", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReviewers:
    """Ask people to review the pull request of `branch`. Whoever is asked already, or has reviewed, is not asked again.

    owners  as CODEOWNERS names them: `@login`, `@organisation/team`
    culprit the repository and the commit whose author is asked as well, or ()
    """

    key: str
    repository: str
    branch: str
    owners: tuple[str, ...]
    culprit: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowChange:
    """Show the change of `branch` in an issue: it may not be proposed yet. Found by its branch. `body` is sealed."""

    key: str
    repository: str
    branch: str
    title: str
    body: str

    def __post_init__(self) -> None:
        _without_secrets(self, "title")


@dataclass(frozen=True, slots=True, kw_only=True)
class KillFlag:
    """Show everybody the control: the one write that nobody reviews. Granted at the launch, only ever towards off."""

    key: str
    place: FlagPlace
    because: str

    def __post_init__(self) -> None:
        _without_secrets(self, "because")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a receiver is told. `key` lets a receiver drop a second copy; delivery is at least once.

    gate   the gate that it asks a yes or no for, for receivers with buttons; "" where it asks for none
    """

    key: str
    severity: Severity
    subject: str
    text: str
    case: str = ""
    link: str = ""
    gate: str = ""

    def __post_init__(self) -> None:
        _without_secrets(self, "subject", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendNotice:
    """Deliver a notice to the receiver of that name. It never holds its case up.

    group   what is due for one receiver under one of these leaves as one message; "" leaves alone
    """

    key: str
    receiver: str
    notice: Notice
    group: str = ""


def told(receivers: Iterable[str], notice: Notice) -> tuple[SendNotice, ...]:
    """The same notice for every receiver, each under a key of its own."""
    return tuple(SendNotice(key=f"{notice.key}@{name}", receiver=name, notice=notice) for name in receivers)


Effect: TypeAlias = (
    PushBranch | OpenPullRequest | MergePullRequest | ConvertToDraft | MarkReady | RewriteBody | Relabel | PostComment
    | AnswerRemark | StorePlot | ReportProof | RequestReviewers | ShowChange | KillFlag | SendNotice
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the outside answered: done now, or found there and adopted."""

    key: str
    adopted: bool
    facts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step came to.

    events   in order; none when there is nothing new
    effects  in order; wanted once the events are committed
    again    when to look again; None means at once (the next phase has work) or never (the case is closed)
    waiting  what is being waited for, in words, when nothing happened
    """

    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()
    again: datetime | None = None
    waiting: str = ""
