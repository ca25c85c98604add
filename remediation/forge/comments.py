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
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from cases.errors import TemporaryError
from cases.pull_request import Comment
from cases.redaction import redacted
from remediation.forge.github import PAGE, GithubApi
from remediation.forge.repository import ForgeRepository

NOT_FOUND = 404
MOST_THREADS = 64  # whose pages are remembered
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
    body: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime


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
    _writers: dict[int, bool] = field(default_factory=dict[int, bool], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def comments(self, repository: ForgeRepository, branch: str) -> tuple[Comment, ...]:
        """What others said on the newest pull request of that branch, oldest first; none where there is none."""
        number = self.api.number_of(repository, branch)
        if number is None:
            return ()
        mine = self.api.login()
        with self._lock:
            return tuple(
                Comment(
                    id=one.id,
                    author=one.user.login,
                    may_write=self._may_write(repository, one.id, one.user.login),
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

    def _may_write(self, repository: ForgeRepository, comment: int, login: str) -> bool:
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
        return self._writers[comment]


def _read(repository: ForgeRepository, content: object) -> tuple[_Said, ...]:
    try:
        return _SAID.validate_python(content)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise TemporaryError(
            f"the comments of {repository.full_name}: the answer is not GitHub's (at {where})"
        ) from None
