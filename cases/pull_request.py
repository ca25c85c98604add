"""PullRequest: what the forge shows. It is found again by its branch, which carries case id and change number."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ISSUE = "issue:"
"""With this before its branch a thread is that of the issue that shows the change, and not of its pull request."""


class PullRequestState(StrEnum):
    """Open, merged, or closed without a merge."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as the forge shows it now. `head` is the sha at the tip of its branch."""

    repository: str
    number: int
    url: str
    branch: str
    head: str
    state: PullRequestState
    draft: bool
    title: str
    body: str
    merged_sha: str | None = None
    merged_at: datetime | None = None
    ended_by: str | None = None  # the login that merged or closed it
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said on a pull request.

    id         the forge's own, which never comes back
    may_write  whether its author may write to the repository, as the forge says now; a stranger's word moves nothing
    edited     whether its text is not the one it was born with: then nobody knows who wrote it
    """

    id: int
    author: str
    may_write: bool
    body: str
    at: datetime
    edited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What somebody said in a review of a pull request: on a line of a file, or of the whole (`path` is "" then).

    id      the forge's own, below zero: a remark and a comment may have the same number there
    thread  the first remark of its thread; its own id where it is that one, or stands alone
    state   of a whole review: `approved`, `changes_requested`, `commented`; "" for one on a line
    """

    id: int
    author: str
    may_write: bool
    body: str
    at: datetime
    edited: bool
    path: str = ""
    line: int = 0
    thread: int = 0
    state: str = ""

    @property
    def as_comment(self) -> Comment:
        """The same, for whoever looks for commands only."""
        return Comment(
            id=self.id, author=self.author, may_write=self.may_write, body=self.body, at=self.at, edited=self.edited
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The dashboard issue of a repository, as it reads now."""

    number: int
    url: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChange:
    """An open issue in which a change of ours is shown that may not be proposed yet; `branch` is the change's."""

    branch: str
    number: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWork:
    """What somebody else's open pull request does to one file of the watched branch.

    patch  its unified diff, without a file header; None where the forge does not show it (binary, too large, renamed)
    """

    number: int
    url: str
    author: str
    path: str
    patch: str | None
