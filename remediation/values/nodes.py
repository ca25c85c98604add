"""What a configuration file holds: groups, lists and scalars, each scalar with its span in the text."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from remediation.values.place import Place
from remediation.values.refused import NotEditable

Plain: TypeAlias = str | int | float | bool | None
MERGE = "<<"
"""The key under which YAML merges another group; here it is a key like any other, so that nothing is hidden."""


class Kind(StrEnum):
    """What a scalar is to whoever reads the file."""

    STRING = "a string"
    INTEGER = "an integer"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    NOTHING = "null"
    UNCLEAR = "not the same plain value to every reader"  # YAML's yes, 0755, 1_000, 1e3, dates; the value is its text


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One scalar. `text[start:end]` is `source`: as it is written, quotes and all, without anchor and comment.

    `line` counts from 1. `refusal` says why it may not be changed ("is a block of lines"), or is "".
    """

    kind: Kind
    value: Plain
    source: str
    start: int
    end: int
    line: int
    refusal: str = ""

    @property
    def meaning(self) -> tuple[Kind, Plain]:
        """What two scalars must share to be the same, however they are written: 1, 1.0 and true are three."""
        return self.kind, self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Keys with what is below them, in the order of the file. `tag` is YAML's, if one is written."""

    entries: dict[str, "Node"]
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list."""

    items: tuple["Node", ...]
    tag: str = ""


Node: TypeAlias = Scalar | Group | Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a file. `name` is kind/namespace/name where it has them, else ""."""

    name: str
    root: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A whole file. `text` is what the spans count in: without a byte order mark."""

    name: str
    text: str
    documents: tuple[Document, ...]


def resource_name(root: Node) -> str:
    """kind/namespace/name of a Kubernetes resource, or "" for anything else."""
    kind, name = _text(root, "kind"), _text(root, "metadata", "name")
    namespace = _text(root, "metadata", "namespace")
    return f"{kind}/{namespace}/{name}" if kind and name else ""


def find(file: Parsed, place: Place) -> Scalar:
    """The scalar at a place. Raises NotEditable when there is none, naming what is there instead."""
    node = _document(file, place).root
    above = Place(keys=(), document=place.document)
    for key in place.keys:
        node = _below(file.name, node, above, key)
        above = above.below(key)
    if isinstance(node, Scalar):
        return node
    what = "a list" if isinstance(node, Listing) else "a group of keys"
    raise NotEditable(f"{place.shown} in {file.name} is {what}, not a value")


def scalars(file: Parsed) -> Iterator[tuple[Place, Scalar]]:
    """Every scalar with its place; one that aliases point at comes once for each place that it counts for."""
    for document in file.documents:
        yield from _scalars(document.root, Place(keys=(), document=document.name))


def _scalars(node: Node, place: Place) -> Iterator[tuple[Place, Scalar]]:
    match node:
        case Scalar():
            yield place, node
        case Group():
            for key, below in node.entries.items():
                yield from _scalars(below, place.below(key))
        case Listing():
            for at, below in enumerate(node.items):
                yield from _scalars(below, place.below(at))


def _document(file: Parsed, place: Place) -> Document:
    if not file.documents:
        raise NotEditable(f"{file.name} is empty")
    if not place.document:
        if len(file.documents) == 1:
            return file.documents[0]
        raise NotEditable(
            f"{file.name} holds {len(file.documents)} documents: say which one, as in kind/namespace/name:.spec.x"
        )
    found = [document for document in file.documents if document.name == place.document]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotEditable(f"{file.name} holds {place.document} {len(found)} times")
    there = ", ".join(document.name for document in file.documents if document.name)[:200]
    raise NotEditable(f"{file.name} holds no {place.document}; it holds {there or 'no Kubernetes resource'}")


def _below(name: str, node: Node, above: Place, key: str | int) -> Node:
    if isinstance(node, Group) and isinstance(key, str):
        if key in node.entries:
            return node.entries[key]
        if MERGE in node.entries:
            raise NotEditable(f"{above.below(key).shown} in {name} may come in through a merge key (<<)")
        raise NotEditable(f"{name} has no {above.below(key).shown}")
    if isinstance(node, Listing) and isinstance(key, int):
        if key < len(node.items):
            return node.items[key]
        raise NotEditable(f"{above.shown} in {name} is a list of {len(node.items)}: there is no [{key}]")
    if isinstance(node, Scalar):
        raise NotEditable(f"{above.shown} in {name} is a value: nothing is below it")
    what = "a list: write a position, as in [0]" if isinstance(node, Listing) else "a group of keys, not a list"
    raise NotEditable(f"{above.shown} in {name} is {what}")


def _text(node: Node, *keys: str) -> str:
    for key in keys:
        if not isinstance(node, Group) or key not in node.entries:
            return ""
        node = node.entries[key]
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
