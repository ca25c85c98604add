"""A configuration as text with some of its lists written anew; everything else stays as its owner wrote it."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import yaml

from config import document

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One list of the file: its entries, and notes (without #) below them."""

    key: str
    heading: str
    entries: Sequence[object]
    notes: Sequence[str] = ()

    def lines(self) -> list[str]:
        """As a file has it."""
        top = f"{self.key}:" if self.entries else f"{self.key}: []"
        return [top, *(f"  - {flow(entry)}" for entry in self.entries), *(f"  # {note}" for note in self.notes)]


def written(text: str, blocks: Iterable[Block]) -> str:
    """The text with the blocks in the places of the lists of that name; those that it has not are added at its end."""
    lines = text.splitlines()
    places = _places(text)
    wanted = list(blocks)
    for block in sorted(wanted, key=lambda block: places.get(block.key, (0, 0)), reverse=True):
        if block.key in places:
            first, end = places[block.key]
            lines[first:end] = block.lines()
    for block in wanted:
        if block.key not in places:
            lines += ["", f"# {block.heading}", *block.lines()]
    return "\n".join(lines) + "\n"


def flow(value: object) -> str:
    """A value on one line, as YAML 1.1 and 1.2 both read it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case dict():
            pairs = cast("Mapping[str, object]", value).items()
            return "{" + ", ".join(f"{flow(key)}: {flow(held)}" for key, held in pairs) + "}"
        case list() | tuple():
            return "[" + ", ".join(flow(held) for held in cast("Sequence[object]", value)) + "]"
        case _:
            return _text(str(value))


def _text(value: str) -> str:
    """Plain where nothing else could be read in it; else in double quotes, as JSON and YAML both have them."""
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return value if plain else json.dumps(value, ensure_ascii=False)


def _places(text: str) -> dict[str, tuple[int, int]]:
    """Key at the top → the first of its lines, and the line behind them."""
    root = document.parse(text, "").root
    lines = text.splitlines()
    found: dict[str, tuple[int, int]] = {}
    pairs = cast("list[tuple[yaml.ScalarNode, yaml.Node]]", root.value if isinstance(root, yaml.MappingNode) else [])
    for key, value in pairs:
        first, end = int(key.start_mark.line), int(value.end_mark.line) + (value.end_mark.column > 0)
        end = max(end, first + 1)
        # A block ends where the next one begins: comments and blank lines between them belong to that one.
        while end > first + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
            end -= 1
        found[str(key.value)] = (first, end)
    return found
