"""What stands beside a pull request's commit: what tools say of it, ours among them, and who is asked to look."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cases.steps import Receipt


class CiState(StrEnum):
    """What the checks of a commit come to: nothing said is nothing known, and never a pass."""

    NONE = "none"
    PENDING = "pending"
    FAILED = "failed"
    PASSED = "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CiCheck:
    """One check run or commit status, as the tool that made it says now. NONE for one that was skipped.

    output  what one that failed says of itself: bounded, without secrets, and otherwise whatever it wrote
    """

    name: str
    state: CiState
    url: str = ""
    summary: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ci:
    """What others' tools say of one commit, ours left out.

    unread  which part of it may not be read, in words: then the rest is not taken for the whole
    """

    sha: str
    checks: tuple[CiCheck, ...]
    unread: str = ""

    @property
    def state(self) -> CiState:
        """The worst of the checks; PASSED only where all could be read and one at least passed."""
        states = {check.state for check in self.checks}
        if CiState.FAILED in states:
            return CiState.FAILED
        if CiState.PENDING in states:
            return CiState.PENDING
        return CiState.PASSED if CiState.PASSED in states and not self.unread else CiState.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofReport:
    """What our own trial showed, as the forge shows it beside the commit. Found again by `key`.

    title   one line
    text    the proof matrix, as markdown
    proved  whether all held; what was not reproduced is shown as neither passed nor failed
    """

    key: str
    title: str
    text: str
    proved: bool


class Marks(Protocol):
    """The part of the Forge port that is about them."""

    def ci(self, repository: str, sha: str) -> Ci:
        """What other tools' check runs and statuses say of a commit now, ours left out."""
        ...

    def report_proof(self, repository: str, branch: str, base: str, report: ProofReport) -> Receipt:
        """Show our trial beside the commit that the branch holds on `base`, or adopt the report of that key.

        facts: `sha`, `as`, which is `check run` for an App and `commit status` for a token. PermanentError when the
        branch holds no such commit of ours.
        """
        ...

    def request_reviewers(
        self, repository: str, branch: str, owners: Sequence[str], culprit: tuple[str, ...]
    ) -> Receipt:
        """Ask for reviews: owners as CODEOWNERS names them, and the author of `culprit` (repository, commit) or ().

        facts: `asked`, `refused` (who cannot be asked there, which is no failure).
        """
        ...
