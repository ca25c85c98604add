"""Diffs cut to the hunks that matter: those that say what the symptom says come first, each with little around it."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import TypeAlias

LONGEST_PATCH = 200_000
"""Characters of a diff that are looked at."""
CONTEXT = 2
"""Unchanged lines that are kept on either side of a change."""

Clean: TypeAlias = Callable[[str], str]

_LONGEST_LINE = 160
_LONGEST_HUNK = 8_000
_LONGEST_PATH = 200
_WORD = re.compile(r"[a-z][a-z0-9]{2,}")
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # addItem → add Item
_SELDOM = re.compile(r"\.(lock|md|rst|txt|svg|snap|min\.js|map)$|(^|/)(package-lock\.json|go\.sum|docs?/|vendor/)")
_IN_THE_PATH, _IN_A_CHANGE, _IN_CONTEXT = 3, 2, 1


@dataclass(slots=True, kw_only=True)
class _Hunk:
    path: str
    header: str
    lines: list[str] = field(default_factory=list[str])

    def weight(self, words: set[str]) -> tuple[bool, int]:
        """Whether its file is one that seldom breaks anything, and how much of the symptom it names: best is least."""
        named = _IN_THE_PATH * len(words & said(self.path))
        changed = " ".join(line for line in self.lines if line.startswith(("+", "-")))
        around = " ".join([self.header, *(line for line in self.lines if not line.startswith(("+", "-")))])
        named += _IN_A_CHANGE * len(words & said(changed)) + _IN_CONTEXT * len(words & said(around))
        return bool(_SELDOM.search(self.path)), -named

    def text(self, clean: Clean) -> str:
        """The hunk with its file, little of what it leaves alone, and no line longer than a reader takes in.

        It is cleaned before a line is cut: a secret that is cut in two is not seen as one.
        """
        whole = clean("\n".join([self.header, *self.lines])[:_LONGEST_HUNK]).split("\n")
        head = f"{clean(self.path[:_LONGEST_PATH])} {whole[0][:_LONGEST_LINE]}".strip()
        return "\n".join([head, *(line[:_LONGEST_LINE] for line in _near(whole[1:]))])


def said(text: str) -> set[str]:
    """The words of a text, small: those of names too, as `cart` and `total` of `cartTotal` and `cart_total`."""
    return set(_WORD.findall(_SEAM.sub(" ", text).lower()))


def trimmed(patch: str, words: Collection[str], limits: Sequence[int], clean: Clean) -> tuple[str, ...]:
    """The hunks of a unified diff that matter most for these words, in at most so many characters, for each limit.

    Whole hunks, best first, then in the order of the diff; the first one is cut where it alone is too long. What was
    left out is said. `clean` takes out what nobody may read. A text that is no diff is cut.
    """
    found = list(_hunks(patch[:LONGEST_PATCH]))
    if not found:
        text = clean(patch[: 2 * max(limits, default=0)])
        return tuple(text[:limit] for limit in limits)
    wanted = {word for each in words for word in said(each)}
    order = sorted(found, key=lambda hunk: hunk.weight(wanted))
    texts: list[str] = []
    most = max(limits, default=0)
    for hunk in order:
        if sum(map(len, texts)) > most:
            break
        texts.append(hunk.text(clean))
    return tuple(_within(texts, order, limit - _NOTE) for limit in limits)


def _within(texts: Sequence[str], order: Sequence[_Hunk], left: int) -> str:
    kept: list[str] = []
    for text in texts:
        if len(text) + 1 > left:
            break
        kept.append(text)
        left -= len(text) + 1
    kept = kept or [texts[0][: max(0, left)]]
    rest = order[len(kept) :]
    if rest:
        kept.append(f"[{len(rest)} more hunks in {len({hunk.path for hunk in rest})} files were left out]")
    return "\n".join(kept)


_NOTE = 60  # characters for what is said of the rest


def _hunks(patch: str) -> Iterator[_Hunk]:
    path = ""
    hunk: _Hunk | None = None
    for line in patch.splitlines():
        if line.startswith(("diff --git ", "--- ")) and not (hunk is not None and line.startswith("--- ") and path):
            if hunk is not None:
                yield hunk
            hunk = None
            path = _named(line) if line.startswith("diff --git ") else path
        elif line.startswith("+++ ") and hunk is None:
            path = _path(line[4:]) or path
        elif line.startswith("@@"):
            if hunk is not None:
                yield hunk
            hunk = _Hunk(path=path, header=line)
        elif hunk is not None and line.startswith("--- ") and line[4:].startswith(("a/", "/dev/null")):
            yield hunk
            hunk = None
        elif hunk is not None:
            hunk.lines.append(line)
    if hunk is not None:
        yield hunk


def _named(line: str) -> str:
    return _path(line.rpartition(" ")[2])


def _path(text: str) -> str:
    text = text.split("\t", maxsplit=1)[0].strip().strip('"')
    return str(PurePosixPath(text[2:])) if text[:2] in {"a/", "b/"} else "" if text == "/dev/null" else text


def _near(lines: Sequence[str]) -> list[str]:
    """The changed lines, and those just around them."""
    changed = [number for number, line in enumerate(lines) if line.startswith(("+", "-"))]
    near = {number + step for number in changed for step in range(-CONTEXT, CONTEXT + 1)}
    return [line for number, line in enumerate(lines) if number in near]


def lines_apart(one: bytes, other: bytes) -> int:
    """How many lines two contents do not share, the larger side of each place where they differ."""
    matcher = SequenceMatcher(a=one.splitlines(), b=other.splitlines(), autojunk=False)
    changed = (code for code in matcher.get_opcodes() if code[0] != "equal")
    return sum(max(to - start, until - begin) for _, start, to, begin, until in changed)
