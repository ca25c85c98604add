"""Merging a pull request of ours as one commit that was proved, through the API.

Everything that stands against it is looked at just before, and the forge is told the commit: it refuses any other. A
merge whose answer got lost is found as merged by the next attempt, and adopted.
API: https://docs.github.com/rest/pulls/pulls#merge-a-pull-request, …/rest/repos/repos#get-a-repository
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cases.errors import PermanentError, TemporaryError
from cases.marks import Ci, CiState
from cases.merging import STOP_LABEL, Obstacle
from cases.pull_request import Remark
from cases.steps import Receipt
from remediation.forge.answers import Answered, read
from remediation.forge.github import GithubApi
from remediation.forge.repository import ForgeRepository, check_own_branch
from remediation.neutral import neutral

DECIDING = frozenset({"approved", "changes_requested", "dismissed"})
"""The states of reviews of which each reviewer's last one counts; what only comments takes nothing back."""
MOST_NAMED = 3  # checks that are named in one sentence


class _Person(Answered):
    login: str


class _Label(Answered):
    name: str


class _Tip(Answered):
    ref: str
    sha: str


class _Pull(Answered):
    """A pull request as it is shown alone. GitHub works `mergeable` out after it was asked: None until then."""

    number: int
    state: str
    draft: bool = False
    merged: bool
    mergeable: bool | None
    merge_commit_sha: str | None
    merged_by: _Person | None
    head: _Tip
    base: _Tip
    labels: tuple[_Label, ...] = ()


class _Ways(Answered):
    """How a repository lets pull requests be merged; GitHub tells it to whoever may push."""

    allow_squash_merge: bool = True
    allow_merge_commit: bool = True
    allow_rebase_merge: bool = True


class _Done(Answered):
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merger:
    """Merges at one forge.

    remarks  what people said in reviews of a branch's pull request
    ci       what other tools say of a commit
    """

    api: GithubApi
    remarks: Callable[[str], Sequence[Remark]]
    ci: Callable[[str], Ci]

    def obstacles(self, repository: ForgeRepository, branch: str, sha: str) -> tuple[Obstacle, ...]:
        """See `cases.merging.Merging`."""
        pull = self._pull(repository, branch)
        return () if pull.merged else tuple(self._against(repository, pull, sha))

    def merge(self, repository: ForgeRepository, branch: str, sha: str, message: str) -> Receipt:
        """See `cases.merging.Merging`."""
        pull = self._pull(repository, branch)
        if pull.merged:
            by = pull.merged_by.login if pull.merged_by is not None else ""
            return self._receipt(branch, pull.merge_commit_sha or "", by, adopted=True)
        what = f"pull request {pull.number} of {repository.full_name} is not merged"
        against = tuple(self._against(repository, pull, sha))
        if against:
            said = f"{what}: {'; '.join(one.because for one in against)}"
            raise TemporaryError(said) if all(one.passes for one in against) else PermanentError(said)
        title, _, text = message.strip().partition("\n")
        asked = {
            "sha": sha,
            "merge_method": self._way(repository),
            "commit_title": f"{title} (#{pull.number})",
            "commit_message": text.strip(),
        }
        path = f"/repos/{repository.full_name}/pulls/{pull.number}/merge"
        answer = self.api.sent(f"the merge of pull request {pull.number} of {repository.full_name}", "PUT", path, asked)
        return self._receipt(branch, read(_Done, what, answer).sha, self.api.login(), adopted=False)

    def _against(self, repository: ForgeRepository, pull: _Pull, sha: str) -> Iterator[Obstacle]:
        if pull.state != "open":
            yield Obstacle(because="it is closed", no=True)
            return
        if pull.head.sha != sha:
            yield Obstacle(because=f"its branch is at {pull.head.sha[:10]}, and {sha[:10]} was proved", no=True)
        if pull.base.ref != repository.branch:
            yield Obstacle(
                because=f"it goes into {neutral(pull.base.ref, 60)}, and {repository.branch} is watched", no=True
            )
        if pull.draft:
            yield Obstacle(because="it is a draft", no=True)
        if STOP_LABEL in {label.name for label in pull.labels}:
            yield Obstacle(because=f"it is labelled {STOP_LABEL}", no=True)
        for who in _objecting(self.remarks(pull.head.ref)):
            yield Obstacle(because=f"{neutral(who, 40)} requested changes", no=True)
        if pull.mergeable is None:
            yield Obstacle(because="the forge does not say yet whether it can be merged", passes=True)
        elif not pull.mergeable:
            yield Obstacle(because="it conflicts with the watched branch")
        yield from _unchecked(self.ci(sha))

    def _pull(self, repository: ForgeRepository, branch: str) -> _Pull:
        check_own_branch(branch)
        number = self.api.number_of(repository, branch)
        if number is None:
            raise PermanentError(f"{branch} of {repository.full_name} has no pull request")
        what = f"pull request {number} of {repository.full_name}"
        pull = read(_Pull, what, self.api.heard(what, f"/repos/{repository.full_name}/pulls/{number}", {}).content)
        if pull.head.ref != branch:
            raise TemporaryError(f"{what} is not that of {branch} any more")
        return pull

    def _way(self, repository: ForgeRepository) -> str:
        what, path = f"how {repository.full_name} lets pull requests be merged", f"/repos/{repository.full_name}"
        ways = read(_Ways, what, self.api.heard(what, path, {}).content)
        if ways.allow_squash_merge:
            return "squash"
        return "merge" if ways.allow_merge_commit else "rebase"

    def _receipt(self, branch: str, sha: str, by: str, *, adopted: bool) -> Receipt:
        ours = "yes" if by == self.api.login() else ""
        return Receipt(key=branch, adopted=adopted, facts={"sha": sha, "by": by, "ours": ours})


def _objecting(remarks: Sequence[Remark]) -> tuple[str, ...]:
    """Who may write and wants changes: each one's last decision counts."""
    last = {one.author: one.state for one in remarks if one.may_write and one.state in DECIDING}
    return tuple(sorted(who for who, state in last.items() if state == "changes_requested"))


def _unchecked(ci: Ci) -> Iterator[Obstacle]:
    """Why the checks of others are no pass; nothing where they are one."""
    if ci.state is CiState.PASSED:
        return
    names = [neutral(check.name, 60) for check in ci.checks if check.state is ci.state][:MOST_NAMED]
    match ci.state:
        case CiState.FAILED:
            yield Obstacle(because=f"checks failed on {ci.sha[:10]}: {', '.join(names)}")
        case CiState.PENDING:
            yield Obstacle(because=f"checks have not finished on {ci.sha[:10]}: {', '.join(names)}", passes=True)
        case _ if ci.unread:
            yield Obstacle(because=ci.unread)
        case _:
            yield Obstacle(because=f"no check has said anything of {ci.sha[:10]}", passes=True)
