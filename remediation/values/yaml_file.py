"""YAML: composed by PyYAML for the marks, read by us for the meaning.

Readers of YAML do not agree: `yes`, `0755`, `1_000`, `1e3` and dates are one thing by YAML 1.1 (PyYAML, and most of
Kubernetes) and another by the core rules of YAML 1.2. A plain scalar that both read alike has a kind; any other is
UNCLEAR, and only ever put back as it was written before.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import yaml

from remediation.values.nodes import Document, Group, Kind, Listing, Node, Plain, Scalar, resource_name
from remediation.values.refused import NotEditable

LARGEST = 128 * 1024  # characters: the parser with exact marks reads 40,000 a second where braces are dense
MOST_VALUES = 20_000  # after aliases are followed: a file of nine lines can come to a billion

_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("null", "bool", "int", "float", "str", "merge")}
_resolve = cast("Callable[[type[yaml.Node], str, tuple[bool, bool]], str]", yaml.resolver.Resolver().resolve)  # pyright: ignore[reportUnknownMemberType] - the stub leaves it untyped
"""The rules of YAML 1.1."""
_CORE = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?[0-9]{1,18}|0x[0-9a-fA-F]{1,16}")),
    (
        "float",
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
    ),
)
_OTHERS = re.compile(r"[yYnN]|0[bo][0-7_]+|[-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|[-+]?0x[0-9a-fA-F_]+")
"""What yet other readers (go-yaml above all) take for something else than a string."""
_OCTAL = re.compile(r"[-+]?0[0-9]+")
_PROPERTY = re.compile(r"(?:&[^\s,\[\]{}]+|(!)\S*)\s*")
LOGIC = re.compile(r"\{\{|\{%|\{#")
_TEMPLATE = "{} is a template: what it says is known only when it is rendered"
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)


def documents(name: str, text: str) -> tuple[Document, ...]:
    """The documents of a YAML file; empty ones are left out. Raises NotEditable."""
    if len(text) > LARGEST:
        raise NotEditable(f"{name} is too large to be read ({len(text) >> 10} KiB, at most {LARGEST >> 10})")
    builder = _Builder(name=name, text=text)
    try:
        roots = list(yaml.compose_all(text, Loader=yaml.SafeLoader))  # all kept: what was built is known by its id
        built = [builder.build(node) for node in roots if not _is_empty(node)]
    except yaml.YAMLError as error:
        if LOGIC.search(text):
            raise NotEditable(_TEMPLATE.format(name)) from None
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        where = f" (line {mark.line + 1})" if mark else ""
        raise NotEditable(f"{name} is not readable as YAML{where}") from None
    except RecursionError:
        raise NotEditable(f"{name} is nested too deeply to be read") from None
    _refuse_templates(name, text, builder.texts)
    return tuple(Document(name=resource_name(root), root=root) for root in built)


def plain_meaning(text: str) -> tuple[Kind, Plain]:
    """What an unquoted scalar is, if every reader takes it for the same."""
    eldest = _TAGS.get(_resolve(yaml.ScalarNode, text, (True, False)), "other")
    core = next((kind for kind, form in _CORE if form.fullmatch(text)), "str")
    if eldest == "merge":
        return Kind.STRING, text
    unlike = eldest != core or (core == "str" and _OTHERS.fullmatch(text)) or (core == "int" and _OCTAL.fullmatch(text))
    if unlike:
        return Kind.UNCLEAR, text
    return _meaning(core, text)


def _meaning(core: str, text: str) -> tuple[Kind, Plain]:
    if core == "null":
        return Kind.NOTHING, None
    if core == "bool":
        return Kind.BOOLEAN, text.lower() == "true"
    if core == "int":
        return Kind.INTEGER, int(text, 16) if text.startswith("0x") else int(text)
    if core == "float":
        number = math.nan if text.lower().endswith(("inf", "nan")) else float(text)
        return (Kind.NUMBER, number) if math.isfinite(number) else (Kind.UNCLEAR, text)
    return Kind.STRING, text


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and not node.value


def _refuse_templates(name: str, text: str, quoted: list[tuple[int, int]]) -> None:
    """Refuse braces of a template anywhere but inside quotes, a block of lines or a comment."""
    found = LOGIC.search(text)
    if found is None:
        return
    outside: list[str] = []
    at = 0
    for start, end in sorted(set(quoted)):
        outside.append(text[at:start])
        at = max(at, end)
    outside.append(text[at:])
    if "templates" in name.split("/")[:-1] or any(LOGIC.search(_COMMENT.sub("", piece)) for piece in outside):
        raise NotEditable(_TEMPLATE.format(name))


@dataclass(slots=True)
class _Builder:
    """Turns composed nodes into ours, once each; `texts` are the spans of quoted scalars and blocks."""

    name: str
    text: str
    texts: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    built: dict[int, tuple[Node, int]] = field(default_factory=dict[int, tuple[Node, int]])
    open: set[int] = field(default_factory=set[int])

    def build(self, node: yaml.Node) -> Node:
        return self._sized(node)[0]

    def _sized(self, node: yaml.Node) -> tuple[Node, int]:
        """The node, and how many values it comes to with its aliases followed."""
        key = id(node)
        if key in self.open:
            raise NotEditable(f"{self.name} has an anchor that contains itself (line {_line(node)})")
        if key not in self.built:
            self.open.add(key)
            self.built[key] = self._made(node)
            self.open.remove(key)
            if self.built[key][1] > MOST_VALUES:
                raise NotEditable(f"{self.name} comes to more than {MOST_VALUES} values")
        return self.built[key]

    def _made(self, node: yaml.Node) -> tuple[Node, int]:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node), 1
        if isinstance(node, yaml.SequenceNode):
            items = [self._sized(item) for item in node.value]
            return Listing(items=tuple(item for item, _ in items), tag=_tag(node)), sum(n for _, n in items) + 1
        entries: dict[str, Node] = {}
        size = 1
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                if self.text.startswith("{", key.start_mark.index):  # the inner brace of {{
                    raise NotEditable(_TEMPLATE.format(self.name))
                raise NotEditable(f"{self.name} has a key that is not a word (line {_line(key)})")
            if key.value in entries:
                raise NotEditable(f"{self.name} has {key.value!r} twice in one group (line {_line(key)})")
            if key.style is not None:
                self.texts.append((key.start_mark.index, key.end_mark.index))
            entries[key.value], below = self._sized(value)
            size += below
        return Group(entries=entries, tag=_tag(node)), size

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        start, end = node.start_mark.index, node.end_mark.index
        tagged = False
        while start < end and (said := _PROPERTY.match(self.text, start, end)):
            tagged, start = tagged or bool(said[1]), said.end()
        kind, value = (Kind.STRING, node.value) if node.style else plain_meaning(node.value)
        if node.style:
            self.texts.append((start, end))
        source = self.text[start:end]
        if tagged:
            kind, value = Kind.UNCLEAR, f"{node.tag} {node.value}"
        refusal = _refusal(node, source, tagged=tagged, anchored=start != node.start_mark.index)
        return Scalar(kind=kind, value=value, source=source, start=start, end=end, line=_line(node), refusal=refusal)


def _refusal(node: yaml.ScalarNode, source: str, *, tagged: bool, anchored: bool) -> str:
    if tagged:
        return "has a tag (!)"
    if node.style in {"|", ">"}:
        return "is a block of lines"
    if "\n" in source or "\r" in source or node.start_mark.line != node.end_mark.line:
        return "goes over several lines"
    if anchored and not source:
        return "is an anchor with nothing behind it"
    return "is made by a template" if LOGIC.search(source) else ""


def _tag(node: yaml.Node) -> str:
    return "" if node.tag in {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"} else node.tag


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
