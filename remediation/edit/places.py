"""Places: where in the repository a stack trace of production happened. A trace is data; only what exists is kept."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeAlias

from cases.diagnosis import Hypothesis
from cases.logs import Frame, Trace
from config.scope import hygiene
from remediation.edit.code import function_at

Read: TypeAlias = Callable[[str], bytes | None]  # path → what the file holds, None where there is none

STACK_TRACE = "stack trace"  # the origin of such a hypothesis
DEEPEST = 12  # folders of a production path that are tried
MOST_FRAMES = 12
LARGEST = 512 * 1024
CONFIDENCE = 0.5  # of the innermost place of our own; a caller may be the one that is wrong as well
_INSTALLED = re.compile(r".*/(?:site-packages|dist-packages|node_modules|gems/[^/]+/gems/[^/]+)/(?P<rest>.+)")
_FOREIGN = re.compile(r"^<|(^|/)lib/python3(\.\d+)?/|/go/src/(runtime|internal)/|^(node:|internal/)|/rustc/")
_EXCEPTION = re.compile(r"[A-Za-z_][\w.$:]{0,119}")
_JVM_FOLDERS = ("src/main/java/", "src/main/kotlin/", "src/", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A function of the repository, at the line where production was in it (1 or more, 0 when not known).

    `text` is that line.
    """

    path: str
    line: int
    function: str
    text: str = field(default="", compare=False)


def places(trace: Trace, read: Read) -> tuple[Place, ...]:
    """The frames that lie in the repository, innermost first. A frame whose function is not in its file is dropped."""
    found: list[Place] = []
    for frame in tuple(reversed(trace.frames))[:MOST_FRAMES]:
        place = _located(frame, trace.language, read)
        if place is not None and place not in found:
            found.append(place)
    return tuple(found)


def _located(frame: Frame, language: str, read: Read) -> Place | None:
    for path in _candidates(frame, language):
        content = None if hygiene(path) else read(path)
        if content is None or len(content) > LARGEST:
            continue
        function = function_at(path, content, frame.line, frame.function)
        if function is None:
            return None
        return Place(path=path, line=function.line, function=function.name, text=_text(content, function.line))
    return None


def _text(content: bytes, line: int) -> str:
    lines = content.decode(errors="replace").splitlines()
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def _candidates(frame: Frame, language: str) -> Iterator[str]:
    """The paths that a frame's file may have in the repository, the longest first."""
    file = frame.file.replace("\\", "/")
    installed = _INSTALLED.match(file)
    if installed:  # a package that is installed whole: its path in the package is the only one that it can have
        yield from (f"{folder}{installed['rest']}" for folder in ("", "src/"))
        return
    if _FOREIGN.search(file):
        return
    if language.lower() in {"java", "kotlin", "jvm"} and "/" not in file:
        package = "/".join(frame.function.split(".")[:-2])
        yield from (f"{folder}{package}/{file}".replace("//", "/") for folder in _JVM_FOLDERS if package)
        return
    parts = [part for part in PurePosixPath(file).parts if part not in {"/", "."}]
    yield from ("/".join(parts[start:]) for start in range(max(0, len(parts) - DEEPEST), len(parts)))


def exception_of(trace: Trace) -> str:
    """The exception's name if it looks like one: a name is data as well, and goes into a sentence."""
    return trace.exception if _EXCEPTION.fullmatch(trace.exception) else "an error"


def hypotheses(trace: Trace, found: Sequence[Place], evidence: str) -> tuple[Hypothesis, ...]:
    """What a trace alone says: the place that raised, then its callers."""
    inner = found[0] if found else None
    return tuple(
        Hypothesis(
            statement=f"{exception_of(trace)} is raised in {place.path}:{place.line} {place.function}()"
            if place is inner
            else f"{place.path}:{place.line} {place.function}() calls where {exception_of(trace)} is raised",
            path=place.path,
            line=place.line,
            function=place.function,
            evidence=(evidence,),
            confidence=round(CONFIDENCE / 2**number, 3),
            origin=STACK_TRACE,
            exception=exception_of(trace) if place is inner and trace.exception else "",
        )
        for number, place in enumerate(found[:3])
    )
