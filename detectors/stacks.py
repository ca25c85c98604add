"""Stack traces, as each language prints them: lines in, `Trace` out. Pure, and bounded on hostile lines.

Lines come capped, so that no expression here can take long; none nests a repetition in a repetition.
Shapes: Python's traceback module, java.lang.Throwable#printStackTrace, V8's Error#stack, Go's runtime, Ruby's
Exception#full_message, .NET's Exception.ToString.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cases.logs import Frame, Trace
from cases.redaction import redacted

MOST_FRAMES = 50
"""The frames that are kept of a trace: the innermost ones."""

_LONGEST_MESSAGE = 300
_LONGEST_NAME = 300
_HIGHEST = 9  # digits of a line's number
_MOST_WORDS = 60  # of a line in which an exception's name is looked for

_FILE = re.compile(r'File "([^"]{1,500})", line (\d{1,9})(?:, in (.{1,300}))?')
_RAISED = re.compile(r"([A-Za-z_][\w.]{0,300})(?:: ?(.*))?", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::)[A-Za-z_$][\w$]*)*")
_ERRORISH = re.compile(r"(Error|Exception|Throwable|Failure|Fault|Timeout|Interrupt|NotFound|Invalid)$")
_JS_PLACE = re.compile(r":(\d{1,9}):\d{1,9}\)?$")
_JVM_PLACE = re.compile(r"([\w$.-]{1,200}):(\d{1,9})")
_GO_PLACE = re.compile(r"\s+(\S.{0,500}\.(?:go|s)):(\d{1,9})(?: \+0x[0-9a-f]{1,16})?")
_RUBY_IN = re.compile(r":in [`']")
_NATIVE = frozenset({"Native Method", "Unknown Source"})


def clean(text: str, most: int) -> str:
    """Text from outside without control characters, on one line, capped."""
    text = text[: 4 * most]
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())
    return text if len(text) <= most else text[:most] + "…"


def stack(lines: Sequence[str]) -> Trace | None:
    """The stack trace that the lines hold, if they do. Of several that caused each other: the one that says most.

    That is the last one raised in Python, and the root cause where the language prints it (Java, Node, .NET).
    """
    text = "\n".join(lines)
    for sign, parse in _LANGUAGES:
        if sign in text:
            trace = parse(lines)
            if trace is not None:
                return trace
    return None


def named(line: str) -> tuple[str, str] | None:
    """The exception that a line names, and what follows it: `java.lang.X: told so`, `ERROR f - KeyError: 3`."""
    words = line[: 2 * _LONGEST_NAME].split(maxsplit=_MOST_WORDS)
    place = 0
    for position, raw in enumerate(words[:_MOST_WORDS]):
        place = line.index(raw, place) + len(raw)
        word = raw.strip("([{\"',;").removesuffix(":")
        ends = raw.endswith(":") or position == len(words) - 1 or words[position + 1].startswith(("[", "("))
        if not ends or not _NAME.fullmatch(word):
            continue
        last = re.split(r"\.|::", word)[-1]
        dotted = last != word and last[:1].isupper() and position == 0
        if _ERRORISH.search(last) or dotted:
            return word, line[place:]
    return None


def _frame(file: str, line: str, function: str) -> Frame:
    return Frame(
        file=clean(file, _LONGEST_NAME),
        line=int(line) if line.isascii() and line.isdecimal() and len(line) <= _HIGHEST else 0,
        function=clean(function, _LONGEST_NAME),
    )


def _trace(exception: str, message: str, frames: Sequence[Frame], language: str) -> Trace:
    """`frames` end with the call that raised."""
    return Trace(
        exception=clean(exception, _LONGEST_NAME),
        message=clean(redacted(message.lstrip(": ")[: 4 * _LONGEST_MESSAGE]), _LONGEST_MESSAGE),
        frames=tuple(frames[-MOST_FRAMES:]),
        language=language,
    )


def _python(lines: Sequence[str]) -> Trace | None:
    """The last traceback. What stands before `File` on its lines (a container's name, a bar) is a margin."""
    frames: list[Frame] = []
    last: Trace | None = None
    margin = 0
    for line in lines:
        if "Traceback (most recent call last)" in line:
            frames = []
            continue
        place = _FILE.search(line)
        if place is not None:
            frames.append(_frame(place[1], place[2], place[3] or ""))
            margin = max(0, place.start() - 2)
            continue
        raised = _RAISED.fullmatch(line[margin:]) if frames else None
        if raised is not None and _is_raised(raised[1]):
            last = _trace(raised[1], raised[2] or "", frames, "python")
            frames = []
    return last or (_trace("", "", frames, "python") if frames else None)


def _is_raised(name: str) -> bool:
    """Exceptions are written Like This, or come from a module: `zlib.error`. A line of code is not."""
    last = name.rsplit(".", 1)[-1]
    return last[:1].isupper() or last not in {name, ""}


@dataclass(slots=True)
class _AtStack:
    """Collects `at …` lines below the line that names their exception."""

    exception: str = ""
    message: str = ""
    language: str = ""
    frames: list[Frame] = field(default_factory=list[Frame])
    done: Trace | None = None

    def flush(self) -> None:
        """What was collected is a whole trace. In .NET the first is the root cause, elsewhere the last."""
        if self.frames and (self.done is None or self.language != "dotnet"):
            self.done = _trace(self.exception, self.message, self.frames[: 2 * MOST_FRAMES][::-1], self.language)
        self.frames = []


def _at(lines: Sequence[str]) -> Trace | None:
    """Java, Kotlin, Node and .NET: the innermost call comes first."""
    found = _AtStack()
    suppressed = False
    for line in lines:
        bare = line.strip()
        if bare.startswith("at "):
            call = None if suppressed else _call(bare[3:])
            if call is not None:
                found.frames.append(call[1])
                found.language = found.language or call[0]
            continue
        if bare.startswith(("--- End of inner", "at System.Runtime")):
            found.flush()
            continue
        if bare.startswith("Suppressed:"):
            suppressed = True
        elif line.startswith("Caused by:"):
            suppressed = False
        header = None if suppressed else named(line.rsplit("---> ", 1)[-1].removeprefix("Caused by: "))
        if header is not None:
            found.flush()
            found.exception, found.message = header
    found.flush()
    return found.done


def _call(text: str) -> tuple[str, Frame] | None:
    """The language and the frame of what follows `at`."""
    place = _JS_PLACE.search(text)
    if place is not None:
        before = text[: place.start()]
        function, opened, file = before.partition(" (")
        return "javascript", _frame(file if opened else before, place[1], function if opened else "")
    called, inside, where = text.rpartition(" in ")
    if inside and ":line " in where:
        file, _, number = where.rpartition(":line ")
        return "dotnet", _frame(file, number, called.partition("(")[0])
    name, opened, rest = text.partition("(")
    if not opened or " " in name:
        return None
    inner = rest.partition(")")[0]
    java = _JVM_PLACE.fullmatch(inner)
    if java is None and inner not in _NATIVE:
        return "dotnet", _frame("", "0", name)
    function = name.rsplit("/", 1)[-1]  # without the module: java.base/java.lang.Thread.run
    if java is None:
        return "java", _frame("", "0", function)
    folder = "/".join(function.split(".")[:-2])  # the package, as the class has it, is the folder
    language = "kotlin" if java[1].endswith((".kt", ".kts")) else "java"
    return language, _frame(f"{folder}/{java[1]}" if folder else java[1], java[2], function)


def _go(lines: Sequence[str]) -> Trace | None:
    """The first goroutine that is printed: it is the one that panicked."""
    exception, message = "", ""
    frames: list[Frame] = []
    begun, before = False, ""
    for line in lines:
        for sign in ("panic: ", "fatal error: ", "panic serving "):
            if not begun and sign in line:
                exception, message = "panic" if "panic" in sign else "fatal error", line.partition(sign)[2]
        if line.startswith("goroutine ") and begun:
            break
        begun = begun or "goroutine " in line
        place = _GO_PLACE.fullmatch(line) if begun else None
        if place is not None and not before.startswith("created by "):
            frames.append(_frame(place[1], place[2], before.rpartition("(")[0]))
        before = line.strip()
        if begun and frames and not before:
            break
    while frames and (frames[0].function == "panic" or frames[0].function.startswith("runtime.")):
        frames.pop(0)
    return _trace(exception, message, frames[: 2 * MOST_FRAMES][::-1], "go") if frames else None


def _ruby(lines: Sequence[str]) -> Trace | None:
    """The first line names the call that raised, the message, and the exception in brackets at its end."""
    exception, message = "", ""
    frames: list[Frame] = []
    for line in lines:
        call = _RUBY_IN.search(line)
        file, colon, number = line[: call.start()].rpartition(":") if call is not None else ("", "", "")
        if call is None or not colon or not number.isdecimal():
            header = named(line.replace(" (", ": (", 1)) if not frames else None
            if header is not None:
                exception, message = header[0], header[1].strip(" ():")
            continue
        function, _, said = line[call.end() :].partition("'")
        if said.startswith(": ") and not frames:
            message, bracket, name = said[2:].rpartition(" (")
            exception = name.rstrip(")") if bracket else exception
        path = file.strip()
        frames.append(_frame(path.removeprefix("from "), number, function))
    return _trace(exception, message, frames[: 2 * MOST_FRAMES][::-1], "ruby") if frames else None


_LANGUAGES: tuple[tuple[str, Callable[[Sequence[str]], Trace | None]], ...] = (
    ('File "', _python),
    ("goroutine ", _go),
    (".rb:", _ruby),
    ("at ", _at),
)
