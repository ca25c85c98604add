"""What others have open on the files that a change touches, so that it gets in nobody's way.

Bounded: the pull requests that were touched last, and of each the files of its first pages. What is not shown is said
to be unknown, never to be nothing.
API: https://docs.github.com/rest/pulls/pulls#list-pull-requests-files
"""

from collections.abc import Collection, Iterator
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from cases.errors import TemporaryError
from cases.pull_request import OpenWork
from remediation.forge.client import PAGE
from remediation.forge.github import GithubApi
from remediation.forge.repository import OWN_BRANCHES, ForgeRepository

MOST = 50  # pull requests, the latest first
PAGES = 3  # of the files of one

T = TypeVar("T")


class _Person(BaseModel):
    model_config = ConfigDict(frozen=True)

    login: str


class _Head(BaseModel):
    model_config = ConfigDict(frozen=True)

    ref: str


class _Pull(BaseModel):
    """A pull request of the list. An account that is gone leaves no author."""

    model_config = ConfigDict(frozen=True)

    number: int
    html_url: str
    user: _Person | None
    head: _Head


class _File(BaseModel):
    """A file of one. There is no patch of a binary, a very large or a merely renamed one."""

    model_config = ConfigDict(frozen=True)

    filename: str
    previous_filename: str | None = None
    patch: str | None = None


_PULLS = TypeAdapter(tuple[_Pull, ...])
_FILES = TypeAdapter(tuple[_File, ...])


def open_work(api: GithubApi, repository: ForgeRepository, paths: Collection[str]) -> tuple[OpenWork, ...]:
    """What open pull requests of others into the watched branch do to these files. Raises as every call does.

    One that has more files than are looked at counts as touching every path, with no patch.
    """
    wanted, mine = frozenset(paths), api.login()
    heard = api.heard(
        f"the open pull requests of {repository.full_name}",
        f"/repos/{repository.full_name}/pulls",
        {"state": "open", "base": repository.branch, "sort": "updated", "direction": "desc", "per_page": MOST},
    )
    found: list[OpenWork] = []
    for pull in _read(_PULLS, repository, heard.content)[:MOST]:
        author = "" if pull.user is None else pull.user.login
        if author == mine and pull.head.ref.startswith(OWN_BRANCHES):
            continue
        found += [
            OpenWork(number=pull.number, url=pull.html_url, author=author, path=path, patch=patch)
            for path, patch in _touched(api, repository, pull.number, wanted)
        ]
    return tuple(found)


def _touched(
    api: GithubApi, repository: ForgeRepository, number: int, wanted: frozenset[str]
) -> Iterator[tuple[str, str | None]]:
    for page in range(1, PAGES + 1):
        heard = api.heard(
            f"the files of pull request {number} of {repository.full_name}",
            f"/repos/{repository.full_name}/pulls/{number}/files",
            {"per_page": PAGE, "page": page},
        )
        files = _read(_FILES, repository, heard.content)
        for file in files:
            if file.filename in wanted:
                yield file.filename, file.patch if file.previous_filename is None else None
            if file.previous_filename is not None and file.previous_filename in wanted:
                yield file.previous_filename, None
        if len(files) < PAGE:
            return
    yield from ((path, None) for path in sorted(wanted))


def _read(shape: TypeAdapter[T], repository: ForgeRepository, content: object) -> T:
    try:
        return shape.validate_python(content)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise TemporaryError(
            f"the pull requests of {repository.full_name}: the answer is not GitHub's (at {where})"
        ) from None
