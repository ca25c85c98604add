"""What people say on our pull requests, and whether they may write there.

It is looked at in every cycle: each page is asked for with the ETag of the last answer (GitHub counts an unchanged
answer as nothing), and each comment's author is asked about once, when the comment is first seen.
API: https://docs.github.com/rest/issues/comments and https://docs.github.com/rest/collaborators/collaborators
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from itertools import count
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from cases.errors import TemporaryError
from cases.pull_request import Comment
from cases.redaction import redacted
from remediation.forge.client import PAGE
from remediation.forge.github import GithubApi
from remediation.forge.repository import ForgeRepository

NOT_FOUND = 404
MOST_THREADS = 64  # whose pages are remembered
LONGEST = 8_000  # characters of a comment that are kept
MOST_LISTS = 128  # pages of remarks that are remembered
WRITES = frozenset({"admin", "write"})  # what GitHub says also of the roles "maintain" and those of an organisation


class _Person(BaseModel):
    """Who said it."""

    model_config = ConfigDict(frozen=True)

    login: str


class _Said(BaseModel):
    """One comment, as far as it is read. An account that is gone leaves no author."""

    model_config = ConfigDict(frozen=True)

    id: int
    user: _Person | None
    body: Annotated[str, AfterValidator(lambda text: text[:LONGEST])] | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    html_url: str = ""

    def is_by(self, login: str, marker: str) -> bool:
        """Whether that person wrote it, and it ends in the marker."""
        return self.user is not None and self.user.login == login and (self.body or "").rstrip().endswith(marker)


class _Permission(BaseModel):
    """What one person may do in the repository."""

    model_config = ConfigDict(frozen=True)

    permission: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One page, as it was last told."""

    etag: str = ""
    said: tuple[_Said, ...] = ()


_SAID = TypeAdapter(tuple[_Said, ...])


@dataclass(slots=True, kw_only=True)
class CommentRecord:
    """The comments on pull requests of every repository of one forge. Safe to use from several threads."""

    api: GithubApi
    page: int = PAGE
    _pages: dict[tuple[str, int], dict[int, _Page]] = field(
        default_factory=dict[tuple[str, int], dict[int, _Page]], init=False
    )
    _lists: dict[tuple[str, int], tuple[str, object]] = field(
        default_factory=dict[tuple[str, int], tuple[str, object]], init=False
    )
    _writers: dict[int, bool] = field(default_factory=dict[int, bool], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def comments(self, repository: ForgeRepository, branch: str) -> tuple[Comment, ...]:
        """What others said on the newest pull request of that branch, oldest first; none where there is none."""
        number = self.api.number_of(repository, branch)
        return () if number is None else self.thread(repository, number)

    def own(self, repository: ForgeRepository, number: int, marker: str) -> str:
        """Where our own comment is that ends in the marker; "" where there is none."""
        mine = self.api.login()
        with self._lock:
            return next((one.html_url for one in self._said(repository, number) if one.is_by(mine, marker)), "")

    def thread(self, repository: ForgeRepository, number: int) -> tuple[Comment, ...]:
        """What others said in the thread of that number, oldest first."""
        mine = self.api.login()
        with self._lock:
            asked: dict[str, bool] = {}
            return tuple(
                Comment(
                    id=one.id,
                    author=one.user.login,
                    may_write=self.may_write(repository, one.id, one.user.login, asked),
                    body=redacted(one.body or ""),
                    at=one.created_at.astimezone(UTC),
                    edited=one.updated_at != one.created_at,
                )
                for one in self._said(repository, number)
                if one.user is not None and one.user.login != mine
            )

    def _said(self, repository: ForgeRepository, number: int) -> Iterator[_Said]:
        """Every comment; pages that have not changed are not sent again."""
        thread = (repository.full_name, number)
        pages = self._pages.pop(thread, {})
        self._pages[thread] = pages  # the newest last
        if len(self._pages) > MOST_THREADS:
            del self._pages[next(iter(self._pages))]
        for index in count(1):
            if index < len(pages) - 1:  # a full page with two behind it: what is new stands at the end
                yield from pages[index].said
                continue
            known = pages.get(index, _Page())
            heard = self.api.heard(
                f"the comments on pull request {number} of {repository.full_name}",
                f"/repos/{repository.full_name}/issues/{number}/comments",
                {"per_page": self.page, "page": index},
                etag=known.etag,
            )
            if not heard.unchanged:
                known = pages[index] = _Page(etag=heard.etag, said=_read(repository, heard.content))
            yield from known.said
            if len(known.said) < self.page:
                return

    def remembered(self, repository: ForgeRepository, path: str, page: int) -> object:
        """One page of a list that is looked at again and again; what has not changed is not sent again."""
        key = (path, page)
        with self._lock:
            etag, content = self._lists.pop(key, ("", None))
        heard = self.api.heard(
            f"{path.rpartition('/')[2]} of {repository.full_name}", path, {"per_page": PAGE, "page": page}, etag=etag
        )
        with self._lock:
            self._lists[key] = (etag, content) if heard.unchanged else (heard.etag, heard.content)
            if len(self._lists) > MOST_LISTS:
                del self._lists[next(iter(self._lists))]
            return self._lists[key][1]

    def may_write(
        self, repository: ForgeRepository, comment: int, login: str, asked: dict[str, bool] | None = None
    ) -> bool:
        """Whether the author of a comment may write there, as the forge said when it was first seen.

        `asked` has what was asked in the same look: ten thousand comments of one person are one question.
        """
        if comment not in self._writers and asked is not None and login in asked:
            self._writers[comment] = asked[login]
        if comment not in self._writers:
            heard = self.api.heard(
                f"what {login} may do in {repository.full_name}",
                f"/repos/{repository.full_name}/collaborators/{quote(login, safe='')}/permission",
                {},
                accept=(NOT_FOUND,),
            )
            try:
                told = "none" if heard.content is None else _Permission.model_validate(heard.content).permission
            except ValidationError:
                raise TemporaryError(
                    f"what {login} may do in {repository.full_name}: the answer is not GitHub's"
                ) from None
            self._writers[comment] = told in WRITES
            if asked is not None:
                asked[login] = self._writers[comment]
        return self._writers[comment]


def _read(repository: ForgeRepository, content: object) -> tuple[_Said, ...]:
    try:
        return _SAID.validate_python(content)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise TemporaryError(
            f"the comments of {repository.full_name}: the answer is not GitHub's (at {where})"
        ) from None
