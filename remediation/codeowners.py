r"""CODEOWNERS: who owns a path. The last rule that matches counts, as GitHub has it.

Patterns are like those of .gitignore, but for what GitHub leaves out: no `!`, no `[ ]`, no `\#`, and a `*` at the end
reaches the files of one folder only. A line that is none of this is skipped there, and here. GitLab's sections are not
known.
Format: https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks, in its order: the first that is there is the one."""
LARGEST = 3 * 2**20  # bytes; GitHub leaves a larger one alone
_OWNER = re.compile(r"@[A-Za-z0-9][A-Za-z0-9-]*(/[A-Za-z0-9._-]+)?|[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line: what it matches, and who owns that; nobody, where it names none."""

    matches: Callable[[str], object]
    owners: tuple[str, ...]


def owners_of(content: bytes, paths: Iterable[str]) -> tuple[str, ...]:
    """Who owns these paths by the file: those of the first path first, each once."""
    rules = rules_of(content)[::-1]
    found: dict[str, None] = {}
    for path in paths:
        last = next((rule for rule in rules if rule.matches(path)), None)
        found |= dict.fromkeys(last.owners if last is not None else ())
    return tuple(found)


def rules_of(content: bytes) -> list[Rule]:
    """The rules in the order of the file."""
    if len(content) > LARGEST:
        return []
    rules: list[Rule] = []
    for line in content.decode("utf-8", "replace").splitlines():
        pattern, *named = re.findall(r"(?:\\.|[^\s\\])+", re.sub(r"(^|\s)#.*", "", line)) or [""]
        if not pattern or pattern[0] in "!\\" or set(pattern) & set("[]") or "***" in pattern:
            continue
        owners = [name for name in named if _OWNER.fullmatch(name)]
        if len(owners) == len(named):  # a line with an owner that is none is an error, and skipped
            rules.append(Rule(matches=re.compile(_expression(pattern), re.DOTALL).fullmatch, owners=tuple(owners)))
    return rules


def _expression(pattern: str) -> str:
    """The pattern as a regular expression for whole paths."""
    segments = pattern.split("/")
    if segments[0] == "":
        segments = segments[1:]  # from the top
    elif len([segment for segment in segments if segment]) == 1:
        segments = ["**", *segments]  # a single name is meant at any depth
    below = segments[-1] in {"", "**"}
    segments = segments[:-1] if below else segments
    words = [r"(?:[^/]+/)*" if segment == "**" else f"{_segment(segment)}/" for segment in segments]
    path = "".join(words)
    if below:
        return f"{path}.+" if path else r"(?!)"  # "/" alone matches nothing
    path = path.removesuffix("/")
    return path if segments[-1] == "*" else f"{path}(?:/.*)?"  # a folder's name stands for all in it


def _segment(segment: str) -> str:
    wild = {"*": "[^/]*" if segment != "*" else "[^/]+", "?": "[^/]"}
    parts = re.findall(r"\\.|.", segment, re.DOTALL)
    return "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
