"""The API half of the forge: pull requests, their comments and labels, through PyGithub.

Every write is preceded by a look, and a write whose answer got lost is never repeated blindly: it raises
TemporaryError, and the next attempt looks first. Only reads are retried by the library.
"""

import json
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from cases.errors import PermanentError, TemporaryError
from cases.pull_request import PullRequest, PullRequestState
from cases.steps import Receipt
from remediation.forge.client import client_of
from remediation.forge.github_errors import asking, reason_of
from remediation.forge.limits import is_limit
from remediation.forge.quota import Quota, counting
from remediation.forge.rebased import MOST as MOST_TOGETHER
from remediation.forge.rebased import Merged
from remediation.forge.repository import OWN_BRANCHES, ForgeRepository
from remediation.forge.token import Installed, TokenRefused, shared

if TYPE_CHECKING:
    from github import Github
    from github.IssueComment import IssueComment
    from github.NamedUser import NamedUser
    from github.PullRequest import PullRequest as Pull
    from github.Repository import Repository
    from github.Requester import Requester

NOT_MODIFIED = 304
BAD = 300
CONFLICT = 409
TAKEN = frozenset({CONFLICT, 422})  # GitHub's "there is one already", among other things


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One answer to a plain GET. `content` is its JSON; None where nothing changed since the ETag, or it was refused.

    status  the HTTP status: 200, 304, or one of those that the asker said to accept
    """

    status: int
    etag: str
    content: object

    @property
    def unchanged(self) -> bool:
        """Whether it is what the ETag stood for."""
        return self.status == NOT_MODIFIED


class GithubApi:
    """One GitHub-shaped API at `api_url`, spoken to with whatever token `token` gives at the time.

    write_spacing  the least time between two writes (GitHub asks for a second)
    quota          what every request counts against, and waits for; None: only the spacing is kept
    """

    def __init__(
        self, api_url: str, token: Callable[[], str], write_spacing: timedelta, *, quota: Quota | None = None
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._token = shared(token)
        self._write_spacing = timedelta(0) if quota is not None else write_spacing
        self._quota = quota
        self._lock = threading.RLock()  # one write after the other, each with its look before
        self._held: tuple[str, Github] | None = None
        self._logins: dict[str, str] = {}
        self._seen: dict[tuple[str, str], tuple[str, PullRequest | None]] = {}  # ETag and answer, by place
        self._numbers: dict[tuple[str, str], int] = {}  # of pull requests, by repository and branch

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            held[1].close()

    @property
    def installation(self) -> Installed | None:
        """The App's installation that speaks there, where it is one."""
        return self._token.app

    @property
    def is_app(self) -> bool:
        """Whether it is an App that speaks there: it alone may make check runs."""
        return self._token.app is not None

    def login(self) -> str:
        """Whom the token belongs to."""
        if self._token.app is not None:
            return self._token.app.login()
        with self._asking("asking the forge whose token this is"):
            token = self._token()
            if token not in self._logins:
                self._logins[token] = self._client().get_user().login
            return self._logins[token]

    def find_pull_request(self, repository: ForgeRepository, branch: str) -> PullRequest | None:
        """The newest pull request from that branch of the repository itself, in any state."""
        what, place = f"the pull request of {branch} in {repository.full_name}", (repository.full_name, branch)
        known = self._seen.get(place)
        # looked at in every cycle: GitHub counts an unchanged answer as nothing
        heard = self.heard(
            what,
            f"/repos/{repository.full_name}/pulls",
            {"state": "all", "head": f"{repository.owner}:{branch}", "sort": "created", "direction": "desc"},
            etag=known[0] if known else "",
        )
        if known is not None and heard.unchanged:
            return known[1]
        with self._asking(f"looking for {what}"):
            pull = self._newest(repository, branch) if heard.content else None
            found = None if pull is None else _noun(repository, pull)
        if heard.etag:
            self._seen[place] = (heard.etag, found)
        return found

    def open_pull_request(
        self, repository: ForgeRepository, branch: str, title: str, body: str, labels: Sequence[str], *, draft: bool
    ) -> Receipt:
        """Open it, or adopt the newest one of that branch, whatever its state. facts: `number`, `url`."""
        with self._writing(f"opening the pull request of {branch} in {repository.full_name}"):
            pull = self._newest(repository, branch)
            adopted = pull is not None
            if pull is None:
                pull, adopted = self._create(repository, branch, title, body, draft=draft)
            if pull.state == "open":
                missing = [label for label in labels if label not in {had.name for had in pull.labels}]
                if missing:
                    pull.add_to_labels(*missing)  # a label that the repository does not have yet is made by this
            facts = {"number": str(pull.number), "url": pull.html_url}
            return Receipt(key=branch, adopted=adopted, facts=facts)

    def to_draft(self, repository: ForgeRepository, branch: str) -> Receipt:
        """Take the open pull request of that branch back to a draft; one that is a draft or not open is left alone."""
        with self._writing(f"taking the pull request of {branch} in {repository.full_name} back to a draft"):
            pull = self._newest(repository, branch)
            if pull is None:
                raise PermanentError(f"{branch} of {repository.full_name} has no pull request")
            waits = pull.state == "open" and not pull.draft
            if waits:
                pull.convert_to_draft()
            return Receipt(key=branch, adopted=not waits, facts={"number": str(pull.number)})

    def comment(self, repository: ForgeRepository, branch: str, key: str, body: str) -> Receipt:
        """Comment once on the branch's pull request. A comment of our own that ends in the key's marker is adopted.

        There may be several: who was taken for dead wrote late, or two looked in the same moment. The first stays, and
        the others are removed; so it is looked once more after the write. facts: `url`, and `merged` where some were.
        """
        marker = f"<!-- trackwalker:{key} -->"
        if not key or any(c in "<>" or not c.isprintable() for c in key) or "--" in key:
            raise PermanentError(f"{key[:80]!r} cannot be the key of a comment")
        with self._writing(f"commenting on the pull request of {branch} in {repository.full_name}"):
            pull = self._newest(repository, branch)
            if pull is None:
                raise PermanentError(f"{branch} of {repository.full_name} has no pull request to comment on")
            ours, made = self._own_comments(pull, marker), None
            if not ours:
                made = pull.create_issue_comment(f"{body.rstrip()}\n\n{marker}\n")
                ours = {**self._own_comments(pull, marker), made.id: made}  # what is new may not be listed yet
            first, *late = (ours[number] for number in sorted(ours))
            for comment in late:
                _removed(comment)
            merged = {"merged": str(len(late))} if late else {}
            adopted = made is None or first.id != made.id
            return Receipt(key=key, adopted=adopted, facts={"url": first.html_url, **merged})

    def number_of(self, repository: ForgeRepository, branch: str) -> int | None:
        """The number of the branch's newest pull request, as it was last seen; asked for where none ever was."""
        known = self._numbers.get((repository.full_name, branch))
        if known is None:
            with self._asking(f"looking for the pull request of {branch} in {repository.full_name}"):
                self._newest(repository, branch)
        return self._numbers.get((repository.full_name, branch))

    def open_pull_requests(self, repository: ForgeRepository) -> tuple[PullRequest, ...]:
        """The open pull requests that we opened, from our own branches of the repository itself."""
        mine = self.login()
        with self._asking(f"listing the pull requests of {repository.full_name}"):
            pulls = self._repository(repository).get_pulls(state="open", sort="created", direction="desc")
            return tuple(
                _noun(repository, pull)
                for pull in pulls
                if pull.head.ref.startswith(OWN_BRANCHES) and _is_ours(repository, pull) and pull.user.login == mine
            )

    def standing(self, repository: ForgeRepository) -> tuple[tuple[str, bool, str], ...]:
        """Whether it is there as configured: (what, whether, what to do when it is not). Writes nothing."""
        with self._asking(f"asking for {repository.full_name}"):
            seen = self._client().get_repo(repository.full_name)
            full_name = seen.full_name
            rows = (
                (
                    "the repository has its configured name",
                    full_name.casefold() == repository.full_name.casefold(),
                    f"it is {full_name} now: set full_name and url",
                ),
                (
                    "the repository takes changes",
                    not seen.archived,
                    "it is archived: unarchive it or take it out of the configuration",
                ),
            )
            return tuple((name, granted, "" if granted else advice) for name, granted, advice in rows)

    def merged_with(self, repository: ForgeRepository, sha: str) -> Merged | None:
        """The merged pull request that brought a commit to the watched branch, or None where the forge knows none."""
        with self._asking(f"asking which pull request brought {sha[:10]} to {repository.full_name}"):
            for pull in self._repository(repository).get_commit(sha).get_pulls():
                if pull.merged_at is not None and pull.merge_commit_sha and pull.base.ref == repository.branch:
                    commits = islice(pull.get_commits(), MOST_TOGETHER + 1)
                    titles = tuple(commit.commit.message.partition("\n")[0] for commit in commits)
                    return Merged(sha=pull.merge_commit_sha, titles=titles)
            return None

    def heard(
        self, what: str, path: str, parameters: Mapping[str, str | int], *, etag: str = "", accept: Sequence[int] = ()
    ) -> Heard:
        """GET a path of the API, where PyGithub has no call that sends an ETag. `what` is asked for, in words.

        Statuses in `accept` are answers too; any other that is no success raises as every call does.
        """
        with self._asking(f"asking for {what}"):
            requester = self._client().requester
            headers = {"If-None-Match": etag} if etag else {}
            status, answered, body = requester.requestJson("GET", path, dict(parameters), headers)
            if status == NOT_MODIFIED:
                return Heard(status=status, etag=etag, content=None)
            return _heard(requester, status, answered, body, accept)

    def write(
        self, what: str, verb: str, path: str, body: Mapping[str, object] | None, *, accept: Sequence[int] = ()
    ) -> Heard:
        """Write what PyGithub has no plain call for: once, and never again by itself. `what` is done, in words."""
        with self._writing(what):
            requester = self._client().requester
            sent = None if body is None else dict(body)
            status, answered, text = requester.requestJson(verb, path, None, {}, sent)
            return _heard(requester, status, answered, text, accept)

    def sent(
        self, what: str, verb: str, path: str, body: Mapping[str, object] | None, *, accept: Sequence[int] = ()
    ) -> object:
        """The JSON of the answer to a write; None for a status in `accept`, and where there is none."""
        return self.write(f"writing {what}", verb, path, body, accept=accept).content

    def to_ready(self, repository: ForgeRepository, branch: str) -> Receipt:
        """Show the open pull request of that branch for review; one that is no draft or not open is left alone."""
        with self._writing(f"showing the pull request of {branch} in {repository.full_name} for review"):
            pull = self._newest(repository, branch)
            if pull is None:
                raise PermanentError(f"{branch} of {repository.full_name} has no pull request")
            waits = pull.state == "open" and pull.draft
            if waits:
                pull.mark_ready_for_review()
            return Receipt(key=branch, adopted=not waits, facts={"number": str(pull.number)})

    def _newest(self, repository: ForgeRepository, branch: str) -> "Pull | None":
        pulls = self._repository(repository).get_pulls(
            state="all", head=f"{repository.owner}:{branch}", sort="created", direction="desc"
        )
        # A forge that does not know the filter would answer with everything: look again ourselves.
        found = next((p for p in pulls if p.head.ref == branch and _is_ours(repository, p)), None)
        if found is not None:
            self._numbers[repository.full_name, branch] = found.number
        return found

    def _create(
        self, repository: ForgeRepository, branch: str, title: str, body: str, *, draft: bool
    ) -> "tuple[Pull, bool]":
        from github import GithubException

        target = self._repository(repository)
        try:
            return target.create_pull(base=repository.branch, head=branch, title=title, body=body, draft=draft), False
        except GithubException as error:
            if error.status not in TAKEN:
                raise
            found = self._newest(repository, branch)
            if found is None and (error.status == CONFLICT or "already exists" in reason_of(error.data)):
                raise TemporaryError(
                    f"{repository.full_name} has a pull request of {branch} that it does not list yet, or is busy with "
                    f"one ({reason_of(error.data)})"
                ) from None
            if found is None:
                raise
            return found, True

    def _own_comments(self, pull: "Pull", marker: str) -> "dict[int, IssueComment]":
        """Ours that end in the marker, by their ids."""
        mine = self.login()
        return {
            comment.id: comment
            for comment in pull.get_issue_comments()
            if comment.user.login == mine and (comment.body or "").rstrip().endswith(marker)
        }

    def _repository(self, repository: ForgeRepository) -> "Repository":
        """The repository as a name to ask under; nothing is fetched for it."""
        return self._client().withLazy(True).get_repo(repository.full_name)

    def _client(self) -> "Github":
        """A client that holds the token of now."""
        from github import Auth

        token = self._token()
        if not token:
            raise PermanentError("forge.token is empty: set what it points to")
        with self._lock:
            if self._held is None or self._held[0] != token:
                self._held = (token, client_of(self._api_url, Auth.Token(token), self._write_spacing))
            return self._held[1]

    @contextmanager
    def _writing(self, what: str) -> Generator[None]:
        with self._lock, self._asking(what):
            yield

    @contextmanager
    def _asking(self, what: str) -> Generator[None]:
        try:
            with counting(self._quota), asking(what):
                yield
        except TokenRefused:
            self._token.refuse()
            raise


