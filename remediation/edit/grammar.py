"""Functions and types of a source file, by tree-sitter: of half a dozen languages, whole or with mistakes in them.

A grammar is loaded with the first file of its language. A file is untrusted bytes: the tree is walked by a cursor, to
a depth and a number of nodes that real code never has. (A query over the same tree takes minutes for 200 kB of open
brackets.)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Tree

DEEPEST = 80
"""Nodes from the file down to a definition: nobody nests deeper on purpose."""

MOST_NODES = 300_000
"""Nodes of a file that are looked at: half a megabyte of dense code."""


PATIENCE, PATIENCE_BYTES = 1000, 40
"""How often the parser may say that it goes on: it does so about once in 200 bytes of code."""

CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A function or a type. Lines are from 1, both included; `alone` says that it shares none of them with others."""

    name: str
    first: int
    last: int
    is_function: bool
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grammar:
    """Where a language's grammar is, and the names of its nodes.

    valued  nodes that are a function only where their value is one: `const total = (cart) => …`
    around  nodes that belong to the definition inside: decorators, `export`, the declaration of a constant
    """

    module: str
    language: str
    functions: tuple[str, ...]
    types: tuple[str, ...]
    valued: tuple[str, ...] = ()
    around: tuple[str, ...] = ()


_SCRIPT_FUNCTIONS = ("function_declaration", "generator_function_declaration", "method_definition")
_SCRIPT_AROUND = ("export_statement", "lexical_declaration", "variable_declaration")
_TYPESCRIPT = {
    "functions": _SCRIPT_FUNCTIONS,
    "types": ("class_declaration", "abstract_class_declaration", "interface_declaration", "enum_declaration"),
    "valued": ("variable_declarator", "public_field_definition"),
    "around": _SCRIPT_AROUND,
}
_GRAMMARS: Mapping[str, _Grammar] = {
    "python": _Grammar(
        module="tree_sitter_python",
        language="language",
        functions=("function_definition",),
        types=("class_definition",),
        around=("decorated_definition",),
    ),
    "javascript": _Grammar(
        module="tree_sitter_javascript",
        language="language",
        functions=_SCRIPT_FUNCTIONS,
        types=("class_declaration",),
        valued=("variable_declarator", "field_definition"),
        around=_SCRIPT_AROUND,
    ),
    "typescript": _Grammar(module="tree_sitter_typescript", language="language_typescript", **_TYPESCRIPT),
    "tsx": _Grammar(module="tree_sitter_typescript", language="language_tsx", **_TYPESCRIPT),
    "go": _Grammar(
        module="tree_sitter_go",
        language="language",
        functions=("function_declaration", "method_declaration"),
        types=("type_spec",),
    ),
    "java": _Grammar(
        module="tree_sitter_java",
        language="language",
        functions=("method_declaration", "constructor_declaration"),
        types=("class_declaration", "interface_declaration", "enum_declaration", "record_declaration"),
    ),
    "ruby": _Grammar(
        module="tree_sitter_ruby",
        language="language",
        functions=("method", "singleton_method"),
        types=("class", "module"),
    ),
}  # fmt: skip
_SUFFIXES: Mapping[str, str] = {
    ".py": "python", ".js": "javascript", ".jsx": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx", ".go": "go", ".java": "java",
    ".rb": "ruby",
}  # fmt: skip
_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function"})


def known(path: str) -> bool:
    """Whether a grammar is there for files of that name."""
    return PurePosixPath(path).suffix in _SUFFIXES


def definitions(path: str, content: bytes) -> tuple[Definition, ...] | None:
    """What a file defines, in its order, named like `Cart.total`.

    None where no grammar reads files of that name, or not in the time that it should take.
    """
    kind = _SUFFIXES.get(PurePosixPath(path).suffix)
    tree = _parsed(kind, content) if kind is not None else None
    if kind is None or tree is None:
        return None
    grammar = _GRAMMARS[kind]
    return tuple(
        found for chain in _chains(tree, grammar) if (found := _definition(chain, grammar, content)) is not None
    )


def _parsed(kind: str, content: bytes) -> "Tree | None":
    """The tree; None for what takes many times the steps that code of its size takes."""
    from tree_sitter import Parser

    if not _is_text(content):  # what is none can take a grammar a hundred times as long
        return None
    steps = count()
    most = PATIENCE + len(content) // PATIENCE_BYTES
    try:
        return Parser(_loaded(kind)).parse(
            lambda offset, _: content[offset : offset + CHUNK],
            progress_callback=lambda _, __: next(steps) > most,
        )
    except ValueError:  # what it raises when it was stopped
        return None


def _is_text(content: bytes) -> bool:
    try:
        return b"\0" not in content and bool(content.decode())
    except UnicodeDecodeError:
        return False


@cache
def _loaded(kind: str) -> "Language":
    from tree_sitter import Language

    grammar = _GRAMMARS[kind]
    pointer = cast("Callable[[], object]", getattr(import_module(grammar.module), grammar.language))
    return Language(pointer())


def _chains(tree: "Tree", grammar: _Grammar) -> "Iterator[Sequence[Node]]":
    """Each node that may define something, last, behind those around it that tell something about it."""
    telling = {*grammar.functions, *grammar.types, *grammar.valued}
    kept = telling | set(grammar.around)
    cursor = tree.walk()
    depths: list[int] = []
    chain: list[Node] = []
    for _ in range(MOST_NODES):
        node, depth = cursor.node, cursor.depth
        while depths and depths[-1] >= depth:
            depths.pop()
            chain.pop()
        if node is not None and node.type in kept:
            depths.append(depth)
            chain.append(node)
            if node.type in telling:
                yield tuple(chain)
        if depth < DEEPEST and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _definition(chain: "Sequence[Node]", grammar: _Grammar, content: bytes) -> Definition | None:
    node = whole = chain[-1]
    name = _name(node)
    if not name:
        return None
    if node.type in grammar.valued:
        value = node.child_by_field_name("value")
        if value is None or value.type not in _FUNCTION_VALUES:
            return None
    owners: list[str] = []
    for outer in reversed(chain[:-1]):
        if outer.type in grammar.around and not owners:
            whole = outer
        elif outer.type in grammar.types or outer.type in grammar.functions:
            owners.append(_name(outer))
    if receiver := _receiver(node):
        owners.append(receiver)
    return Definition(
        name=".".join((*reversed(list(filter(None, owners))), name)),
        first=whole.start_point.row + 1,
        last=whole.end_point.row + 1,
        is_function=node.type not in grammar.types,
        alone=_alone(whole, content),
    )


def _name(node: "Node") -> str:
    named = node.child_by_field_name("name") or node.child_by_field_name("property")
    return (named.text or b"").decode(errors="replace")[:200] if named is not None else ""


def _receiver(node: "Node") -> str:
    """The type that a method of Go belongs to."""
    receiver = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
    if receiver is None:
        return ""
    words = (receiver.text or b"").decode(errors="replace").strip("()").replace("*", " ").split("[", 1)[0].split()
    return words[-1] if words else ""


def _alone(node: "Node", content: bytes) -> bool:
    """Whether nothing else stands on its first line before it and on its last line behind it."""
    begin = content.rfind(b"\n", 0, node.start_byte) + 1
    end = content.find(b"\n", node.end_byte)
    behind = content[node.end_byte : end if end >= 0 else len(content)]
    return not content[begin : node.start_byte].strip() and not behind.strip(b" \t\r;,")
