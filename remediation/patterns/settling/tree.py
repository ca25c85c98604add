"""A parsed file that is looked at upwards too: what a node lies in, and whether a name is read or bound there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import libcst as cst

Scope: TypeAlias = cst.FunctionDef | cst.ClassDef | cst.Lambda | cst.Module
_BLANK = (cst.BaseParenthesizableWhitespace, cst.TrailingWhitespace, cst.EmptyLine, cst.LeftParen, cst.RightParen)
_EXPRESSION = re.compile(r"[\w.\[\]]+(?:(?:, ?| ?\| ?)[\w.\[\]]+)*")
_INDIRECT = frozenset({"locals", "vars", "eval", "exec", "globals", "dir"})


@dataclass(frozen=True, eq=False)  # no slots: the order of the nodes is kept once it was looked for
class Tree:
    """A module, its nodes in the order they are written in, and the way up from each."""

    module: cst.Module

    @cached_property
    def _laid_out(self) -> tuple[list[cst.CSTNode], dict[int, tuple[int, int]], dict[int, cst.CSTNode]]:
        """The nodes but for blanks and comments; where each begins and ends among them; what each lies in."""
        order: list[cst.CSTNode] = []
        spans: dict[int, tuple[int, int]] = {}
        above: dict[int, cst.CSTNode] = {}
        ways: list[tuple[cst.CSTNode, bool]] = [(self.module, False)]
        while ways:
            node, left = ways.pop()
            if left:
                spans[id(node)] = (spans[id(node)][0], len(order))
                continue
            spans[id(node)] = (len(order), len(order))
            order.append(node)
            ways.append((node, True))
            below = [child for child in node.children if not isinstance(child, _BLANK)]
            above |= {id(child): node for child in below}
            ways += [(child, False) for child in reversed(below)]
        return order, spans, above

    @cached_property
    def _named(self) -> dict[str, list[tuple[int, cst.Name, bool]]]:
        """Of each name of a variable where it stands, and whether it is bound there: no attributes, no keywords."""
        named: dict[str, list[tuple[int, cst.Name, bool]]] = {}
        for at, node in enumerate(self._laid_out[0]):
            if isinstance(node, cst.Name) and node.value not in {"True", "False", "None"}:
                up = self.above(node)
                attribute = isinstance(up, cst.Attribute) and up.attr is node
                keyword = isinstance(up, cst.Arg) and up.keyword is node
                if not attribute and not keyword and not self._is_module(node):
                    named.setdefault(node.value, []).append((at, node, self.binds(node)))
        return named

    def _is_module(self, name: cst.Name) -> bool:
        """Whether it only says where something is imported from."""
        up = next((up for up in self.around(name) if not isinstance(up, cst.Attribute)), None)
        return isinstance(up, cst.ImportFrom)

    def every(self, within: cst.CSTNode) -> list[cst.CSTNode]:
        """A node and all below it, but for blanks and comments."""
        begin, end = self._laid_out[1][id(within)]
        return self._laid_out[0][begin:end]

    def names(self) -> frozenset[str]:
        """All names of variables."""
        return frozenset(self._named)

    def reads(self, name: str, within: cst.CSTNode | None = None) -> list[cst.Name]:
        """Where a name is read."""
        return [one for one, bound in self._stands(name, within) if not bound]

    def bindings(self, name: str, within: cst.CSTNode | None = None) -> int:
        """How often a name is bound."""
        return sum(bound for _, bound in self._stands(name, within))

    def _stands(self, name: str, within: cst.CSTNode | None) -> Iterator[tuple[cst.Name, bool]]:
        begin, end = self._laid_out[1][id(within or self.module)]
        return ((one, bound) for at, one, bound in self._named.get(name, ()) if begin <= at < end)

    def above(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """What the node lies in; None for the module itself."""
        return self._laid_out[2].get(id(node))

    def around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What the node lies in, inner before outer."""
        up = self.above(node)
        while up is not None:
            yield up
            up = self.above(up)

    def scope(self, node: cst.CSTNode) -> Scope:
        """The function, class or module whose names are bound where the node stands."""
        return next((up for up in self.around(node) if isinstance(up, Scope)), self.module)

    def path(self, node: cst.CSTNode) -> str:
        """The names of the functions and classes around a node and its own, as in `Cart.total`."""
        named = [
            one.name.value for one in (node, *self.around(node)) if isinstance(one, cst.FunctionDef | cst.ClassDef)
        ]
        return ".".join(reversed(named))

    def text(self, node: cst.CSTNode) -> str:
        """A node as it is written."""
        return self.module.code_for_node(node)

    def binds(self, name: cst.Name) -> bool:
        """Whether the name is given a value or a meaning here. In doubt it is."""
        inner: cst.CSTNode = name
        for up in self.around(name):
            match up:
                case cst.Attribute() if any(isinstance(one, cst.ImportAlias) for one in self.around(up)):
                    return True
                case cst.Element() | cst.StarredElement() | cst.Tuple() | cst.List():
                    inner = up
                    continue
                case cst.AnnAssign(target=target) | cst.AugAssign(target=target) | cst.NamedExpr(target=target):
                    return target is inner
                case cst.For(target=target) | cst.CompFor(target=target):
                    return target is inner
                case cst.FunctionDef(name=named) | cst.ClassDef(name=named) | cst.Param(name=named):
                    return named is inner
                case cst.MatchValue() | cst.MatchClass():
                    return False
                case cst.ImportAlias() | cst.AsName() | cst.AssignTarget() | cst.Del() | cst.NameItem():
                    return True
                case _:
                    return type(up).__name__.startswith(("Match", "Type"))
        return False

    def exported(self, name: str) -> bool:
        """Whether a text of the file is the name, or an expression with it, as in `__all__` and late annotations."""
        texts = (node.raw_value for node in self.every(self.module) if isinstance(node, cst.SimpleString))
        return any(_EXPRESSION.fullmatch(text) and name in re.findall(r"\w+", text) for text in texts)

    def opaque(self, within: cst.CSTNode) -> bool:
        """Whether names may be read there that are not written."""
        return any(self.reads(name, within) for name in _INDIRECT)


def last(func: cst.BaseExpression) -> str:
    """The name that is called: `get` of `self.flags().get`; "" where it has none."""
    if isinstance(func, cst.Attribute):
        return func.attr.value
    return func.value if isinstance(func, cst.Name) else ""


def chained(func: cst.BaseExpression) -> Iterator[str]:
    """The names of what is called step by step, last first: build, builder, Context of `Context.builder(1).build`."""
    below: cst.BaseExpression | None = func
    while below is not None:
        match below:
            case cst.Attribute(value=inner, attr=cst.Name(value=name)):
                yield name
                below = inner
            case cst.Call(func=inner) | cst.Subscript(value=inner) | cst.Await(expression=inner):
                below = inner
            case cst.Name(value=name):
                yield name
                below = None
            case _:
                below = None


def owner(func: cst.BaseExpression) -> str:
    """The name of what a method is called on: `flags` of `self.flags().get`; "" for a function."""
    return next((name for at, name in enumerate(chained(func)) if at), "")
