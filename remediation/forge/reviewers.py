"""Asking people to review a pull request: those who own what it touches, and the author of what it undoes.

Somebody who cannot be asked there (no collaborator, a team that is not seen) is left out, and that is no failure.
API: https://docs.github.com/rest/pulls/review-requests
"""

from collections.abc import Iterator, Sequence

from pydantic import Field

from cases.errors import PermanentError
from cases.steps import Receipt
from remediation.forge.answers import Answered, read, read_all
from remediation.forge.client import PAGE
from remediation.forge.github import GithubApi
from remediation.forge.repository import ForgeRepository

MOST_ASKED = 5  # of owners: GitHub takes fifteen, and who is one of fifteen does not look
UNPROCESSABLE = 422
REFUSALS = (403, 404, UNPROCESSABLE)


class _Person(Answered):
    login: str
    type: str = "User"


class _Team(Answered):
    slug: str


class _Pull(Answered):
    state: str
    user: _Person | None
    people: tuple[_Person, ...] = Field(default=(), alias="requested_reviewers")
    teams: tuple[_Team, ...] = Field(default=(), alias="requested_teams")


class _Review(Answered):
    user: _Person | None


class _Commit(Answered):
    author: _Person | None


def request(
    api: GithubApi,
    repository: ForgeRepository,
    branch: str,
    owners: Sequence[str],
    culprit: tuple[ForgeRepository, str] | None,
) -> Receipt:
    """Ask whoever was not asked yet. facts: `asked` and `refused`, names parted by blanks.

    owners   `@login`, `@organisation/team`; whatever else CODEOWNERS may name, as an address, cannot be asked
    culprit  where and which commit's author is asked as well
    """
    number = api.number_of(repository, branch)
    if number is None:
        raise PermanentError(f"{branch} of {repository.full_name} has no pull request to review")
    path = f"/repos/{repository.full_name}/pulls/{number}"
    what = f"pull request {number} of {repository.full_name}"
    pull = read(_Pull, what, api.heard(what, path, {}).content)
    if pull.state != "open":
        return Receipt(key=branch, adopted=True, facts={"asked": "", "refused": ""})
    author = _author(api, culprit)
    wanted: list[str] = [*([author] if author else []), *_askable(owners)]
    done = {name.casefold() for name in _asked(api, what, path, pull)}
    left = [name for name in dict.fromkeys(wanted) if name.casefold() not in done]
    asked, refused = _ask(api, f"asking for reviews of {what}", path, left)
    facts = {"asked": " ".join(asked), "refused": " ".join(refused)}
    return Receipt(key=branch, adopted=not asked, facts=facts)


def _askable(owners: Sequence[str]) -> list[str]:
    """The first owners, without their @."""
    return [owner.removeprefix("@") for owner in owners if owner.startswith("@")][:MOST_ASKED]


def _asked(api: GithubApi, what: str, path: str, pull: _Pull) -> Iterator[str]:
    """Whoever need not, or cannot, be asked: asked already, has reviewed, wrote it."""
    yield api.login()
    yield from (person.login for person in (*pull.people, *([pull.user] if pull.user else [])))
    organisation = path.split("/")[2]
    yield from (f"{organisation}/{team.slug}" for team in pull.teams)
    reviews = f"the reviews of {what}"
    content = api.heard(reviews, f"{path}/reviews", {"per_page": PAGE}).content
    yield from (review.user.login for review in read_all(_Review, reviews, content) if review.user is not None)


def _author(api: GithubApi, culprit: tuple[ForgeRepository, str] | None) -> str:
    """The login that the forge knows the commit's author by; "" where it knows none, and for a bot."""
    if culprit is None:
        return ""
    where, sha = culprit
    what = f"who wrote {sha[:10]} in {where.full_name}"
    heard = api.heard(what, f"/repos/{where.full_name}/commits/{sha}", {"per_page": 1}, accept=(404, UNPROCESSABLE))
    if heard.content is None:
        return ""
    author = read(_Commit, what, heard.content).author
    return author.login if author is not None and author.type == "User" else ""


def _ask(api: GithubApi, what: str, path: str, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Ask all at once, and one by one where that is refused: GitHub refuses all for the sake of one."""
    if not names or _taken(api, what, path, names):
        return list(names), []
    if len(names) == 1:
        return [], list(names)
    asked = [name for name in names if _taken(api, what, path, [name])]
    return asked, [name for name in names if name not in asked]


def _taken(api: GithubApi, what: str, path: str, names: Sequence[str]) -> bool:
    body = {
        "reviewers": [name for name in names if "/" not in name],
        "team_reviewers": [name.partition("/")[2] for name in names if "/" in name],
    }
    return api.write(what, "POST", f"{path}/requested_reviewers", body, accept=REFUSALS).status not in REFUSALS
