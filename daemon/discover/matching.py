"""Which repository a service is built from, by name; and who owns it, by CODEOWNERS."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

_KINDS = ("api", "service", "svc", "server", "app", "backend", "frontend", "web", "worker")
_EVERYTHING = frozenset({"*", "**", "/*", "/**", "/", "**/*"})
CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks for it, in this order; the first one counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The repository of a service, or why there is none. `because` says how it was found, or what is in the way."""

    repository: str | None
    because: str


def matched(service: str, repositories: Sequence[str]) -> Match:
    """The one repository, of these full names, whose name is like the service's; two of them decide nothing.

    `shop-api` is built from `shop-api`, else from `shop_api`, else from `shop`.
    """
    for how, form in _FORMS:
        wanted = form(service)
        found = [name for name in repositories if wanted and form(name.partition("/")[2]) == wanted]
        if len(found) == 1:
            return Match(repository=found[0], because=how)
        if found:
            return Match(repository=None, because=f"{' and '.join(found[:3])} have its name")
    bare = {_plain(name.partition("/")[2]): name for name in repositories}
    near = get_close_matches(_plain(service), list(bare), n=1)
    return Match(
        repository=None,
        because="no repository has a like name" + (f"; the nearest is {bare[near[0]]}" if near else ""),
    )


def _same(name: str) -> str:
    return name


def _plain(name: str) -> str:
    """`Shop_API` and `shop.api` are both `shop-api`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _kindless(name: str) -> str:
    """Without the word for its kind at the end."""
    words = _plain(name).split("-")
    return "-".join(words[:-1] if len(words) > 1 and words[-1] in _KINDS else words)


_FORMS: Sequence[tuple[str, Callable[[str], str]]] = (
    ("the same name", _same),
    ("the same name, written otherwise", _plain),
    ("the same name without the word for its kind", _kindless),
)


def owners(codeowners: str) -> tuple[str, ...]:
    """Who owns a whole repository: the last rule for everything, as the last match counts there."""
    found: tuple[str, ...] = ()
    for line in codeowners.splitlines():
        pattern, *named = line.partition("#")[0].split() or [""]
        if pattern in _EVERYTHING:
            found = tuple(word for word in named if re.fullmatch(r"@[\w./-]+|[^@\s]+@[^@\s]+", word))
    return found


def full_name_of(url: str, repositories: Mapping[str, str]) -> str | None:
    """The repository (full name → clone address) that a git address means: its last two words are its full name."""
    words = re.split(r"[/:]", url.removesuffix("/").removesuffix(".git"))
    wanted = "/".join(words[-2:]).casefold()
    return next((name for name in repositories if name.casefold() == wanted), None)
