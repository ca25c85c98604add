"""The text of a JSON file, with the spans of its keys: one of them is written anew, and all other bytes stay."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from remediation.values import json_file
from remediation.values.refused import NotEditable

NAME = "the file of flags"
SHORT = 60
"""Characters up to which a group or a list is written on one line."""
_UNIT = "  "
_BOM = "\ufeff"
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One key of a group: `text[start:end]` is all of it, `text[value:end]` what is behind the colon."""

    key: str
    start: int
    value: int
    end: int


def loaded(content: bytes) -> tuple[str, JsonValue]:
    """The text without its byte order mark, and what it says.

    Raises NotEditable: no UTF-8, no JSON, a key twice in one group, a number that JSON does not have, too deep.
    """
    try:
        text = content.decode().removeprefix(_BOM)
    except UnicodeDecodeError:
        raise NotEditable(f"{NAME} is not UTF-8 text") from None
    return text, cast("JsonValue", json_file.plain(NAME, text))


def put(content: bytes, text: str, start: int, end: int, new: str) -> bytes:
    """The file with `new` in place of `text[start:end]`; its byte order mark stays."""
    mark = content[: len(content) - len(text.encode())]
    return mark + (text[:start] + new + text[end:]).encode()


def members(text: str, brace: int) -> tuple[Member, ...]:
    """The keys of the group that opens at `brace`, in the order of the file. The text is known to be JSON."""
    found: list[Member] = []
    at = skipped(text, brace + 1)
    while text[at] != "}":
        start = at
        key, at = _DECODER.raw_decode(text, at)
        value = skipped(text, skipped(text, at) + 1)
        end = _DECODER.raw_decode(text, value)[1]
        found.append(Member(key=key, start=start, value=value, end=end))
        at = skipped(text, end)
        if text[at] == ",":
            at = skipped(text, at + 1)
    return tuple(found)


def member(text: str, brace: int, key: str) -> Member | None:
    """One key of the group that opens at `brace`."""
    return next((one for one in members(text, brace) if one.key == key), None)


def skipped(text: str, at: int) -> int:
    """The first place from `at` on that is no white space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def margin(text: str, one: Member) -> str | None:
    """What stands before a key on its line; None where the key does not begin a line."""
    line = text[text.rfind("\n", 0, one.start) + 1 : one.start]
    return line if not line.strip() and "\n" in text[: one.start] else None


def added(content: bytes, text: str, brace: int, above: str | None, key: str, value: JsonValue) -> bytes:
    """The file with one more key at the end of the group that opens at `brace`.

    above  the margin of the key whose value the group is; None where the file is not laid out in lines
    """
    there = members(text, brace)
    if there:
        last = there[-1]
        indent = margin(text, last)
        before = brace if len(there) == 1 else text.index(",", there[-2].end)
        gap = text[before + 1 : last.start]
        unit = _unit(indent, above)
        new = f",{gap or ' '}{_named(key, value, indent, unit, text)}"
        return put(content, text, last.end, last.end, new)
    close = text.index("}", brace)
    if above is None:
        return put(content, text, brace + 1, close, _named(key, value, None, _UNIT, text))
    indent = above + (above or _UNIT)
    line = newline(text)
    new = f"{line}{indent}{_named(key, value, indent, above or _UNIT, text)}{line}{above}"
    return put(content, text, brace + 1, close, new)


def replaced(content: bytes, text: str, one: Member, above: str | None, value: JsonValue) -> bytes:
    """The file with another value of a key, in the file's own layout."""
    indent = margin(text, one)
    return put(content, text, one.value, one.end, rendered(value, indent, _unit(indent, above), newline(text)))


def removed(content: bytes, text: str, brace: int, key: str) -> bytes:
    """The file without a key that is there, and without the comma that it needed."""
    there = members(text, brace)
    at = next(place for place, one in enumerate(there) if one.key == key)
    if at + 1 < len(there):
        return put(content, text, there[at].start, there[at + 1].start, "")
    if at:
        return put(content, text, there[at - 1].end, there[at].end, "")
    return put(content, text, brace + 1, text.index("}", there[at].end), "")


def rendered(value: JsonValue, indent: str | None, unit: str, line: str) -> str:
    """A value as JSON. What is short stands on one line; what is longer is laid out, `indent` being its margin."""
    short = spelled(value)
    if indent is None or len(short) <= SHORT or not isinstance(value, dict | list):
        return short
    deeper = indent + unit
    if isinstance(value, dict):
        opening, closing = "{", "}"
        rows = [f"{spelled(key)}: {rendered(below, deeper, unit, line)}" for key, below in value.items()]
    else:
        opening, closing = "[", "]"
        rows = [rendered(below, deeper, unit, line) for below in value]
    return f"{opening}{line}{deeper}" + f",{line}{deeper}".join(rows) + f"{line}{indent}{closing}"


def spelled(value: JsonValue) -> str:
    """A value on one line. Half a character, which JSON can say and UTF-8 cannot, is said in JSON's own way."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise NotEditable(f"{NAME} holds a number there that is too large to be written again") from None
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def newline(text: str) -> str:
    """How lines end in it."""
    return "\r\n" if "\r\n" in text else "\n"


def alike(old: JsonValue, new: JsonValue) -> bool:
    """Whether two values are one: 1, 1.0 and true are three."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(alike(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(alike(a, b) for a, b in zip(old, new, strict=True))
    return type(old) is type(new) and old == new


def others_alike(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue], key: str) -> bool:
    """Whether two groups differ in nothing but that key."""
    rest_before = {name: value for name, value in old.items() if name != key}
    rest_after = {name: value for name, value in new.items() if name != key}
    return alike(rest_before, rest_after)


def _named(key: str, value: JsonValue, indent: str | None, unit: str, text: str) -> str:
    return f"{spelled(key)}: {rendered(value, indent, unit, newline(text))}"


def _unit(indent: str | None, above: str | None) -> str:
    """One step of the file's indentation."""
    if indent and above is not None and indent.startswith(above):
        return indent[len(above) :] or _UNIT
    return _UNIT
