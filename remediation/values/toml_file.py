"""TOML: a small scanner for the spans, held against `tomllib`'s reading of the same text."""

import re
import tomllib
from typing import Any, TypeAlias, cast

from remediation.values.json_file import alike, meaning_of
from remediation.values.nodes import Document, Group, Kind, Listing, Node, Scalar
from remediation.values.refused import NotEditable

_Table: TypeAlias = dict[str, Any]
"""A table while it grows: below a key a table, a list of tables, or a finished node."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_BLOCK = re.compile(r'"""(?:[^\\]|\\.)*?"""(?:""|"(?!"))?|' + r"'''.*?'''(?:''|'(?!'))?", re.DOTALL)
_LINE = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_BARE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:[^\s,\]}#]+|[^\s,\]}#]+")


def documents(name: str, text: str) -> tuple[Document, ...]:
    """The one document of a TOML file. Raises NotEditable."""
    try:
        expected = tomllib.loads(text)
        root = _Scanner(text).root()
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line \d+", str(error))
        raise NotEditable(f"{name} is not readable as TOML{f' ({where[0]})' if where else ''}") from None
    except ValueError:
        raise NotEditable(f"{name} holds a number or a date that cannot be read") from None
    except RecursionError:
        raise NotEditable(f"{name} is nested too deeply to be read") from None
    if not alike(root, expected):
        raise NotEditable(f"the values of {name} could not be told apart for certain")
    return (Document(name="", root=root),)


class _Scanner:
    """Walks text that is known to be TOML."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._counted = 1, 0

    def root(self) -> Group:
        top: _Table = {}
        current = top
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[[", self._at):
                current = self._header(top, 2)
            elif self._text[self._at] == "[":
                current = self._header(top, 1)
            else:
                self._assign(current)
            self._skip(_BLANK)
        return _group(top)

    def _header(self, top: _Table, brackets: int) -> _Table:
        self._at += brackets
        *above, last = self._keys()
        self._at += brackets
        table = _walk(top, above)
        if brackets == 1:
            return _walk(table, [last])
        table.setdefault(last, []).append({})
        return cast("_Table", table[last][-1])

    def _assign(self, table: _Table) -> None:
        *above, last = self._keys()
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        _walk(table, above)[last] = self._node()

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            word = self._match(_KEY)
            keys.append(word if word[0] not in "\"'" else str(_value_of(word)))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _node(self) -> Node:
        if self._text[self._at] == "[":
            return self._listing()
        if self._text[self._at] == "{":
            return self._inline()
        return self._scalar()

    def _listing(self) -> Listing:
        items: list[Node] = []
        self._at += 1
        while not self._closes("]"):
            items.append(self._node())
        return Listing(items=tuple(items))

    def _inline(self) -> Group:
        table: _Table = {}
        self._at += 1
        while not self._closes("}"):
            self._assign(table)
        return _group(table)

    def _closes(self, bracket: str) -> bool:
        """Step over blanks and one comma; True (and past it) when the bracket comes."""
        self._skip(_BLANK)
        if self._text.startswith(",", self._at):
            self._at += 1
            self._skip(_BLANK)
        if self._text.startswith(bracket, self._at):
            self._at += 1
            return True
        return False

    def _scalar(self) -> Scalar:
        start = self._at
        self._line += self._text.count("\n", self._counted, start)
        self._counted = start
        block = self._text.startswith(('"""', "'''"), start)
        source = self._match(_BLOCK if block else _LINE if self._text[start] in "\"'" else _BARE)
        kind, value = meaning_of(_value_of(source)) or (Kind.UNCLEAR, source)
        refusal = "is a block of lines" if block else ""
        return Scalar(
            kind=kind, value=value, source=source, start=start, end=self._at, line=self._line, refusal=refusal
        )

    def _match(self, form: re.Pattern[str]) -> str:
        found = form.match(self._text, self._at)
        if found is None:
            raise tomllib.TOMLDecodeError("nothing here")
        self._at = found.end()
        return found[0]

    def _skip(self, form: re.Pattern[str]) -> None:
        found = form.match(self._text, self._at)
        self._at = found.end() if found else self._at


def _value_of(source: str) -> object:
    return cast("object", tomllib.loads(f"v = {source}\n")["v"])


def _walk(table: _Table, keys: list[str]) -> _Table:
    """The table below, made where it is missing; of a list of tables the last one."""
    for key in keys:
        below: _Table | list[_Table] = table.setdefault(key, {})
        table = below[-1] if isinstance(below, list) else below
    return table


def _group(table: _Table) -> Group:
    return Group(entries={key: _node(value) for key, value in table.items()})


def _node(value: object) -> Node:
    if isinstance(value, dict):
        return _group(cast("_Table", value))
    if isinstance(value, list):
        return Listing(items=tuple(_node(item) for item in cast("list[object]", value)))
    return cast("Node", value)
