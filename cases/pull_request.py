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
