"""The log: one line an event on standard error, in UTC, for people or for machines.

Everything that speaks through the standard library's logging, libraries too, comes out here, with what it is about (see
`about`). Texts from outside are in many messages: whatever they hold, they begin no line of their own and colour no
terminal.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, Literal

from cases.redaction import redacted

LONGEST = 16_384
"""Characters of a message or of a trace that are kept: a line is read by people."""
_EVENT = MutableMapping[str, Any]
_FIRST = ("ts", "level", "logger", "event")
_KNOWN = ("case", "phase", "change")
_RICH = "rich"


def log_to_stderr(*, verbose: bool = False, quiet: bool = False, form: Literal["text", "json"] = "text") -> None:
    """Set the root handler up. Libraries speak from warnings on only; `quiet` lets only errors through."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=logging.ERROR if quiet else logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("trackwalker").setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO)


def about(**what: str) -> AbstractContextManager[None]:
    """What this thread logs within the block is about that: a case and its phase, say."""
    _structlog()
    from structlog.contextvars import bound_contextvars

    return bound_contextvars(**what)


def written_by(daemon: str) -> None:
    """From now on each line for machines says which daemon wrote it: there is one log a process."""
    _author.name = daemon


@dataclass(slots=True)
class _Author:
    name: str = ""


_author = _Author()


def formatter(form: Literal["text", "json"]) -> logging.Formatter:
    """What makes the lines."""
    _structlog()
    from structlog.contextvars import merge_contextvars
    from structlog.processors import JSONRenderer
    from structlog.stdlib import ProcessorFormatter

    return ProcessorFormatter(
        foreign_pre_chain=[merge_contextvars, _described],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            *([_ordered, JSONRenderer()] if form == "json" else [_text]),
        ],
    )


def printable(text: str) -> str:
    """The text without anything that moves a cursor, colours, breaks a line or turns its direction: escapes instead."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _described(_: object, __: str, event: _EVENT) -> _EVENT:
    """Add when, how grave and where, from the record; and the trace of an error as text."""
    record: logging.LogRecord = event["_record"]
    event["ts"] = datetime.fromtimestamp(record.created, UTC)
    event["level"] = record.levelname
    event["logger"] = record.name
    event["event"] = _shortened(redacted(str(event["event"])[: 2 * LONGEST]))
    error = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if error and error[0] is not None:
        event["exc"] = _shortened(redacted(_PLAIN.formatException(error)[: 2 * LONGEST]))
    return event


def _text(_: object, __: str, event: _EVENT) -> str:
    """`2026-01-02T03:04:05Z LEVEL   logger: message case=… phase=…`, and a trace below it, indented."""
    words = "".join(f" {printable(key)}={_word(str(value))}" for key, value in _what(event).items())
    line = f"{event['ts']:%Y-%m-%dT%H:%M:%S}Z {event['level']:<7} {event['logger']}: {printable(event['event'])}{words}"
    trace = "".join(f"\n  {printable(one)}" for one in str(event.get("exc", "")).splitlines())
    return line + trace


def _ordered(_: object, __: str, event: _EVENT) -> Mapping[str, Any]:
    """When first, then what every line has, then what it is about."""
    at: datetime = event["ts"]
    said = {"ts": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "level": event["level"].lower()}
    said |= {"logger": event["logger"], "event": event["event"]}
    said |= {"daemon": _author.name} if _author.name else {}
    return said | _what(event) | ({"exc": event["exc"]} if "exc" in event else {})


def _what(event: _EVENT) -> dict[str, Any]:
    """What it is about, always in the same order."""
    names = [*(name for name in _KNOWN if name in event), *sorted(event.keys() - {*_FIRST, *_KNOWN, "exc"})]
    return {name: event[name] for name in names}


def _word(value: str) -> str:
    """One word: quoted where it would look like several."""
    shown = printable(value)
    return f'"{shown}"' if not shown or " " in shown or "=" in shown else shown


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text) - LONGEST} more characters)"


def _structlog() -> ModuleType:
    """structlog, without the Rich that it would load for coloured traces: 5 MB of an idle daemon, and never used."""
    if "structlog" not in sys.modules and _RICH not in sys.modules:
        absent: Any = None
        sys.modules[_RICH] = absent  # the import system's own way to say that there is none
        try:
            import structlog
        finally:
            del sys.modules[_RICH]
        return structlog
    import structlog

    return structlog


_PLAIN = logging.Formatter()
