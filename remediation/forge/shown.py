"""Changes that are only shown: an issue each, where a human says whether it becomes a pull request.

An issue of ours is known by its label, by who opened it, and by the mark at its end, which names the change's branch.
Its thread is `issue:` and that branch, beside the thread of the branch, which is its pull request's.
API: https://docs.github.com/rest/issues/issues, …/issues/comments
"""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from cases.errors import PermanentError
from cases.pull_request import ISSUE, Comment, ShownChange
from cases.steps import Receipt
from remediation.forge.answers import Answered, read, read_all
from remediation.forge.client import PAGE
from remediation.forge.comments import CommentRecord
from remediation.forge.github import GithubApi
from remediation.forge.repository import ForgeRepository, check_own_branch
from remediation.sealed import opened

LABEL = "trackwalker:proposal"
MOST_PAGES = 5  # of issues that are looked through
_MARK = re.compile(r"<!-- trackwalker:shows:(trackwalker/[A-Za-z0-9._/-]{1,200}) -->\s*\Z")


class _Issue(Answered):
    number: int
    html_url: str
    state: str
    body: str | None = None


class _Said(Answered):
    html_url: str


@dataclass(slots=True, kw_only=True)
class ShownChanges:
    """The issues in which changes are shown, of every repository of one forge. Safe to use from several threads."""

    api: GithubApi
    said: CommentRecord
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int], init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    def show(self, repository: ForgeRepository, branch: str, title: str, body: str) -> Receipt:
        """Open the issue, or make the open one say this; a text that a human edited is left. facts: `number`, `url`."""
        check_own_branch(branch)
        mark = f"<!-- trackwalker:shows:{branch} -->"
        path, what = f"/repos/{repository.full_name}/issues", f"the issue that shows {branch} of {repository.full_name}"
        with self._lock:
            found = self._issue(repository, branch)
            adopted = found is not None
            if found is None:
                sent = {"title": title, "body": f"{body}\n\n{mark}\n", "labels": ["trackwalker", LABEL]}
                found = read(_Issue, what, self.api.sent(what, "POST", path, sent))
            there = opened(found.body or "")
            if adopted and found.state == "open" and there is not None and there.ours != body:
                whole = f"{there.before}{body}{there.after}"
                self.api.sent(what, "PATCH", f"{path}/{found.number}", {"body": whole})
                adopted = False
            self._numbers[repository.full_name, branch] = found.number
        return Receipt(key=branch, adopted=adopted, facts={"number": str(found.number), "url": found.html_url})

    def shown(self, repository: ForgeRepository) -> tuple[ShownChange, ...]:
        """The changes that open issues of ours show, the newest first."""
        found: list[ShownChange] = []
        for issue in self._issues(repository, "open"):
            mark = _MARK.search((issue.body or "").replace("\r\n", "\n"))
            if mark is not None:
                found.append(ShownChange(branch=mark[1], number=issue.number, url=issue.html_url))
        return tuple(found)

    def comments(self, repository: ForgeRepository, thread: str) -> tuple[Comment, ...]:
        """What others said in a thread of that name, oldest first; none where nothing is shown."""
        number = self._number(repository, thread.removeprefix(ISSUE))
        return () if number is None else self.said.thread(repository, number)

    def comment(self, repository: ForgeRepository, thread: str, key: str, body: str) -> Receipt:
        """Comment there once: one of ours that ends in the key's mark is adopted. facts: `url`."""
        branch = thread.removeprefix(ISSUE)
        with self._lock:
            number = self._number(repository, branch)
            if number is None:
                raise PermanentError(f"no issue of {repository.full_name} shows {branch}")
            what = f"a comment on issue {number} of {repository.full_name}"
            path, marker = f"/repos/{repository.full_name}/issues/{number}/comments", f"<!-- trackwalker:{key} -->"
            had = self.said.own(repository, number, marker)
            if had:
                return Receipt(key=key, adopted=True, facts={"url": had})
            made = self.api.sent(what, "POST", path, {"body": f"{body.rstrip()}\n\n{marker}\n"})
        return Receipt(key=key, adopted=False, facts={"url": read(_Said, what, made).html_url})

    def hide(self, repository: ForgeRepository, branch: str, key: str, body: str, *, done: bool) -> Receipt:
        """Say why and close the issue that shows the change of that branch; one that is closed is left alone."""
        with self._lock:
            found = self._issue(repository, branch)
            if found is None or found.state != "open":
                return Receipt(key=key, adopted=True)
            receipt = self.comment(repository, branch, key, body)
            what = f"issue {found.number} of {repository.full_name}"
            change = {"state": "closed", "state_reason": "completed" if done else "not_planned"}
            self.api.sent(what, "PATCH", f"/repos/{repository.full_name}/issues/{found.number}", change)
        return receipt

    def _number(self, repository: ForgeRepository, branch: str) -> int | None:
        with self._lock:
            known = self._numbers.get((repository.full_name, branch))
            if known is None:
                found = self._issue(repository, branch)
                if found is None:
                    return None
                known = self._numbers[repository.full_name, branch] = found.number
            return known

    def _issue(self, repository: ForgeRepository, branch: str) -> _Issue | None:
        """The first issue of ours that shows the change of that branch, in any state."""
        found = [issue for issue in self._issues(repository, "all") if _shows(issue, branch)]
        return min(found, key=lambda issue: issue.number, default=None)

    def _issues(self, repository: ForgeRepository, state: str) -> Iterator[_Issue]:
        what, path = f"the issues of {repository.full_name}", f"/repos/{repository.full_name}/issues"
        for page in range(1, MOST_PAGES + 1):
            wanted: dict[str, str | int] = {
                "state": state, "labels": LABEL, "creator": self.api.login(), "per_page": PAGE, "page": page,
            }  # fmt: skip
            listed = read_all(_Issue, what, self.api.heard(what, path, wanted).content)
            yield from listed
            if len(listed) < PAGE:
                return


def _shows(issue: _Issue, branch: str) -> bool:
    mark = _MARK.search((issue.body or "").replace("\r\n", "\n"))
    return mark is not None and mark[1] == branch
