"""Services that share files: what is done for one of them is done to the other, whatever its own authority is."""

from collections.abc import Iterator
from itertools import combinations

from config.settings import ServiceSettings, Settings

_ALL = frozenset({"**", "/**", "*"})


def overlaps(settings: Settings) -> tuple[str, ...]:
    """Each pair of services whose paths in one repository meet, as a sentence. Patterns are compared by their roots."""
    return tuple(
        f"services {one.name} and {other.name} share {said} of repository {one.repository}: a grant for one of them "
        "reaches the other; give each its own services[].paths"
        for one, other in combinations(settings.services, 2)
        if one.repository == other.repository and (said := _shared(one, other))
    )


def _shared(one: ServiceSettings, other: ServiceSettings) -> str:
    """What both name, "" for nothing."""
    return next(_meetings(one, other), "")


def _meetings(one: ServiceSettings, other: ServiceSettings) -> Iterator[str]:
    for mine in one.paths:
        for theirs in other.paths:
            here, there = _root(mine), _root(theirs)
            if here is None or there is None:
                continue  # a pattern without a fixed beginning may be anywhere: it is told of by its files
            shorter, longer = sorted((here, there), key=len)
            if longer[: len(shorter)] == shorter:
                yield "everything" if not longer else f"{'/'.join(longer)}/"


def _root(pattern: str) -> tuple[str, ...] | None:
    """The folders that a pattern begins with; () for one that means everything, None for one of file names alone."""
    if pattern in _ALL:
        return ()
    plain = pattern.removeprefix("/")
    if "/" not in plain.rstrip("/"):
        return None if any(sign in plain for sign in "*?[") else (plain.rstrip("/"),)
    fixed: list[str] = []
    for part in plain.split("/"):
        if any(sign in part for sign in "*?["):
            break
        fixed.append(part)
    return tuple(part for part in fixed if part)
