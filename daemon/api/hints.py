"""What GitHub's webhooks say, as far as it is a hint where to look: which repository, which branch, and when it was.

Nothing of a message is taken for a fact: the forge is asked. Format:
https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from pydantic import AwareDatetime, TypeAdapter, ValidationError

COMMENTS = frozenset({"issue_comment", "pull_request_review", "pull_request_review_comment"})
DEPLOYMENTS = frozenset({"deployment", "deployment_status"})
KNOWN = frozenset({"pull_request", "push", "check_run", "check_suite", "status", "issues", *COMMENTS, *DEPLOYMENTS})

_TIME: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
# Where a message says when it was, the newest counts; a push says it in seconds.
_TIMES = ("updated_at", "submitted_at", "completed_at", "started_at", "created_at", "pushed_at", "timestamp")
_SAYS = (
    *("pull_request", "comment", "review", "issue", "check_run", "check_suite"),
    *("deployment", "deployment_status", "head_commit"),
)


class NoHint(Exception):  # noqa: N818 - it is an answer, and reads as one where it is raised
    """The message says nothing that could be looked after; why, in words without any of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Something changed there.

    event       GitHub's name for it
    repository  the full name
    branches    the branches that it names; none where it names none
    at          when it was, by the forge's clock
    """

    event: str
    repository: str
    branches: tuple[str, ...]
    at: datetime

    @property
    def said(self) -> bool:
        """Whether somebody said something."""
        return self.event in COMMENTS

    @property
    def deployed(self) -> bool:
        """Whether something was deployed."""
        return self.event in DEPLOYMENTS


def read(event: str, message: object) -> Hint:
    """The hint in a message. Raises NoHint."""
    if event not in KNOWN:
        raise NoHint("nothing follows from this kind of event")
    if not isinstance(message, dict):
        raise NoHint("it is no object")
    body = cast("dict[str, Any]", message)
    times = [at for at in _times(body) if at is not None]
    repository = _object(body, "repository").get("full_name")
    if not times or not isinstance(repository, str):
        raise NoHint("it says no time, or no repository")
    branches = tuple(dict.fromkeys(name for name in _branches(event, body) if isinstance(name, str)))
    return Hint(event=event, repository=repository, branches=branches, at=max(times))


def _branches(event: str, body: Mapping[str, Any]) -> Iterator[object]:
    match event:
        case "push":
            yield str(body.get("ref", "")).removeprefix("refs/heads/")
        case "check_run":
            yield _object(_object(body, "check_run"), "check_suite").get("head_branch")
        case "check_suite":
            yield _object(body, "check_suite").get("head_branch")
        case "status":
            listed = body.get("branches")
            for one in cast("list[object]", listed) if isinstance(listed, list) else []:
                yield _object({"": one}, "").get("name")
        case _:
            yield _object(_object(body, "pull_request"), "head").get("ref")


def _times(body: Mapping[str, Any]) -> Iterator[datetime | None]:
    for name in _SAYS:
        part = _object(body, name)
        yield from (_moment(part.get(key)) for key in _TIMES)
    yield _moment(body.get("updated_at"))  # of a status
    if "ref" in body:  # a push of a branch that is gone has no commit: its repository says when it was pushed to
        yield _moment(_object(body, "repository").get("pushed_at"))


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    try:
        moment = datetime.fromtimestamp(value, UTC) if isinstance(value, int) else _TIME.validate_python(value)
        return moment.astimezone(UTC)
    except (ValidationError, OverflowError, OSError, ValueError):
        return None


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
