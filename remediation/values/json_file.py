"""JSON: a small scanner for the spans, held against the standard library's reading of the same text."""

import json
import math
import re
from typing import cast

from remediation.values.nodes import Document, Group, Kind, Listing, Node, Plain, Scalar, resource_name
from remediation.values.refused import NotEditable

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,\]}]+')


def documents(name: str, text: str) -> tuple[Document, ...]:
    """The one document of a JSON file. Raises NotEditable, for comments, NaN and double keys as well."""
    if not text.strip():
        return ()
    expected = plain(name, text)
    try:
        root = _Scanner(text).root()
    except RecursionError:
        raise NotEditable(f"{name} is nested too deeply to be read") from None
    except json.JSONDecodeError:
        root = None
    if root is None or not alike(root, expected):
        raise NotEditable(f"the values of {name} could not be told apart for certain")
    return (Document(name=resource_name(root), root=root),)


def plain(name: str, text: str) -> object:
    """What a JSON file says, without any places in it: quick. Raises NotEditable for what `documents` does."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except json.JSONDecodeError as error:
        raise NotEditable(f"{name} is not readable as JSON (line {error.lineno})") from None
    except _Unusual as unusual:
        raise NotEditable(f"{name} holds {unusual}") from None
    except ValueError:
        raise NotEditable(f"{name} holds a number that is too long") from None
    except RecursionError:
        raise NotEditable(f"{name} is nested too deeply to be read") from None


def meaning_of(value: object) -> tuple[Kind, Plain] | None:
    """The kind of a value that the standard library has read; None for what JSON and TOML have beyond it."""
    match value:
        case bool():
            return Kind.BOOLEAN, value
        case int():
            return Kind.INTEGER, value
        case float():
            return (Kind.NUMBER, value) if math.isfinite(value) else None
        case str():
            return Kind.STRING, value
        case None:
            return Kind.NOTHING, None
        case _:
            return None


def alike(node: Node, value: object) -> bool:
    """Whether our reading is the parser's, scalar by scalar. One without a kind is compared by its text elsewhere."""
    if isinstance(node, Group):
        table = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        same = isinstance(value, dict) and node.entries.keys() == table.keys()
        return same and all(alike(below, table[key]) for key, below in node.entries.items())
    if isinstance(node, Listing):
        items = cast("list[object]", value) if isinstance(value, list) else []
        same = isinstance(value, list) and len(node.items) == len(items)
        return same and all(alike(below, item) for below, item in zip(node.items, items, strict=True))
    if isinstance(value, dict | list):
        return False
    meaning = meaning_of(value)
    return node.kind is Kind.UNCLEAR if meaning is None else node.meaning == meaning


class _Unusual(Exception):  # noqa: N818 - it never leaves this file
    """What the standard library would take and other readers would not."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys: dict[str, object] = {}
    for key, value in pairs:
        if key in keys:
            raise _Unusual(f"{key!r} twice in one group")
        keys[key] = value
    return keys


def _refused(constant: str) -> object:
    raise _Unusual(f"{constant}, which is no JSON")


class _Scanner:
    """Walks text that is known to be JSON."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._counted = 1, 0

    def root(self) -> Node:
        self._space()
        return self._node()

    def _node(self) -> Node:
        opening = self._text[self._at]
        if opening == "{":
            return self._group()
        if opening == "[":
            return self._listing()
        return self._scalar()

    def _group(self) -> Group:
        entries: dict[str, Node] = {}
        self._step()
        while self._text[self._at] != "}":
            key: str = json.loads(self._word())
            self._space()
            self._step()  # the colon
            entries[key] = self._node()
            self._after()
        self._at += 1
        return Group(entries=entries)

    def _listing(self) -> Listing:
        items: list[Node] = []
        self._step()
        while self._text[self._at] != "]":
            items.append(self._node())
            self._after()
        self._at += 1
        return Listing(items=tuple(items))

    def _scalar(self) -> Scalar:
        start = self._at
        self._line += self._text.count("\n", self._counted, start)
        self._counted = start
        source = self._word()
        kind, value = meaning_of(json.loads(source)) or (Kind.UNCLEAR, source)
        return Scalar(kind=kind, value=value, source=source, start=start, end=self._at, line=self._line)

    def _word(self) -> str:
        found = _SCALAR.match(self._text, self._at)
        if found is None:
            raise json.JSONDecodeError("no value", self._text, self._at)
        self._at = found.end()
        return found[0]

    def _after(self) -> None:
        self._space()
        if self._text[self._at] == ",":
            self._step()

    def _step(self) -> None:
        self._at += 1
        self._space()

    def _space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
