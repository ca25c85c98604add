"""The few calls of GitHub's REST API that the shop's people make: open, list and merge pull requests.

Shapes: https://docs.github.com/en/rest/pulls/pulls
"""

from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from demo.errors import ForgeApiError

TIMEOUT = 10.0
"""Seconds a call may take; a merge in a small repository takes a tenth of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPullRequest:
    """What the reviewer sees in the list."""

    number: int
    title: str
    head_sha: str
    labels: tuple[str, ...]
    draft: bool
    node_id: str


class ForgeApi:
    """One repository of a forge, used under one login. `api_url` ends before `/repos`."""

    def __init__(self, api_url: str, *, repository: str, token: str, login: str = "shop-developer") -> None:
        self._repository = repository
        self._graphql = f"{api_url.rstrip('/').removesuffix('/v3')}/graphql"
        self._client = httpx.Client(
            base_url=f"{api_url.rstrip('/')}/repos/{repository}/",
            headers={
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            auth=(login, token),
            timeout=TIMEOUT,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def open_pull_request(self, *, title: str, body: str, branch: str) -> int:
        """Open a pull request from `branch` to main and return its number. Raises ForgeApiError."""
        opened = self._call("POST", "pulls", {"title": title, "body": body, "head": branch, "base": "main"})
        return int(opened["number"])

    def merge_pull_request(
        self, number: int, *, method: Literal["merge", "squash"] = "merge", head_sha: str | None = None
    ) -> str:
        """Merge a pull request and return the sha that main has now. Raises ForgeApiError.

        With `head_sha` the forge refuses (409) to merge anything but the commit that was looked at.
        """
        wanted = {"merge_method": method} | ({} if head_sha is None else {"sha": head_sha})
        return str(self._call("PUT", f"pulls/{number}/merge", wanted)["sha"])

    def open_pull_requests(self, *, label: str) -> tuple[OpenPullRequest, ...]:
        """Return the open pull requests that carry a label, oldest first. Raises ForgeApiError."""
        listed = self._call("GET", "pulls?state=open&sort=created&direction=asc&per_page=100")
        found = (
            OpenPullRequest(
                number=int(each["number"]),
                title=str(each["title"]),
                head_sha=str(each["head"]["sha"]),
                labels=tuple(str(one["name"]) for one in each["labels"]),
                draft=bool(each["draft"]),
                node_id=str(each["node_id"]),
            )
            for each in listed
        )
        return tuple(each for each in found if label in each.labels)

    def mark_ready(self, node_id: str) -> None:
        """Take a pull request out of its draft: GitHub has that in its GraphQL API only. Raises ForgeApiError."""
        name = "markPullRequestReadyForReview"
        query = (
            f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ clientMutationId }} }}"
        )
        wanted = {"query": query, "variables": {"input": {"pullRequestId": node_id}}}
        answer = self._call("POST", self._graphql, wanted)
        if answer.get("errors"):
            raise ForgeApiError(f"the forge would not mark the pull request ready: {answer['errors']}", 0)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON, read at once
        where = f"{method} {path} of {self._repository}"
        try:
            response = self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise ForgeApiError(f"the forge did not answer {where}: {error}", 0) from error
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            said = response.text[:300]
            raise ForgeApiError(f"the forge answered {where} with {response.status_code}: {said}", response.status_code)
        return response.json()