def _heard(requester: "Requester", status: int, headers: Mapping[str, Any], body: str, accept: Sequence[int]) -> Heard:
    """The answer, where it is a success or accepted; a rate limit is neither, whatever its status."""
    if status in accept and not is_limit(status, body, headers):
        return Heard(status=status, etag="", content=None)
    content: Any = json.loads(body) if body else None
    if status >= BAD:
        raise requester.createException(status, dict(headers), content)
    return Heard(status=status, etag=str(headers.get("etag", "")), content=content)


def _removed(comment: "IssueComment") -> None:
    """Remove it; another daemon may have done so."""
    from github import UnknownObjectException

    with suppress(UnknownObjectException):
        comment.delete()


def _is_ours(repository: ForgeRepository, pull: "Pull") -> bool:
    """Whether the pull request comes from the repository itself, not from somebody's copy of it."""
    home = cast("Repository | None", pull.head.repo)  # None once the copy it came from is gone
    return home is not None and home.full_name.casefold() == repository.full_name.casefold()


def _noun(repository: ForgeRepository, pull: "Pull") -> PullRequest:
    ender: NamedUser | None = None
    if pull.merged_at is not None:
        state, ender = PullRequestState.MERGED, pull.merged_by
    elif pull.state == "closed":
        state, ender = PullRequestState.CLOSED, pull.as_issue().closed_by
    else:
        state = PullRequestState.OPEN
    merged = state is PullRequestState.MERGED
    return PullRequest(
        repository=repository.name,
        number=pull.number,
        url=pull.html_url,
        branch=pull.head.ref,
        head=pull.head.sha,
        state=state,
        draft=pull.draft,
        title=pull.title,
        body=pull.body or "",
        merged_sha=pull.merge_commit_sha if merged else None,
        merged_at=pull.merged_at,
        ended_by=None if ender is None else ender.login,
        labels=tuple(label.name for label in pull.labels),
    )
