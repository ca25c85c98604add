"""Whether somebody did by hand what an open pull request asks for, or something else in its place."""

from collections.abc import Callable
from dataclasses import dataclass

from cases.case import Case
from cases.change import Part
from cases.diagnosis import Commit
from remediation.moments import SKEW
from remediation.neutral import neutral
from remediation.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What was done instead. `same`: it is what the change would do. `commit` did it."""

    same: bool
    commit: Commit
    what: str


Read = Callable[[bytes | None], str | bytes | None]
"""What counts of a file: one value of it, or all that it holds."""


def by_hand(case: Case, ports: Ports, read: Read) -> ByHand | None:
    """Look at the leading repository's watched branch. None while what the change touches stands as it was found.

    `read` says what counts of a touched file. A file that moved on in other ways is the forge's to merge.
    """
    part = case.change.lead
    head = ports.forge.head(part.repository)
    if head == part.base:
        return None
    wanted = tuple(read(edit.content) for edit in part.edits)
    found = tuple(read(ports.forge.read(part.repository, head, path)) for path in part.paths)
    before = tuple(read(ports.forge.read(part.repository, part.base, path)) for path in part.paths)
    if found == before or (found != wanted and not all(isinstance(value, str) for value in found)):
        return None
    commit = _who(case, ports, part, read, found)
    if commit is None:
        return None
    if found == wanted:
        return ByHand(same=True, commit=commit, what="what this pull request asks for was done by hand")
    shown = ", ".join(neutral(str(value), 60) for value in found)
    return ByHand(same=False, commit=commit, what=f"somebody set it to {shown} meanwhile")


def _who(case: Case, ports: Ports, part: Part, read: Read, found: tuple[str | bytes | None, ...]) -> Commit | None:
    """The newest commit since the proposal that made it what it is; what touched the files later did not."""
    for commit in ports.forge.commits(part.repository, case.entered - SKEW, ports.now + SKEW):
        if not commit.parents or not set(commit.files) & set(part.paths):
            continue
        before = tuple(read(ports.forge.read(part.repository, commit.parents[0], path)) for path in part.paths)
        if before != found:
            return commit
    return None
