"""What a structured line is about: the message of JSON or logfmt; its other fields are values beside it. Bounded."""

import json
import re
from collections.abc import Mapping
from typing import cast

_MESSAGES = ("msg", "message", "event", "log", "text", "body", "@message", "short_message", "error", "err")
_PAIR = re.compile(r'(?<![\w.@-])([A-Za-z_][\w.@-]{0,60})=("(?:[^"\\]|\\.){0,2000}"|[^\s"]{0,2000})')
_LEAST_PAIRS = 2
_MOST_FIELDS = 100
_HEAD = 40  # characters before the first pair of a logfmt line


def message_of(line: str) -> str | None:
    """What a human would read of a structured line; None for a line of plain text.

    One without a message is told by the names of its fields.
    """
    bare = line.lstrip()
    if bare.startswith("{"):
        return _of_json(bare)
    if "msg=" in bare or "message=" in bare or "event=" in bare:
        pairs = dict(_PAIR.findall(bare)[:_MOST_FIELDS])
        first = _PAIR.search(bare)
        if len(pairs) >= _LEAST_PAIRS and first is not None and first.start() <= _HEAD:
            return _message({name: _unquoted(value) for name, value in pairs.items()})
    return None


def _of_json(bare: str) -> str | None:
    try:
        document: object = json.loads(bare)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    fields = cast("dict[str, object]", document)
    said = _message(fields)
    if said is not None:
        return said
    return " ".join(f"{name}={_short(value)}" for name, value in list(fields.items())[:_MOST_FIELDS])


def _message(fields: Mapping[str, object]) -> str | None:
    lower = {name.lower(): value for name, value in fields.items()}
    for name in _MESSAGES:
        value = lower.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return None


def _short(value: object) -> str:
    """A value that is masked anyhow, as one word; nested fields tell no more than that they are there."""
    return "{}" if isinstance(value, dict | list) else "0"


def _unquoted(value: str) -> str:
    return value[1:-1].replace('\\"', '"').replace("\\n", " ") if value.startswith('"') else value
