"""Whether two changes meet: a change of ours, and the open work of somebody else on the same file.

Their lines are counted from where their branch began, ours from the watched branch as it is now: so the same line is
known by its number, give or take what git needs to merge two changes by itself, or by its text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cases.change import Part
from cases.pull_request import OpenWork
from remediation.neutral import neutral

APART = 1  # lines between two changes that git still takes for one place
_TELLING = 8  # characters of a line that is no mere bracket
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
_FILE = re.compile(r"^diff --git a/(?P<path>.*) b/(?P=path)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A place of a file that a diff changes: lines of the old side from 1, both included, and what it takes out."""

    first: int
    last: int
    removed: frozenset[str]


def meetings(part: Part, work: Sequence[OpenWork]) -> Iterator[str]:
    """For each pull request of others that touches the same lines, a sentence that names it."""
    ours = by_file(part.diff)
    for theirs in work:
        name = f"pull request {theirs.number} of {neutral(theirs.author, 40) or 'somebody'}"
        if theirs.patch is None or theirs.path not in ours:
            yield f"{theirs.path}: {name} touches it too, and the forge does not show where"
            continue
        places = tuple(places_of(theirs.patch.split("\n")))
        both = [(a, b) for a in ours.get(theirs.path, ()) for b in places if _meet(a, b)]
        if both:
            yield f"{theirs.path}: {name} touches the same lines (around line {both[0][0].first})"


def between(ours: Part, theirs: Part) -> tuple[str, ...]:
    """The files in which two changes of our own touch the same lines."""
    if ours.repository != theirs.repository:
        return ()
    one, other = by_file(ours.diff), by_file(theirs.diff)
    return tuple(path for path in one.keys() & other.keys() if any(_meet(a, b) for a in one[path] for b in other[path]))


def by_file(diff: str) -> dict[str, tuple[Touched, ...]]:
    """The places of a whole diff, by path."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in diff.split("\n"):
        if line.startswith("diff --git "):  # a header of git's begins its line, a line of content never does
            header = _FILE.match(line)
            lines = found.setdefault(header["path"], []) if header else []
        lines.append(line)
    return {path: tuple(places_of(held)) for path, held in found.items()}


def places_of(patch: Sequence[str]) -> Iterator[Touched]:
    """The places of one file's patch: each run of removed and added lines is one."""
    at, first, removed, inside, added = 0, 0, set[str](), False, False
    for line in (*patch, "@@ -0 +0 @@"):
        header = _HUNK.match(line)
        sign = "" if header else line[:1]
        if inside and sign in {"-", "+"}:
            first = first or at
            if sign == "-":
                removed.add(line[1:].strip())
                at += 1
            else:
                added = True
            continue
        if first and (removed or added):
            telling = frozenset(text for text in removed if len(text) >= _TELLING)
            yield Touched(first=first, last=max(first, at - 1), removed=telling)
        first, removed, added = 0, set[str](), False
        if header:
            at, inside = int(header[1]) + (0 if header[2] != "0" else 1), True
        elif line[:1] != "\\":
            at += 1


def _meet(ours: Touched, theirs: Touched) -> bool:
    near = ours.first <= theirs.last + APART and theirs.first <= ours.last + APART
    return near or bool(ours.removed & theirs.removed)
