"""What a token sees on the forge, before any repository is configured: repositories, and single files of them.

Files come through the API here, one request each: a clone of everything that a token sees would take an hour.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from cases.errors import PermanentError, TemporaryError
from remediation.forge.github import GithubApi
from remediation.forge.token import TokenRefused

PAGE = 100
MOST_PAGES = 50
NOT_FOUND = 404
# An empty repository answers 409, and one with contents switched off 403: neither has the file.
NO_FILE = (403, NOT_FOUND, 409)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One repository as the forge lists it."""

    name: str
    full_name: str
    url: str  # where git clones it
    branch: str  # its default one


class Survey:
    """Looks around on one GitHub-shaped API. Nothing is written."""

    def __init__(self, api: GithubApi) -> None:
        self._api = api

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def repositories(self) -> tuple[Seen, ...]:
        """Every repository that the token sees and that takes changes, by full name.

        Raises TemporaryError, or PermanentError where no such API answers or the token is refused.
        """
        found: list[Seen] = []
        for page in range(1, MOST_PAGES + 1):
            what = "the repositories of this token"
            asked: dict[str, str | int] = {"per_page": PAGE, "page": page, "sort": "full_name"}
            try:
                answer = self._api.heard(what, "/user/repos", asked, accept=(NOT_FOUND,))
            except TokenRefused as refused:
                raise PermanentError(str(refused)) from None  # whoever looks around waits for no other token
            if answer.status == NOT_FOUND:
                raise PermanentError(f"asking for {what}: there is no such API; is forge.api_url its whole address?")
            content: object = answer.content
            if not isinstance(content, list):
                raise TemporaryError(f"asking for {what}: the answer is no list")
            listed = cast("list[dict[str, object]]", content)
            found += [_seen(entry) for entry in listed if not entry.get("archived") and not entry.get("disabled")]
            if len(listed) < PAGE:
                break
        return tuple(sorted(found, key=lambda seen: seen.full_name))

    def read(self, full_name: str, path: str) -> bytes | None:
        """What a file of the default branch holds; None when there is no such file."""
        what = f"{path} of {full_name}"
        answer = self._api.heard(what, f"/repos/{full_name}/contents/{quote(path)}", {}, accept=NO_FILE)
        match answer.content:
            case {"type": "file", "encoding": "base64", "content": str(text)}:
                try:
                    return base64.b64decode(text)
                except (binascii.Error, ValueError):
                    raise TemporaryError(f"asking for {what}: the answer is no base64") from None
            case _:
                return None


def _seen(entry: dict[str, object]) -> Seen:
    try:
        return Seen(
            name=str(entry["name"]),
            full_name=str(entry["full_name"]),
            url=str(entry["clone_url"]),
            branch=str(entry["default_branch"]),
        )
    except KeyError as error:
        raise TemporaryError(f"the forge lists a repository without {error.args[0]}") from None
