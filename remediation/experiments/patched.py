"""A unified diff that a person brought with an idea, as whole files on the head of the branch.

It is applied as it was written or not at all: each line that it keeps or takes out must stand where it says, or a
little further on, in one place only. Nothing is guessed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cases.change import FileEdit
from cases.ports import Forge
from remediation.drafting import CannotDraft

_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")
_NAME = re.compile(r"^(?:---|\+\+\+) (?:[ab]/)?([^\t\n]+)")
_NOWHERE = "/dev/null"


@dataclass(slots=True)
class _Hunk:
    at: int
    old: list[str] = field(default_factory=list[str])
    new: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _File:
    before: str
    after: str
    hunks: list[_Hunk] = field(default_factory=list[_Hunk])


def applied(patch: str, repository: str, forge: Forge) -> tuple[FileEdit, ...] | CannotDraft:
    """The files after the patch, or why it does not fit what the branch holds now."""
    head = forge.head(repository)
    edits: list[FileEdit] = []
    files = list(_files(patch.splitlines()))
    if not files:
        return CannotDraft(reason="the patch of the idea changes no file")
    for one in files:
        if one.after == _NOWHERE:
            return CannotDraft(
                reason=f"the patch of the idea removes {one.before}: an experiment adds, behind its flag"
            )
        content = b"" if one.before == _NOWHERE else forge.read(repository, head, one.before)
        if content is None or one.before not in {one.after, _NOWHERE}:
            what = "is not there" if content is None else "is renamed by it"
            return CannotDraft(reason=f"the patch of the idea does not fit: {one.before} {what}")
        text = _patched(content.decode("utf-8", "surrogateescape"), one.hunks)
        if text is None:
            return CannotDraft(reason=f"the patch of the idea does not fit {one.after} as it is now: bring it anew")
        edits.append(FileEdit(path=one.after, content=text.encode("utf-8", "surrogateescape")))
    return tuple(edits)


def _files(lines: Sequence[str]) -> Iterator[_File]:
    """The files that a diff names, with their hunks."""
    now: _File | None = None
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("--- ") and following.startswith("+++ "):
            if now is not None:
                yield now
            now = _File(before=_name(line), after=_name(following))
        elif (hunk := _HUNK.match(line)) and now is not None:
            now.hunks.append(_Hunk(at=int(hunk[1])))
        elif now is not None and now.hunks and line[:1] in {" ", "-", "+", ""} and not line.startswith("+++ "):
            if line[:1] != "+":
                now.hunks[-1].old.append(line[1:])
            if line[:1] != "-":
                now.hunks[-1].new.append(line[1:])
    if now is not None:
        yield now


def _name(line: str) -> str:
    found = _NAME.match(line)
    return found[1].strip() if found else ""


def _patched(text: str, hunks: Sequence[_Hunk]) -> str | None:
    """The text after the hunks; None where one does not fit, or fits in several places and not where it says."""
    lines, ends = text.split("\n"), text.endswith("\n") or not text
    if ends:
        lines = lines[:-1]
    moved = 0
    for hunk in hunks:
        wanted = max(0, hunk.at - 1) + moved
        places = [at for at in range(len(lines) - len(hunk.old) + 1) if lines[at : at + len(hunk.old)] == hunk.old]
        if wanted not in places and len(places) != 1:
            return None
        at = wanted if wanted in places else places[0]
        lines[at : at + len(hunk.old)] = hunk.new
        moved += len(hunk.new) - len(hunk.old)
    return "\n".join(lines) + ("\n" if ends else "")
