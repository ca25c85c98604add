"""Hunks: what a unified diff changes, and whether a stack frame, a log line or a number leads to it. Pure, bounded.

A frame is a place of the new version of a file: it is looked up among the numbers that the diff gives to its new lines.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cases.diagnosis import Commit
from cases.logs import Frame, Trace
from cases.redaction import redacted

LONGEST_PATCH = 200_000
"""Characters of a diff that are read: the rest counts by the names of its files alone."""

_RANGE = re.compile(r"@@ -\d+(?:,\d+)? \+(\d{1,9})(?:,\d{1,9})? @@(.*)")
_WORD = re.compile(r"[A-Za-z]{3,}")
_SETTING = re.compile(
    r"""^\s*(?:export\s+|const\s+|final\s+|self\.)?["']?([A-Za-z_][\w.-]{1,60})["']?\s*[:=]+\s*["']?(\d+(?:\.\d+)?)"""
)
_LITERAL = re.compile(r"(?<![\w/.-])[a-z0-9]+(?:[._-][a-z0-9]+){2,}(?![\w/-])")  # db-2.internal, cart.max-age.days
_FEWEST_WORDS, _MOST_WORDS = 3, 40
_COVERED = 0.8  # of a template's words, in their order, on one added line
_MOST_LINES = 400  # added lines that templates are looked for in
_CALLERS = (1.0, 0.6, 0.4)  # what the innermost frame, its caller and theirs are worth
_OUTER = 0.25
_LINE, _NEAR, _FUNCTION, _FILE = 1.0, 0.75, 0.6, 0.3
_TELLING_LINE = 12  # characters of a line that is known again by its text
THE_LINE = _LINE
"""The strength of an innermost frame that stands on a line which the change wrote."""


@dataclass(slots=True, kw_only=True)
class Hunk:
    """One stretch of one file: `first` to `last` are lines of the new version, `added` its new ones by number."""

    path: str
    function: str
    first: int
    last: int
    added: dict[int, str] = field(default_factory=dict[int, str])
    removed: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """That a frame leads to a change: how strongly, in (0, 1], and where. `changed`: to the very lines or function."""

    strength: float
    path: str
    line: int
    function: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A number that a change sets: the words before it, what it was, and what it is now."""

    key: str
    old: float
    new: float
    path: str


def hunks(patch: str) -> tuple[Hunk, ...]:
    """The hunks of a unified diff, in its order. What is not one (binary notices, garbage) is passed over."""
    found: list[Hunk] = []
    path, number = "", 0
    hunk: Hunk | None = None
    for line in patch[:LONGEST_PATCH].splitlines():
        if line.startswith("diff --git ") or (hunk is None and line.startswith("--- ")):
            hunk = None
        elif line.startswith("+++ "):
            path, hunk = _path(line[4:]), None
        elif (begins := _RANGE.match(line)) is not None:
            number = int(begins[1])
            hunk = Hunk(path=path, function=begins[2].strip(), first=number, last=number)
            found.append(hunk)
        elif hunk is not None and line.startswith("+"):
            hunk.added[number], hunk.last = line[1:], number
            number += 1
        elif hunk is not None and line.startswith("-"):
            hunk.removed.append(line[1:])
        elif hunk is not None:
            hunk.last = number
            number += 1
    return tuple(found)


def reached(trace: Trace, commit: Commit, changes: Sequence[Hunk]) -> Reached | None:
    """Where the frames of a trace lead into a commit, the strongest; None when none of its files is named."""
    best: Reached | None = None
    for depth, frame in enumerate(reversed(trace.frames)):
        worth = _CALLERS[depth] if depth < len(_CALLERS) else _OUTER
        for path in commit.files:
            if not same_file(frame.file, path):
                continue
            strength, changed = _in_hunks(frame, [hunk for hunk in changes if hunk.path == path])
            if best is None or worth * strength > best.strength:
                best = Reached(
                    strength=worth * strength, path=path, line=frame.line, function=frame.function, changed=changed
                )
    return best


