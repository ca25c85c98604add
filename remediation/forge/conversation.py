"""What is said around a pull request, through the API: its body, labels, reactions, remarks in reviews, the dashboard.

Everything is looked at before it is written. Pages that are looked at in every cycle are asked for with their ETag.
API: https://docs.github.com/rest/pulls/comments, …/pulls/reviews, …/reactions/reactions, …/issues/issues
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import TypeVar
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from cases.errors import PermanentError, TemporaryError
from cases.pull_request import Board, Remark
from cases.redaction import redacted
from cases.steps import Receipt
from remediation.forge.client import PAGE
from remediation.forge.comments import CommentRecord
from remediation.forge.github import GithubApi
from remediation.forge.repository import ForgeRepository, check_own_branch
from remediation.sealed import opened

BOARD_LABEL = "trackwalker:dashboard"
BOARD_MARK = "<!-- trackwalker:dashboard -->"
MOST_PAGES = 20  # of remarks on one pull request; what is behind them is not read
GONE = 404
EDITED = "somebody edited it"

T = TypeVar("T")


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Person(_Shape):
    login: str


class _Label(_Shape):
    name: str


class _Issue(_Shape):
    """An issue, or a pull request seen as one."""

    number: int
    html_url: str
    state: str
    body: str | None = None
    labels: tuple[_Label, ...] = ()
    user: _Person | None = None


class _Line(_Shape):
    """A comment on a line. GitHub names the first of its thread in every answer."""

    id: int
    user: _Person | None
    body: str = ""
    path: str = ""
    line: int | None = None
    in_reply_to_id: int | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    html_url: str


class _Review(_Shape):
    """A review as a whole. It has no date before it is handed in."""

    id: int
    user: _Person | None
    body: str | None = None
    state: str
    submitted_at: AwareDatetime | None = None


_ISSUE, _ISSUES = TypeAdapter(_Issue), TypeAdapter(tuple[_Issue, ...])
_LINES, _REVIEWS, _MADE = TypeAdapter(tuple[_Line, ...]), TypeAdapter(tuple[_Review, ...]), TypeAdapter(_Line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """The conversation of every repository of one forge. Safe to use from several threads."""

    api: GithubApi
    comments: CommentRecord

    def rewrite(self, repository: ForgeRepository, branch: str, body: str) -> Receipt:
        """Put the sealed text in place of ours; facts: `kept`, where nothing was written."""
        number = self._number(repository, branch)
        path = f"/repos/{repository.full_name}/issues/{number}"
        found = self._issue(repository, number)
        there = opened(found.body or "")
        if there is None:
            return Receipt(key=branch, adopted=True, facts={"kept": EDITED})
        if there.ours == body:
            return Receipt(key=branch, adopted=True, facts={"kept": "it says just that"})
        whole = f"{there.before}{body}{there.after}"
        self.api.sent(f"the text of pull request {number} of {repository.full_name}", "PATCH", path, {"body": whole})
        return Receipt(key=branch, adopted=False)

    def relabel(
        self, repository: ForgeRepository, branch: str, add: Collection[str], remove: Collection[str]
    ) -> Receipt:
        """Put labels on, take labels off."""
        number = self._number(repository, branch)
        path = f"/repos/{repository.full_name}/issues/{number}/labels"
        has = {label.name for label in self._issue(repository, number).labels}
        what = f"the labels of pull request {number} of {repository.full_name}"
        missing, extra = sorted(set(add) - has), sorted(set(remove) & has)
        if missing:
            self.api.sent(what, "POST", path, {"labels": missing})
        for name in extra:
            self.api.sent(what, "DELETE", f"{path}/{quote(name, safe='')}", None, accept=(GONE,))
        return Receipt(key=branch, adopted=not (missing or extra))

    def react(self, repository: ForgeRepository, comment: int, word: str) -> Receipt:
        """Put a reaction under a comment, or under a remark on a line (whose id is below zero)."""
        kind = "pulls" if comment < 0 else "issues"
        path = f"/repos/{repository.full_name}/{kind}/comments/{abs(comment)}/reactions"
        self.api.sent(f"a reaction in {repository.full_name}", "POST", path, {"content": word}, accept=(GONE,))
        return Receipt(key=f"{comment}", adopted=False)

    def remarks(self, repository: ForgeRepository, branch: str) -> tuple[Remark, ...]:
        """What others said in reviews, oldest first."""
        number = self.api.number_of(repository, branch)
        if number is None:
            return ()
        mine = self.api.login()
        path = f"/repos/{repository.full_name}/pulls/{number}"
        found = [
            self._on_line(repository, line)
            for line in self._pages(repository, f"{path}/comments", _LINES)
            if line.user is not None and line.user.login != mine
        ]
        found += [
            self._of_whole(repository, review)
            for review in self._pages(repository, f"{path}/reviews", _REVIEWS)
            if review.user is not None and review.user.login != mine and review.submitted_at is not None
        ]
        return tuple(sorted(found, key=lambda remark: (remark.at, -remark.id)))

    def reply(self, repository: ForgeRepository, branch: str, remark: int, key: str, body: str) -> Receipt:
        """Answer in the thread of a remark on a line, once."""
        number, marker = self._number(repository, branch), f"<!-- trackwalker:{key} -->"
        path = f"/repos/{repository.full_name}/pulls/{number}/comments"
        mine = self.api.login()
        for line in self._pages(repository, path, _LINES):
            if line.user is not None and line.user.login == mine and line.body.rstrip().endswith(marker):
                return Receipt(key=key, adopted=True, facts={"url": line.html_url})
        what = f"an answer on pull request {number} of {repository.full_name}"
        text = {"body": f"{body.rstrip()}\n\n{marker}\n"}
        made = self.api.sent(what, "POST", f"{path}/{abs(remark)}/replies", text)
        return Receipt(key=key, adopted=False, facts={"url": _read(_MADE, repository, made).html_url})

    def board(self, repository: ForgeRepository) -> Board | None:
        """Our open dashboard issue there: the one with the lowest number."""
        wanted: dict[str, str | int] = {
            "state": "open",
            "labels": BOARD_LABEL,
            "creator": self.api.login(),
            "per_page": PAGE,
        }
        what, path = f"the issues of {repository.full_name}", f"/repos/{repository.full_name}/issues"
        listed = _read(_ISSUES, repository, self.api.heard(what, path, wanted).content)
        ours = [issue for issue in listed if BOARD_MARK in (issue.body or "")]
        first = min(ours, key=lambda issue: issue.number, default=None)
        return None if first is None else Board(number=first.number, url=first.html_url, body=first.body or "")

    def write_board(self, repository: ForgeRepository, title: str, body: str, seen: str | None) -> Receipt:
        """Make the dashboard issue say this; left alone where it does, and where it is not what was `seen` any more."""
        whole = f"{body.rstrip()}\n\n{BOARD_MARK}\n"
        found, path = self.board(repository), f"/repos/{repository.full_name}/issues"
        what = f"the dashboard of {repository.full_name}"
        if found is None:
            made = self.api.sent(what, "POST", path, {"title": title, "body": whole, "labels": [BOARD_LABEL]})
            return Receipt(key="board", adopted=False, facts={"url": _read(_ISSUE, repository, made).html_url})
        same = found.body.replace("\r\n", "\n") == whole or found.body != seen
        if not same:
            self.api.sent(what, "PATCH", f"{path}/{found.number}", {"body": whole})
        return Receipt(key="board", adopted=same, facts={"url": found.url})

    def _on_line(self, repository: ForgeRepository, line: _Line) -> Remark:
        login = "" if line.user is None else line.user.login
        return Remark(
            id=-line.id,
            author=login,
            may_write=self.comments.may_write(repository, -line.id, login),
            body=redacted(line.body),
            at=line.created_at.astimezone(UTC),
            edited=line.updated_at != line.created_at,
            path=line.path,
            line=line.line or 0,
            thread=-(line.in_reply_to_id or line.id),
        )

    def _of_whole(self, repository: ForgeRepository, review: _Review) -> Remark:
        login, at = ("" if review.user is None else review.user.login), review.submitted_at
        if at is None:
            raise TemporaryError(f"a review of {repository.full_name} is not handed in")
        return Remark(
            id=-review.id,
            author=login,
            may_write=self.comments.may_write(repository, -review.id, login),
            body=redacted(review.body or ""),
            at=at.astimezone(UTC),
            edited=False,  # GitHub does not say when a review was edited
            thread=-review.id,
            state=review.state.lower(),
        )

    def _pages(self, repository: ForgeRepository, path: str, shape: TypeAdapter[tuple[T, ...]]) -> Iterator[T]:
        for page in range(1, MOST_PAGES + 1):
            content = self.comments.remembered(repository, path, page)
            read = _read(shape, repository, content)
            yield from read
            if len(read) < PAGE:
                return

    def _issue(self, repository: ForgeRepository, number: int) -> _Issue:
        path = f"/repos/{repository.full_name}/issues/{number}"
        heard = self.api.heard(f"pull request {number} of {repository.full_name}", path, {})
        return _read(_ISSUE, repository, heard.content)

    def _number(self, repository: ForgeRepository, branch: str) -> int:
        check_own_branch(branch)
        number = self.api.number_of(repository, branch)
        if number is None:
            raise PermanentError(f"{branch} of {repository.full_name} has no pull request")
        return number


def _read(shape: TypeAdapter[T], repository: ForgeRepository, content: object) -> T:
    try:
        return shape.validate_python(content)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise TemporaryError(f"{repository.full_name}: the answer is not GitHub's (at {where})") from None
