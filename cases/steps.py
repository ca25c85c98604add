"""What a step of a case hands back: the events that happened, and the effects it wants on the outside world.

An effect is a value with a key. It is committed to the ledger before anything is done; then the fence is checked, the
outside is asked by that key, the effect is done or what is there already is adopted, and a receipt is committed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from cases.change import FileEdit
from cases.events import Event
from cases.redaction import redacted
from cases.telemetry import Severity


def _without_secrets(effect: object, *fields: str) -> None:
    """Text that leaves the house holds no secret, whoever wrote the pieces that it is made of."""
    for field_name in fields:
        object.__setattr__(effect, field_name, redacted(getattr(effect, field_name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PushBranch:
    """Make `branch` hold one commit: `base` plus `edits`. Found again by the branch name and the commit's trailers."""

    key: str
    repository: str
    branch: str
    base: str
    edits: tuple[FileEdit, ...]
    message: str

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
    """Keep a picture beside the code, on the branch that holds only pictures. Found again by its path."""

    key: str
    repository: str
    path: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a receiver is told. `key` lets a receiver drop a second copy; delivery is at least once."""

    key: str
    severity: Severity
    subject: str
    text: str
    case: str = ""
    link: str = ""

    def __post_init__(self) -> None:
        _without_secrets(self, "subject", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendNotice:
    """Deliver a notice to the receiver of that name. It never holds its case up."""

    key: str
    receiver: str
    notice: Notice


Effect: TypeAlias = PushBranch | OpenPullRequest | ConvertToDraft | PostComment | StorePlot | SendNotice


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
