"""ForgeRepository: one watched repository, and which names its forge and its branches may have."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from cases.errors import PermanentError

OWN_BRANCHES = "trackwalker/"
"""Every branch that carries a change starts with this, and nothing else is ever pushed, pictures apart."""

PLOTS_BRANCH = "trackwalker-plots"
"""The branch that holds only pictures."""

_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,200}")
_FULL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeRepository:
    """What the configuration says of a repository.

    name       what the configuration calls it
    url        where git finds it: `http://`, `https://`, or `file://` where that is allowed
    branch     the watched branch, which pull requests go into
    full_name  `owner/name` on the forge
    """

    name: str
    url: str
    branch: str
    full_name: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username is not None or parts.password is not None:
            raise PermanentError(
                f"the url of repository {self.name} carries a credential: take it out and set forge.token instead"
            )
        if parts.scheme not in {"http", "https", "file"}:
            raise PermanentError(
                f"the url of repository {self.name} is {self.url!r}: only http(s) addresses are known in this version"
            )
        check_branch(self.branch)
        if not _FULL_NAME.fullmatch(self.full_name):
            raise PermanentError(f"repository {self.name} has full_name {self.full_name!r}: it must be owner/name")

    @property
    def owner(self) -> str:
        """The part of `full_name` before the slash."""
        return self.full_name.partition("/")[0]


def check_branch(branch: str) -> None:
    """Raise PermanentError unless the name is one that git takes and that no option or range could be read from."""
    parts = branch.split("/")
    odd = ".." in branch or any(p == "" or p[0] in ".-" or p.endswith((".lock", ".")) for p in parts)
    if odd or not _BRANCH.fullmatch(branch):
        raise PermanentError(f"{branch[:80]!r} cannot be a branch: use letters, digits and . _ - / only")


def check_own_branch(branch: str) -> None:
    """Raise PermanentError unless the branch is one that Trackwalker may write."""
    check_branch(branch)
    if not branch.startswith(OWN_BRANCHES):
        raise PermanentError(f"{branch} is not Trackwalker's to write: its branches start with {OWN_BRANCHES}")
