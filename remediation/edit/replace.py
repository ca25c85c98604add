"""Search and replace: exact, unique, and byte for byte the rest. Never a unified diff, never a guess where it belongs.

Texts are compared with plain line ends; what is put in gets the line ends of its file.
"""

import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from remediation.edit.code import Function, text_of

NEAREST_LINES = 12
CONTEXT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """Put `replace` where `search` stands, once, in the file at `path`."""

    path: str
    search: str
    replace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoMatch:
    """Why a replacement does not go in, and the lines of the file that are nearest to what was searched for."""

    path: str
    because: str
    nearest: str = ""


Replaced: TypeAlias = bytes | NoMatch


def replaced(path: str, content: bytes, replacements: Sequence[Replacement]) -> Replaced:
    """The file with all replacements made. Each is searched in the file as it was; two may not overlap."""
    text = text_of(content)
    if text is None:
        return NoMatch(path=path, because="it is no UTF-8 text")
    spans: list[tuple[int, int, str]] = []
    for wanted in replacements:
        search, new = _plain(wanted.search), _plain(wanted.replace)
        often = _often(text, search) if search.strip() else 0
        if often != 1:
            because = "`search` stands in it more than once" if often else "`search` does not stand in it"
            nearest = "" if often else _nearest(text, search)
            return NoMatch(path=path, because=because if search.strip() else "`search` is empty", nearest=nearest)
        if search == new:
            return NoMatch(path=path, because="`search` and `replace` are the same")
        start = text.index(search)
        spans.append((start, start + len(search), new))
    spans.sort()
    if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans)):
        return NoMatch(path=path, because="two replacements overlap")
    return _spliced(content.decode(), spans)


def function_replaced(path: str, content: bytes, function: Function, code: str) -> Replaced:
    """The file with the lines of a function, its decorators included, replaced."""
    text = text_of(content)
    if text is None:
        return NoMatch(path=path, because="it is no UTF-8 text")
    lines = text.split("\n")
    start = sum(len(line) + 1 for line in lines[: function.first - 1])
    end = start + len("\n".join(lines[function.first - 1 : function.last]))
    return _spliced(content.decode(), [(start, end, _plain(code).strip("\n"))])


def appended(content: bytes, addition: str) -> bytes:
    """A file with something added behind its end, in its own line ends; all that was there stays as it is."""
    end = _line_end(content.decode())
    gap = b"" if not content or content.endswith(b"\n") else end.encode()
    return content + gap + (end * 2 + _plain(addition).strip("\n").replace("\n", end) + end).encode()


def carried(path: str, base: bytes, changed: bytes, head: bytes) -> Replaced:
    """The same change of a file on what the file holds now. Each changed stretch must stand there once, in its lines.

    base     the file as the change was drafted on
    changed  the same with the change
    head     the file now
    """
    old, new = text_of(base), text_of(changed)
    if old is None or new is None:
        return NoMatch(path=path, because="it is no UTF-8 text")
    before, after = old.split("\n"), new.split("\n")
    groups = difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT)
    wanted = [
        Replacement(
            path=path,
            search="\n".join(before[group[0][1] : group[-1][2]]),
            replace="\n".join(after[group[0][3] : group[-1][4]]),
        )
        for group in groups
    ]
    return replaced(path, head, wanted)


def _often(text: str, search: str) -> int:
    """How often it stands there, two at the most: stretches that overlap are two as well."""
    first = text.find(search)
    return 0 if first < 0 else 1 + (text.find(search, first + 1) >= 0)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _line_end(raw: str) -> str:
    """The line end that most lines have."""
    return "\r\n" if raw.count("\r\n") * 2 > raw.count("\n") else "\n"


def _spliced(raw: str, spans: Sequence[tuple[int, int, str]]) -> bytes:
    """Put texts in place of spans that count in plain line ends; every byte outside of them stays."""
    at = _offsets(raw)
    end = _line_end(raw)
    out, done = "", 0
    for start, stop, new in spans:
        out += raw[done : at[start]] + new.replace("\n", end)
        done = at[stop]
    return (out + raw[done:]).encode()


def _offsets(raw: str) -> list[int]:
    """For each character of the plain text, and its end, where it begins in the raw one."""
    offsets: list[int] = []
    place = 0
    while place < len(raw):
        offsets.append(place)
        place += 2 if raw.startswith("\r\n", place) else 1
    return [*offsets, len(raw)]


def _nearest(text: str, search: str) -> str:
    """The stretch of the file that is most like what was searched for."""
    lines, wanted = text.split("\n"), search.strip("\n").split("\n")
    height = min(len(wanted), NEAREST_LINES)
    plain = [line.strip() for line in wanted[:height]]
    best, place = -1.0, 0
    for start in range(max(1, len(lines) - height + 1)):
        window = lines[start : start + height]
        alike = sum(_alike(line.strip(), other) for line, other in zip(window, plain, strict=False))
        if alike > best:
            best, place = alike, start
    return "\n".join(lines[place : place + height]) if best > 0 else ""


def _alike(one: str, other: str) -> float:
    """How like two lines are, in [0, 1], by the words that they share: cheap on long files."""
    if one == other:
        return 1.0 if one else 0.1
    first, second = set(one.split()), set(other.split())
    return len(first & second) / max(1, len(first | second))
