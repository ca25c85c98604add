"""What a log line says: its stack trace, and its words, whatever form it was written in. Pure, bounded.

Lines are plain text, JSON with the trace in a field, or logfmt. Their text is data from outside: it is capped, and
control characters are dropped.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from cases.logs import Trace
from cases.redaction import redacted
from detectors.stacks import clean, named, stack

_HEAD, _TAIL = 64 * 1024, 192 * 1024  # characters of an entry: a trace's message comes first, or last
_HEAD_LINES, _TAIL_LINES = 400, 1_200
_LONGEST_LINE = 1_000
_LONGEST_SAYING = 500
_ANSI = re.compile(r"\x1b\[[0-9;]{0,20}m")
_PAIR = re.compile(r'(?<![\w.@-])([A-Za-z_][\w.@-]{0,60})=("(?:[^"\\]|\\.)*"|[^\s"]*)', re.DOTALL)
_UNESCAPED = {"n": "\n", "t": "\t", "r": ""}
_STACKS = ("stack", "stack_trace", "stacktrace", "exc_info", "traceback", "backtrace", "trace", "exception")
_ERRORS = ("error", "err", "exception", "exc", "fault", "cause")
_TYPES = ("type", "kind", "class", "name", "exception_type")
_SAYINGS = ("message", "msg", "log", "event", "text", "body")
_DEEPEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a log entry says, without what surrounds it.

    text   what a human would read: error and message of a structured line, the line itself otherwise; capped
    trace  its stack trace, if it has one
    """

    text: str
    trace: Trace | None


def said(entry: str) -> Said:
    """What one log entry says."""
    entry = _bounded(entry)
    fields = _fields(entry)
    if not fields:
        return Said(text=clean(entry, _LONGEST_SAYING), trace=stack(_lines(entry)))
    words = dict.fromkeys(clean(text, _LONGEST_SAYING) for text in _told(fields))
    found = next((trace for text in _traced(fields) if (trace := stack(_lines(text))) is not None), None)
    if found is not None and not found.exception:
        found = _with_name(found, fields)
    text = " | ".join(word for word in words if word) or clean(entry, _LONGEST_SAYING)
    return Said(text=text[:_LONGEST_SAYING], trace=found)


def trace_of(entry: str) -> Trace | None:
    """The stack trace in one log entry (of one line or several), or None."""
    return said(entry).trace


def _bounded(entry: str) -> str:
    return entry if len(entry) <= _HEAD + _TAIL else entry[:_HEAD] + "\n" + entry[-_TAIL:]


def _lines(text: str) -> list[str]:
    """The lines of an entry, fit for the parsers: few, short, without colour."""
    lines = text.split("\n")
    if len(lines) > _HEAD_LINES + _TAIL_LINES:
        lines = lines[:_HEAD_LINES] + lines[-_TAIL_LINES:]
    return [_ANSI.sub("", line[:_LONGEST_LINE]).rstrip("\r") for line in lines]


def _fields(entry: str) -> Mapping[str, object]:
    """The fields of a structured line; none for plain text."""
    bare = entry.lstrip()
    if bare.startswith("{"):
        try:
            document: object = json.loads(bare)
        except (ValueError, RecursionError):
            return {}
        return cast("dict[str, object]", document) if isinstance(document, dict) else {}
    first = bare[:_LONGEST_LINE].partition("\n")[0]
    if "msg=" not in first and "message=" not in first and "level=" not in first and "error=" not in first:
        return {}
    return {found[1]: _unquoted(found[2]) for found in _PAIR.finditer(bare)}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", lambda found: _UNESCAPED.get(found[1], found[1]), value[1:-1], flags=re.DOTALL)


def _flat(fields: Mapping[str, object], depth: int = 0, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every field by its dotted name, in lower case: `error.stack` may be nested or not."""
    for name, value in list(fields.items())[:200]:
        full = f"{prefix}{name}".lower()
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _flat(cast("dict[str, object]", value), depth + 1, f"{full}.")
        else:
            yield full, value


def _text(value: object) -> str:
    """A field as text: a string, or a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(part for part in cast("list[object]", value)[:2_000] if isinstance(part, str))
    return ""


def _traced(fields: Mapping[str, object]) -> list[str]:
    """The texts of a line that may hold a trace: fields named for it first, then what a human reads."""
    flat = [(name, _text(value)) for name, value in _flat(fields)]
    likely = [text for name, text in flat if name.rsplit(".", 1)[-1] in _STACKS]
    return [*likely, *(text for name, text in flat if name.rsplit(".", 1)[-1] in (*_ERRORS, *_SAYINGS))]


def _told(fields: Mapping[str, object]) -> Iterator[str]:
    """The words of a structured line: its error, then its message; a trace is not words."""
    flat = [(name.split("."), _text(value)) for name, value in _flat(fields)]
    for wanted in (_ERRORS, _SAYINGS):
        for parts, text in flat:
            named_so = parts[-1] in wanted or (parts[0] in wanted and parts[-1] in (*_TYPES, *_SAYINGS))
            if named_so and "\n" not in text.strip():
                yield text


def _with_name(trace: Trace, fields: Mapping[str, object]) -> Trace:
    """A trace whose last line was cut off or stands elsewhere: the exception as another field names it."""
    flat = {name: _text(value) for name, value in _flat(fields)}
    kind = next((t for n, t in flat.items() if n.split(".")[0] in _ERRORS and n.split(".")[-1] in _TYPES and t), "")
    told = next((t for n, t in flat.items() if n.split(".")[-1] in (*_ERRORS, "message") and t), "")
    header = named(told)
    if not kind and header is None:
        return trace
    name, message = (kind, told) if kind else cast("tuple[str, str]", header)
    return replace(trace, exception=clean(name, 300), message=clean(redacted(message.lstrip(": ")[:1200]), 300))
