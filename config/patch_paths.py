"""Which files a unified diff touches: read strictly, so that nobody who applies it can find another file in it.

A line that is not understood is refused, and so is all that is more than text: links, submodules, renames, copies,
permissions, binary files, removals, names in quotes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cases.goal import Goal
from config.errors import Unusable, printable
from config.scope import allowed, hygiene, in_scope, matches
from config.settings import ScopeSettings

NO_FILE = "/dev/null"
_HUNK = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@(?: .*)?")
_INDEX = re.compile(r"index [0-9a-f]{4,64}\.\.[0-9a-f]{4,64}(?: (\d{6}))?")
_MODE = re.compile(r"(new file|deleted file|old|new) mode (\d{6})")
_MOVES = ("rename ", "copy ", "similarity index ", "dissimilarity index ")
_HINT = "write what `git diff --no-renames` prints"
_PLAIN, _LINK, _SUBMODULE = "100644", "120000", "160000"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchText:
    """What a unified diff does: the files it touches, how many lines it adds and removes, and the lines after it."""

    paths: tuple[str, ...]
    lines: int
    after: str


@dataclass(slots=True, kw_only=True)
class _Reader:
    lines: list[str]
    at: int = 0
    paths: list[str] = field(default_factory=list[str])
    changed: int = 0
    after: list[str] = field(default_factory=list[str])

    def refuse(self, problem: str, hint: str = _HINT) -> Unusable:
        return Unusable(f"{problem} (line {self.at + 1} of the patch)", hint)

    def line(self) -> str:
        return self.lines[self.at] if self.at < len(self.lines) else ""

    def file(self) -> None:
        """One file: its headers, then its hunks."""
        announced = self._announced() if self.line().startswith("diff --git ") else ""
        while announced and not self.line().startswith("--- "):
            self._extended(announced)
            self.at += 1
        old, new = self._side("--- ", "a/"), self._side("+++ ", "b/")
        if new == NO_FILE:
            self.at -= 1
            raise self.refuse(f"it removes {printable(old)}", "leave the file: the control still needs it")
        if old not in {new, NO_FILE} or announced not in {"", new}:
            self.at -= 1
            raise self.refuse(f"it names two files for one: {printable(old)} and {printable(new)}")
        if new in self.paths:
            raise self.refuse(f"{printable(new)} stands in it twice")
        self.paths.append(new)
        before = self.changed
        while self.line().startswith("@@"):
            self._hunk()
        if self.changed == before:
            raise self.refuse(f"it changes nothing in {printable(new)}")

    def _announced(self) -> str:
        """The path of a line `diff --git a/path b/path`."""
        told = self.line().removeprefix("diff --git ")
        half = (len(told) - 1) // 2
        left, right = told[:half], told[half + 1 :]
        if '"' in told:
            raise self.refuse("it names a file in quotes", "leave out files with unusual names")
        if not (left.startswith("a/") and right.startswith("b/")):
            raise self.refuse("it renames a file, or lacks the a/ and b/ before the names")
        if left[2:] != right[2:] or told[half] != " ":
            raise self.refuse("it renames a file")
        self.at += 1
        return left[2:]

    def _extended(self, path: str) -> None:
        line, shown = self.line(), printable(path)
        index, mode = _INDEX.fullmatch(line), _MODE.fullmatch(line)
        told = index[1] if index else mode[2] if mode else None
        if told == _LINK:
            raise self.refuse(f"{shown} is a symbolic link", "leave links out: they lead out of the scope")
        if told == _SUBMODULE:
            raise self.refuse(f"{shown} is a submodule", "leave submodules out: nobody sees their code here")
        if line.startswith(_MOVES):
            raise self.refuse(f"it renames or copies {shown}")
        if line.startswith(("Binary files ", "GIT binary patch")):
            raise self.refuse(f"{shown} is binary", "leave binary files out")
        if mode and mode[1] == "deleted file":
            raise self.refuse(f"it removes {shown}", "leave the file: the control still needs it")
        if mode and (mode[1] != "new file" or told != _PLAIN):
            raise self.refuse(f"it changes the permissions of {shown}", "leave them as they are")
        if not index and not mode:
            raise self.refuse(f"{printable(line)!r} is no line of a unified diff")

    def _side(self, mark: str, prefix: str) -> str:
        line = self.line()
        if not line.startswith(mark):
            raise self.refuse(f"a line that begins with {mark.strip()} is missing")
        path = line.removeprefix(mark).partition("\t")[0]
        self.at += 1
        if path == NO_FILE:
            return path
        if not path.startswith(prefix):
            self.at -= 1
            raise self.refuse(f"a name does not begin with {prefix}")
        return path.removeprefix(prefix)

    def _hunk(self) -> None:
        form = _HUNK.fullmatch(self.line())
        if form is None:
            raise self.refuse("this is no head of a hunk")
        old, new = int(form[1] or 1), int(form[2] or 1)
        self.at += 1
        while old or new:
            if self.at >= len(self.lines):
                raise self.refuse("it ends within a hunk")
            kind, text = self.line()[:1], self.line()[1:]
            if kind not in {"+", "-", " ", "", "\\"}:
                raise self.refuse("a hunk has fewer lines than its head says")
            old -= kind in {"-", " ", ""}
            new -= kind in {"+", " ", ""}
            if old < 0 or new < 0:
                raise self.refuse("a hunk has other lines than its head says")
            self.changed += kind in {"+", "-"}
            if kind not in {"-", "\\"}:
                self.after.append(text)
            self.at += 1
        if self.line().startswith("\\ "):
            self.at += 1


def read_patch(text: str) -> PatchText:
    """What a unified diff touches. Raises Unusable for one that does more than add and change text, or is none."""
    lines = text.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    reader = _Reader(lines=lines)
    if not lines:
        raise Unusable("the patch is empty", _HINT)
    while reader.at < len(lines):
        if not reader.line().startswith(("diff --git ", "--- ")):
            raise reader.refuse(f"{printable(reader.line())!r} begins no file")
        reader.file()
    return PatchText(paths=tuple(reader.paths), lines=reader.changed, after="\n".join(reader.after))


def out_of_scope(paths: tuple[str, ...], goal: Goal, scope: ScopeSettings, *, lines: int) -> tuple[str, ...]:
    """Why a change for a goal may not touch these paths, a sentence each: the goal's scope and the configuration's."""
    return (*in_scope(paths, scope, lines=lines), *_of_goal(paths, goal))


def _of_goal(paths: tuple[str, ...], goal: Goal) -> Iterator[str]:
    for path in paths:
        if hygiene(path):
            continue  # said already
        if matches(path, goal.forbidden):
            yield f"{path}: outcome {goal.name} forbids it ({', '.join(goal.forbidden)})"
        elif not allowed(path, goal.paths):
            yield f"{path}: outside the paths of outcome {goal.name} ({', '.join(goal.paths)})"
