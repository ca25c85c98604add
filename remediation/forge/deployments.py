"""The forge's record of deployments: which commits went live in an environment, and when.

A poll must not eat the rate limit: the list and each deployment's statuses are asked for with the ETag of the last
answer (GitHub counts an unchanged answer as nothing), and a deployment that was live once is never asked about again.
API: https://docs.github.com/rest/deployments
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from cases.errors import TemporaryError
from remediation.forge.client import PAGE
from remediation.forge.github import GithubApi
from remediation.forge.repository import ForgeRepository

SUCCESS = "success"
MOST_PAGES = 5
MOST_ASKED = 100  # statuses in one look: of 5,000 requests an hour
MOST_KNOWN = 5_000
RISES = timedelta(days=1)  # the longest that a deployment takes from its making to its success
SUPERSEDED = timedelta(hours=1)  # a deployment without a success, so much older than one that is live, has failed


class _Listed(BaseModel):
    """One deployment, as far as it is read."""

    model_config = ConfigDict(frozen=True)

    id: int
    sha: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")]
    environment: str
    original_environment: str | None = None
    created_at: AwareDatetime


class _Status(BaseModel):
    """One status of a deployment."""

    model_config = ConfigDict(frozen=True)

    state: str
    created_at: AwareDatetime


Shape = TypeVar("Shape", _Listed, _Status)

_LISTED = TypeAdapter(list[_Listed])
_STATUSES = TypeAdapter(list[_Status])


@dataclass(slots=True, kw_only=True)
class _Known:
    """A deployment and what its statuses said last. `live` is its first success."""

    listed: _Listed
    live: datetime | None = None
    asked: bool = False
    etag: str = ""


@dataclass(slots=True, kw_only=True)
class DeploymentRecord:
    """The deployments of one repository to one environment. Safe to use from several threads.

    page        how many are listed at once
    most_asked  how many are asked for their statuses in one look
    """

    api: GithubApi
    repository: ForgeRepository
    environment: str
    page: int = PAGE
    most_asked: int = MOST_ASKED
    _known: dict[int, _Known] = field(default_factory=dict[int, _Known], init=False)
    _covered: datetime | None = field(default=None, init=False)
    _etag: str = field(default="", init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def live(self, since: datetime) -> tuple[tuple[datetime, str], ...]:
        """(when it was first live, sha) of every deployment that went live since, oldest first.

        Raises TemporaryError (also while a long list is not read to its end), PermanentError for a lack of permission.
        """
        with self._lock:
            self._list(since)
            self._ask(since)
            live = [(known.live, known.listed.sha) for known in self._known.values() if known.live is not None]
        return tuple(sorted((at, sha) for at, sha in live if at >= since))

    def _list(self, since: datetime) -> None:
        """Bring the list up to date, back to what may have gone live since."""
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
            self._covered = None
        covered = self._covered is not None and self._covered <= since
        for page in range(1, MOST_PAGES + 1):
            heard = self.api.heard(
                f"the deployments of {self.repository.full_name}",
                f"/repos/{self.repository.full_name}/deployments",
                {"environment": self.environment, "per_page": self.page, "page": page},
                etag=self._etag if covered and page == 1 else "",
            )
            if heard.unchanged:
                return
            etag = heard.etag if page == 1 else self._etag
            listed = self._read(_LISTED, heard.content)
            new = [one for one in listed if one.id not in self._known]
            for one in new:
                if self.environment in {one.environment, one.original_environment}:
                    self._known[one.id] = _Known(listed=one)
            reached = len(listed) < self.page or listed[-1].created_at < since - RISES or (covered and not new)
            if reached:
                self._etag, self._covered = etag, min(since, self._covered or since)
                return
            self._etag = ""  # until the list is whole, the next look reads it anew
        raise TemporaryError(
            f"{self.repository.full_name} had more than {MOST_PAGES * self.page} deployments to {self.environment} "
            f"since {since:%Y-%m-%d %H:%M} UTC: more than are read; is that the right environment?"
        )

    def _ask(self, since: datetime) -> None:
        """Ask for the statuses of those that may have gone live since the last look."""
        waiting = sorted(self._waiting(since), key=lambda known: (known.asked, -known.listed.created_at.timestamp()))
        for known in waiting[: self.most_asked]:
            number = known.listed.id
            heard = self.api.heard(
                f"the statuses of deployment {number} of {self.repository.full_name}",
                f"/repos/{self.repository.full_name}/deployments/{number}/statuses",
                {"per_page": PAGE},
                etag=known.etag,
            )
            known.asked = True
            if heard.unchanged:
                continue
            known.etag = heard.etag
            statuses = self._read(_STATUSES, heard.content)
            known.live = min((s.created_at.astimezone(UTC) for s in statuses if s.state == SUCCESS), default=None)
        unread = sum(not known.asked for known in waiting)
        if unread:
            raise TemporaryError(
                f"{unread} more deployments of {self.repository.full_name} to {self.environment} are to be read"
            )

    def _waiting(self, since: datetime) -> Iterator[_Known]:
        newest = max((k.listed.created_at for k in self._known.values() if k.live is not None), default=None)
        for known in self._known.values():
            made = known.listed.created_at
            superseded = known.asked and newest is not None and made < newest - SUPERSEDED
            if known.live is None and made >= since - RISES and not superseded:
                yield known

    def _read(self, shape: TypeAdapter[list[Shape]], content: object) -> list[Shape]:
        try:
            return shape.validate_python(content)
        except ValidationError as error:
            where = ".".join(str(step) for step in error.errors()[0]["loc"])
            raise TemporaryError(
                f"the deployments of {self.repository.full_name}: the answer is not GitHub's (at {where})"
            ) from None
