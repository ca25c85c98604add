"""Document: one YAML file as plain values (mappings, tuples, scalars) that still knows the line of every key.

Scalars are read by YAML 1.2's core rules: `on`, `no`, `12:30` and `1e3` are what they look like, not what YAML 1.1
made of them. Anchors and merge keys work; tags, duplicate keys and several documents are refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

import yaml

from config.errors import ConfigError, Mistake, named, printable

Loc: TypeAlias = tuple[str | int, ...]
"""Where a value is: keys and positions from the top, as pydantic gives them."""

_CORE: Final = "tag:yaml.org,2002:"
_NULL, _BOOL, _INT, _FLOAT, _STR = (f"{_CORE}{name}" for name in ("null", "bool", "int", "float", "str"))
_MERGE = f"{_CORE}merge"
_COLLECTIONS = frozenset({f"{_CORE}map", f"{_CORE}seq"})
_QUOTED = re.compile(r"\s*'(?!<[a-z ]+>')[^']{5,}'")
"""What PyYAML repeats of the text: an unquoted password that begins with * is an undefined alias to it."""
_AROUND = "look at the quotes, colons and indentation around this line"


class _Loader(yaml.SafeLoader):
    """The safe loader with the core rules of YAML 1.2 for plain scalars."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own class attribute, cleared of YAML 1.1's rules


for _tag, _form, _first in (
    (_NULL, r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_BOOL, r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (_INT, r"[-+]?[0-9]{1,18}", list("-+0123456789")),
    (_FLOAT, r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    (_MERGE, r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType] - the stub leaves it untyped
        _tag, re.compile(f"^(?:{_form})$"), _first
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`value` is the file as plain values, sequences as tuples; `line_of` finds the line of any place in it."""

    value: object
    root: yaml.Node = field(repr=False)

    def line_of(self, loc: Loc) -> int:
        """The line, from 1, of the key or entry at `loc`; of the nearest one above it when that is not in the file."""
        node, line = self.root, _line(self.root)
        for step in loc:
            below = _step(node, step)
            if below is None:
                break
            node, line = below
        return line


def parse(text: str, file: str) -> Document:
    """Read the text of `file`. Raises ConfigError, whose mistakes repeat nothing of the text but keys."""
    composed = _compose(text)
    if isinstance(composed, Mistake):
        raise ConfigError(file, [composed])
    builder = _Builder()
    value = builder.build(composed)
    if builder.mistakes:
        raise ConfigError(file, builder.mistakes)
    return Document(value=value, root=composed)


def _compose(text: str) -> yaml.Node | Mistake:
    """The tree of nodes, or what is wrong. A returned mistake, not an exception: PyYAML's carry the file's text."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        return _unreadable(error)
    except yaml.reader.ReaderError as error:
        # PyYAML checks a string as a whole before it reads, so that the position is one of the text.
        line = text.count("\n", 0, error.position) + 1
        return Mistake(
            line=line, problem="there is a control character here", hint="remove it; a file holds plain text"
        )
    except RecursionError:
        return Mistake(problem="it is nested too deeply to be read", hint="write it flatter")
    if node is None:
        return Mistake(
            problem="the file is empty", hint="run `trackwalker init` in an empty folder for one to start from"
        )
    return node


def _unreadable(error: yaml.MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    said = _QUOTED.sub("", error.problem or "it cannot be read")
    if r"'\t'" in said:
        return Mistake(line=line, problem="a tab cannot indent YAML", hint="indent with spaces")
    if "but found another document" in said:
        return Mistake(line=line, problem="a second document begins here", hint="keep one document: remove the ---")
    return Mistake(line=line, problem=f"this is not YAML ({printable(said)})", hint=_AROUND)


@dataclass(slots=True)
class _Builder:
    """Turns nodes into values once each, so that aliases cost nothing however often they are used."""

    mistakes: list[Mistake] = field(default_factory=list[Mistake])
    built: dict[int, object] = field(default_factory=dict[int, object])
    open: set[int] = field(default_factory=set[int])

    def build(self, node: yaml.Node) -> object:
        key = id(node)
        if key in self.open:
            self._mistake(node, "an anchor contains itself", "let the alias point at something before it")
            return None
        if key not in self.built:
            self.open.add(key)
            self.built[key] = self._value(node)
            self.open.remove(key)
        return self.built[key]

    def _value(self, node: yaml.Node) -> object:
        match node:
            case yaml.ScalarNode():
                return self._scalar(node)
            case yaml.SequenceNode() if node.tag in _COLLECTIONS:
                return tuple(self.build(entry) for entry in node.value)
            case yaml.MappingNode() if node.tag in _COLLECTIONS:
                return self._mapping(node)
            case _:
                return self._tagged(node)

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text: str = node.value
        if node.tag == _STR:
            return text
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL:
            return text.lower() == "true"
        if node.tag not in {_INT, _FLOAT, _MERGE}:
            return self._tagged(node)
        try:
            return int(text) if node.tag == _INT else float(text)
        except ValueError:
            return text  # a tag said that it is a number: the schema says what is wrong with it

    def _mapping(self, node: yaml.MappingNode) -> dict[str, object]:
        own: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                merged = {**self._merged(key, value), **merged}
            elif not isinstance(key, yaml.ScalarNode) or key.tag != _STR:
                self._mistake(key, "a key must be a word", "put the key in quotes if it is meant")
            elif key.value in own:
                self._mistake(key, f"{named(key.value)} is written twice in one group", "keep one of the two")
            else:
                own[key.value] = self.build(value)
        return merged | own

    def _merged(self, key: yaml.Node, value: yaml.Node) -> dict[str, object]:
        """What `<<: *anchor` brings in: one mapping, or a list of them of which the first wins."""
        brought = self.build(value)
        parts = cast("Sequence[object]", brought) if isinstance(brought, tuple) else (brought,)
        together: dict[str, object] = {}
        for part in parts:
            if not isinstance(part, dict):
                self._mistake(key, "<< brings in something that has no keys", "let it point at an anchor with keys")
                return {}
            together = {**cast("dict[str, object]", part), **together}
        return together

    def _tagged(self, node: yaml.Node) -> object:
        # The tag itself is not repeated: it may be a password that happens to begin with an exclamation mark.
        self._mistake(node, "tags (what begins with !) are not allowed", "write the plain value, in quotes if need be")
        return None

    def _mistake(self, node: yaml.Node, problem: str, hint: str) -> None:
        self.mistakes.append(Mistake(line=_line(node), problem=problem, hint=hint))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _step(node: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    """What is below `node` at `step`, with the line that it is found at; None when it is not there."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        entry: yaml.Node = node.value[step]
        return entry, _line(entry)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, _line(key)
        for key, value in node.value:
            if key.tag == _MERGE and (found := _step_merged(value, step)):
                return found
    return None


def _step_merged(value: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
    return next((found for part in parts if (found := _step(part, step))), None)
