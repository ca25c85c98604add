"""PullRequest: what the forge shows. It is found again by its branch, which carries case id and change number."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
class OpenWork:
    """What somebody else's open pull request does to one file of the watched branch.

    patch  its unified diff, without a file header; None where the forge does not show it (binary, too large, renamed)
    """

    number: int
    url: str
    author: str
    path: str
    patch: str | None
