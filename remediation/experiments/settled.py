"""A flag that shows everybody its treated variant, taken out of the code. Pure functions on the bytes of files.

It is taken out everywhere or nowhere: half a removal is worse than none, so one mention that only a human can take out
refuses the whole. Python is edited, with LibCST; in any other language a mention is a human's. Tests stay as they are:
what they set in a stand-in is asked for by nobody any more, and whether they pass without the flag is seen by running
them. What is no code (the flag's own file, documents, queries) stays too.

A mention is the key as a whole text of its own. A key that is put together while the program runs is not seen.
"""

import io
import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydantic import JsonValue

from cases.change import FileEdit
from remediation.values.refused import NotEditable

if TYPE_CHECKING:
    from remediation.patterns.settling.out import TakenOut

SHOWN = 3
"""Places of a refusal that are named."""
LARGEST = 1_000_000
"""Files above so many bytes hold no code that somebody wrote."""
_ENDINGS = """
py pyi pyx ipynb js mjs cjs ts mts cts jsx tsx vue svelte astro html htm j2 jinja jinja2 tmpl tpl erb haml slim ejs hbs
mustache graphql go rb java kt groovy gradle scala clj rs php cs fs c cc cpp cxx h hpp m mm swift dart lua pl ex exs elm
hs ml sh bash
"""
CODE = tuple(f".{ending}" for ending in _ENDINGS.split())
"""Endings of files that may ask a flag, templates among them. So may a file without one that says who runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The edits that take the flag out, none where no code mentions it; and the tests that still do."""

    edits: tuple[FileEdit, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    content: bytes
    executable: bool


def settled(content: bytes, path: str, *, flag: str, value: JsonValue, event: str) -> bytes:
    """The file with `value` in the place of each question to the flag, and without what tells of its exposure.

    What that makes constant is folded away, and what then nothing uses is taken out where that is certain; all else
    stays byte for byte. The same bytes where the file does not mention the flag.

    flag   its key
    value  what everybody is shown
    event  what the code has wherever it tells that a user saw the flag, as in `exposure("checkout_button"`
    Raises NotEditable, with the place, for a mention that only a human can take out.
    """
    return _taken_out(content, path, flag=flag, value=value, event=event, used=lambda _: False).content


def settled_tree(tree: bytes, *, flag: str, value: JsonValue, event: str) -> Settled:
    """The edits that take the flag out of all code of a repository: `tree` is a tar of it, as `Forge.tree` gives.

    Raises NotEditable where one mention cannot be taken out, with each such place; where its exposure is told, but no
    code asks the flag in a way that is known; and where the tree cannot be read.
    """
    from remediation.edit.code import is_test

    files = _files(tree)
    mentioned = _mention(flag, event)
    found = {path: file for path, file in files.items() if mentioned(file.content)}
    edits: list[FileEdit] = []
    refused: list[str] = []
    asked = 0
    for path, file in found.items():
        if is_test(path):
            continue
        try:
            out = _taken_out(file.content, path, flag=flag, value=value, event=event, used=_elsewhere(path, files))
        except NotEditable as reason:
            refused.append(str(reason))
            continue
        asked += out.asked
        if out.content != file.content:
            edits.append(FileEdit(path=path, content=out.content, executable=file.executable))
    if refused:
        more = f"; and {len(refused) - SHOWN} more files" if len(refused) > SHOWN else ""
        raise NotEditable("; ".join(refused[:SHOWN]) + more)
    if edits and not asked:
        raise NotEditable(
            f"{edits[0].path} tells who saw the flag, and nothing is seen that asks it: a human looks where"
        )
    return Settled(edits=tuple(edits), tests=tuple(path for path in found if is_test(path)))


def _taken_out(
    content: bytes, path: str, *, flag: str, value: JsonValue, event: str, used: Callable[[str], bool]
) -> "TakenOut":
    from remediation.patterns.settling.out import TakenOut, taken_out

    place = _mention(flag, event)(content)
    if place is None:
        return TakenOut(content=content, asked=0, told=0)
    if path.endswith(".py"):
        return taken_out(content, path, flag=flag, value=value, event=event, used=used)
    line = content.count(b"\n", 0, place.start()) + 1
    raise NotEditable(f"{path}:{line} asks the flag: a human takes it out there")


def _mention(flag: str, event: str) -> Callable[[bytes], re.Match[bytes] | None]:
    """Finds the key as other languages write it too: quoted, as a symbol, a member, or the word of a template's tag.

    Python is then read by its own grammar, which tells what of it is a mention.
    """
    key = re.escape(flag)
    camel = re.sub(r"[-_.]+(\w)", lambda match: match[1].upper(), flag)
    words = [
        rf"""["'`]{key}["'`]""",
        rf"""(?<=[:.]){key}(?![\w-])""",
        rf"""\b(?:flag|feature|switch|toggle)\s+{key}(?![\w-])""",
        re.escape(event),
    ]
    pattern = re.compile("|".join(words).encode())
    member = re.compile(rf"\b{re.escape(camel)}\b".encode()) if camel != flag else None
    by_member = re.compile(rb"useFlags\b|launchdarkly|withLDConsumer")  # its keys are members, in camel case

    def found(content: bytes) -> re.Match[bytes] | None:
        match = pattern.search(content)
        if match is None and member is not None and by_member.search(content):
            match = member.search(content)
        return match

    return found


def _files(tree: bytes) -> dict[str, _File]:
    """The files of code, by path. Raises NotEditable for what is no tar."""
    files: dict[str, _File] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
            for member in archive:
                held = archive.extractfile(member) if member.isfile() and member.size <= LARGEST else None
                name = member.name.removeprefix("./")
                content = held.read() if held is not None else b""
                if name.endswith(CODE) or ("." not in PurePosixPath(name).name and content[:2] == b"#!"):
                    files[name] = _File(content=content, executable=bool(member.mode & 0o100))
    except tarfile.TarError:
        raise NotEditable("the tree of the repository cannot be read") from None
    return dict(sorted(files.items()))


def _elsewhere(path: str, files: Mapping[str, _File]) -> Callable[[str], bool]:
    """Whether another Python file takes a name from the file at `path`: by an import, as a member, or to patch it."""
    own = PurePosixPath(path)
    module = re.escape(own.parent.name if own.stem == "__init__" else own.stem)

    def used(name: str) -> bool:
        if own.stem == "__init__":
            return True
        pattern = re.compile(
            rf"\bfrom\s+[\w.]*\b{module}\s+import\s*(?:\([^)]*\b{name}\b|[^(\n]*\b{name}\b)"
            rf"|\bfrom\s+[\w.]*\b{module}\s+import\s*\*"
            rf"|\b{module}\.{name}\b"
            rf"""|\b{module}\s*,\s*["']{name}["']""".encode()
        )
        others = (file.content for other, file in files.items() if other != path and other.endswith(".py"))
        return any(pattern.search(content) for content in others)

    return used
