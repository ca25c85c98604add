"""What a pattern makes of a file, and the looks at code that the patterns share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

Places: TypeAlias = Mapping[cst.CSTNode, CodeRange]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """The file with the pattern put in, and what was done in words."""

    source: str
    title: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A Python file, parsed, with the place of each node."""

    module: cst.Module
    places: Places

    def functions(self, name: str) -> tuple[cst.FunctionDef, ...]:
        """The functions of that name, outer before inner; all of them for "*"."""
        found = (node for node in every(self.module) if isinstance(node, cst.FunctionDef))
        return tuple(node for node in found if name in {"*", node.name.value})

    def holds(self, node: cst.CSTNode, line: int) -> bool:
        """Whether a node spans the line, from 1."""
        return self.places[node].start.line <= line <= self.places[node].end.line

    def text(self, node: cst.CSTNode) -> str:
        """A node as it is written."""
        return self.module.code_for_node(node)


def code(source: str) -> Code | None:
    """The file; None where it does not parse."""
    try:
        wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    except (cst.ParserSyntaxError, RecursionError):
        return None
    return Code(module=wrapper.module, places=wrapper.resolve(PositionProvider))


def every(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and all below it."""
    yield node
    for child in node.children:
        yield from every(child)


def own(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """All below a node, but for what is in functions and classes inside it."""
    for child in node.children:
        if not isinstance(child, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            yield child
            yield from own(child)


def dotted(value: cst.BaseExpression) -> str:
    """`cart` or `self.cart`: what is the same when it is looked at twice. "" for anything that is called."""
    if isinstance(value, cst.Name):
        return value.value
    if isinstance(value, cst.Attribute):
        above = dotted(value.value)
        return f"{above}.{value.attr.value}" if above else ""
    return ""