def _in_hunks(frame: Frame, changes: Sequence[Hunk]) -> tuple[float, bool]:
    function = re.split(r"\.|::|#", frame.function).pop().strip("()<> ")
    strength, changed = _FILE, False
    for hunk in changes:
        if _wrote(frame, hunk):
            return _LINE, True
        if hunk.first <= frame.line <= hunk.last:
            strength, changed = max(strength, _NEAR), True
        elif len(function) >= _FEWEST_WORDS and _names(hunk, function):
            strength, changed = max(strength, _FUNCTION), True
    return strength, changed


def _wrote(frame: Frame, hunk: Hunk) -> bool:
    """Whether it wrote the frame's line: by its text where that is known, as lines move, and by its number else."""
    if len(frame.text) >= _TELLING_LINE:
        return any(text.strip() == frame.text for text in hunk.added.values())
    return frame.line in hunk.added


def _names(hunk: Hunk, function: str) -> bool:
    """Whether the hunk lies in the function, or changes its first line."""
    named = re.compile(rf"\b{re.escape(function)}\b\s*[(:={{]")
    return bool(named.search(hunk.function)) or any(named.search(text) for text in hunk.added.values())


def same_file(seen: str, path: str) -> bool:
    """Whether a frame's file (absolute, of a container, or a bare name) can be that path of the repository."""
    there, here = (PurePosixPath(text.replace("\\", "/").lower()).parts for text in (seen, path))
    if not there or not here or there[-1] != here[-1]:
        return False
    shared = next((n for n, (a, b) in enumerate(zip(reversed(there), reversed(here), strict=False)) if a != b), None)
    return shared is None or shared >= min(2, len(here))


def writes(template: str, changes: Sequence[Hunk]) -> Hunk | None:
    """The hunk with an added line that writes such a log line: nearly all of its words stand there in their order."""
    wanted = _WORD.findall(template)[:_MOST_WORDS]
    if len(wanted) < _FEWEST_WORDS:
        return None
    for hunk, text in _added(changes):
        if '"' not in text and "'" not in text and "`" not in text:
            continue
        words = iter(_WORD.findall(text))
        held = set(_WORD.findall(text))
        present = [word for word in wanted if word in held]
        if len(present) >= max(_FEWEST_WORDS, _COVERED * len(wanted)) and all(word in words for word in present):
            return hunk
    return None


def _added(changes: Sequence[Hunk]) -> Iterator[tuple[Hunk, str]]:
    count = 0
    for hunk in changes:
        for text in hunk.added.values():
            yield hunk, text
            count += 1
            if count >= _MOST_LINES:
                return


def writes_name(text: str, changes: Sequence[Hunk]) -> tuple[str, Hunk] | None:
    """A name in a log line (a host, a path, a key) that a change brings, and that stood on none of its old lines."""
    for hunk, added in _added(changes):
        for name in _LITERAL.findall(added):
            known = any(name in old for each in changes for old in each.removed)
            if not known and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) and name in redacted(added):
                return name, hunk  # what redaction takes out of its line was a secret: away from there nobody sees it
    return None


def settings(changes: Sequence[Hunk]) -> tuple[Setting, ...]:
    """The numbers that a change sets anew under a name that it had before: `pool_size: 50` → `pool_size: 5`."""
    found: list[Setting] = []
    for hunk in changes:
        before = {m[1]: float(m[2]) for text in hunk.removed if (m := _SETTING.match(text))}
        for text in hunk.added.values():
            match = _SETTING.match(text)
            if match is not None and match[1] in before and before[match[1]] != float(match[2]):
                found.append(Setting(key=match[1], old=before[match[1]], new=float(match[2]), path=hunk.path))
    return tuple(found)


def _path(text: str) -> str:
    text = text.split("\t", maxsplit=1)[0].strip().strip('"')
    return text[2:] if text[:2] in {"a/", "b/"} else text
