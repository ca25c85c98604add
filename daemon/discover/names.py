"""Repositories as a configuration names them: by their own names, told apart by their owners where two are alike."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from remediation.forge.survey import Seen

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_FULL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Repository:
    """One repository that the token sees, as `repositories` would have it."""

    name: str
    full_name: str
    url: str
    branch: str

    def entry(self) -> dict[str, object]:
        """Its entry; the branch only where it is not the usual one."""
        branch = {} if self.branch == "main" else {"branch": self.branch}
        return {"name": self.name, "url": self.url, "full_name": self.full_name, **branch}


def named(seen: Iterable[Seen]) -> tuple[Repository, ...]:
    """The repositories that can stand in a configuration, each under a name of its own."""
    usable = [one for one in seen if _FULL_NAME.fullmatch(one.full_name)]
    alike = Counter(one.name.lower() for one in usable)
    found: list[Repository] = []
    for one in usable:
        name = one.name if alike[one.name.lower()] == 1 else one.full_name.replace("/", "-")
        name = name.lstrip("._-")[:63]
        if is_name(name):
            found.append(Repository(name=name, full_name=one.full_name, url=one.url, branch=one.branch))
    return tuple(sorted(found))


def is_name(text: str) -> bool:
    """Whether a configuration can name something so."""
    return _NAME.fullmatch(text) is not None
