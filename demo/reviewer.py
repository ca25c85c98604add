"""A scripted reviewer: a human's yes, for a story that must end by itself."""

import threading
import time
from dataclasses import dataclass
from http import HTTPStatus

from demo.errors import ForgeApiError
from demo.forge_api import ForgeApi

LABEL = "trackwalker"
NOT_YET = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.CONFLICT)
"""Not mergeable right now, or the branch moved since it was listed: look again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What the reviewer merged; `sha` is main afterwards."""

    number: int
    title: str
    sha: str
    draft: bool  # whether it was one until the reviewer marked it ready


class Reviewer:
    """Looks for open pull requests with a label and merges the oldest, at the commit that it saw; a draft as well."""

    def __init__(self, api: ForgeApi, *, label: str = LABEL, every: float = 0.5) -> None:
        self._api = api
        self._label = label
        self._every = every

    def look(self) -> Merged | None:
        """Look once: merge the oldest open pull request with the label, if there is one. Raises ForgeApiError."""
        for pull_request in self._api.open_pull_requests(label=self._label):
            try:
                if pull_request.draft:
                    self._api.mark_ready(pull_request.node_id)
                sha = self._api.merge_pull_request(pull_request.number, head_sha=pull_request.head_sha)
            except ForgeApiError as error:
                if error.status in NOT_YET:
                    continue
                raise
            return Merged(number=pull_request.number, title=pull_request.title, sha=sha, draft=pull_request.draft)
        return None

    def merge_next(self, *, within: float) -> Merged:
        """Look every half second until something was merged; raises ForgeApiError after `within` seconds of nothing."""
        pause = threading.Event()
        deadline = time.monotonic() + within
        while (merged := self.look()) is None:
            if time.monotonic() > deadline:
                raise ForgeApiError(f"no mergeable pull request with the label {self._label!r} within {within:g} s", 0)
            pause.wait(self._every)
        return merged
