"""The reference page of the file, made of its schema: every key with its kind, its default, and what it is for."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from config.examples import EXAMPLES
from config.schema import Node, schema

_DEFS = "#/$defs/"
_HEAD = """\
# trackwalker.yaml

<!-- Made by `trackwalker config reference > docs/config.md`: change the docstrings in config/, not this page. -->

Every key, with its default. `trackwalker init` writes a first file; `trackwalker check` says whether what it names can
be reached. A key that is not on this page is refused, with its file and line.

- **Durations** are a whole number and one unit: `500ms`, `30s`, `5m`, `1h`, `7d`.
- **Secrets** are never written into the file. `env:NAME` (an environment variable), `file:PATH` (a file) or
  `cmd:COMMAND` (what a command prints) says where one is found; it is read again whenever it is used.
- **No default** is what the last column calls None: leave the key out, or write `null`.
- **Patterns of paths** are those of `.gitignore`.
- **YAML** is read by its version 1.2: `on` and `no` are words, and `12:30` is a text. Anchors and `<<` work.
- **Editors** that know JSON Schema complete and check the file: `trackwalker config schema > trackwalker.schema.json`,
  and `# yaml-language-server: $schema=trackwalker.schema.json` as the file's first line.
- **Reload.** At SIGHUP (`systemctl reload trackwalker`, `kill -HUP`) a running daemon reads the file and what it
  includes again. Cases in hand come to the end of their present step first, signals are watched on meanwhile. A file
  that is refused changes nothing: the log has every mistake, the receivers one notice, and the metric
  `trackwalker_config_reload_ok` is 0. The same holds where new settings cannot be used (no such image, a secret that
  is not there). `store`, `lessons.vectors` and `api.listen` need a restart.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One section of the page.

    place  where the group stands, as in `signals.prometheus[]`; "" for the whole file
    told   the key that tells it from other kinds of group in its place, "" for the kind without one
    """

    place: str
    told: str
    group: Node

    @property
    def name(self) -> str:
        """What it is called: in headings, and in `config.examples`."""
        return f"{self.place} with {self.told}" if self.told else self.place


def page() -> str:
    """The page, in Markdown."""
    whole = schema()
    listed = parts(whole)
    homes = {str(part.group["title"]): part for part in reversed(listed)}
    said = [_HEAD]
    for part in listed:
        said += [_heading(part), *_prose(part), _example(part), _table(part, homes, whole)]
    return "\n".join(said)


def parts(whole: Node) -> tuple[Part, ...]:
    """The groups of the file, each once, where it stands first."""
    found: dict[str, Part] = {}
    for part in _parts(whole, "", "", whole):
        found.setdefault(str(part.group["title"]), part)
    return tuple(found.values())


def _parts(node: Node, place: str, told: str, whole: Node) -> Iterator[Part]:
    yield Part(place=place, told=told, group=node)
    for name, field in node["properties"].items():
        for below, suffix, key in _groups(field, whole):
            if below is not node:  # a group that holds others of its own kind is told once
                yield from _parts(below, f"{place}.{name}{suffix}".removeprefix("."), key, whole)


def _groups(field: Node, whole: Node) -> Iterator[tuple[Node, str, str]]:
    """The groups that a field holds: each with what its place adds to the key, and the key that tells it."""
    if "$ref" in field:
        yield whole["$defs"][str(field["$ref"]).removeprefix(_DEFS)], "", ""
    elif "patternProperties" in field:
        for value in field["patternProperties"].values():
            yield from ((group, ".*", "") for group, _, _ in _groups(value, whole))
    elif "items" in field:
        yield from ((group, "[]", key) for group, key in _kinds(field["items"], whole))


def _kinds(entry: Node, whole: Node) -> Iterator[tuple[Node, str]]:
    """The kinds of group that an entry of a list may be, the one without a key of its own first."""
    told: list[tuple[Node, str]] = []
    while "if" in entry:
        condition: Node = entry["if"].get("anyOf", [entry["if"]])[0]
        told += [(group, condition["required"][0]) for group, _, _ in _groups(entry["then"], whole)]
        entry = entry["else"]
    yield from ((group, "") for group, _, _ in _groups(entry, whole))
    yield from reversed(told)


def _heading(part: Part) -> str:
    level = "##" if part.place.count(".") == 0 and not part.told else "###"
    return f"{level} {_words(part)}\n" if part.place else "## The whole file\n"


def _words(part: Part) -> str:
    return f"`{part.place}` with `{part.told}`" if part.told else f"`{part.place}`"


def _anchor(part: Part) -> str:
    """The fragment by which a heading is linked to: small letters, digits, - and _ of it, spaces as dashes."""
    text = _words(part) if part.place else "The whole file"
    return "".join(letter for letter in text.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def _prose(part: Part) -> list[str]:
    sentences = [f"{part.group['title']}.", str(part.group.get("description", ""))]
    return [_plain(" ".join(sentences).rstrip()) + "\n"]


def _plain(text: str) -> str:
    """Text as Markdown shows it unchanged: what is between backticks is so already."""
    parts = text.split("`")
    marks = str.maketrans({"*": r"\*", "<": "&lt;", "|": r"\|"})
    shown = (part.replace("|", r"\|") if place % 2 else part.translate(marks) for place, part in enumerate(parts))
    return "`".join(shown)


def _example(part: Part) -> str:
    return f"```yaml\n{dedent(EXAMPLES[part.name]).strip()}\n```\n"


def _table(part: Part, homes: dict[str, Part], whole: Node) -> str:
    rows = ["| key | kind | default | what it is |", "|---|---|---|---|"]
    required: list[str] = part.group.get("required", whole["else"]["required"] if not part.place else [])
    for name, field in part.group["properties"].items():
        default = "**needed**" if name in required else _default(field)
        said = _plain(str(field.get("description", "")))
        rows.append(f"| `{name}` | {_kind(field, homes, whole)} | {default} | {said} |")
    return "\n".join(rows) + "\n"


def _default(field: Node) -> str:
    if field.get("default") is None:
        return ""
    text = _written(field["default"]).replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _written(value: Any) -> str:  # noqa: ANN401 - a default is anything
    match value:
        case []:
            return "[]"
        case list():
            return f"[{', '.join(_written(entry) for entry in value)}]"  # pyright: ignore[reportUnknownVariableType] - as above
        case str():
            return value if value[:1].isalnum() else f'"{value}"' if value[:1] in "*@" else value
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


def _kind(field: Node, homes: dict[str, Part], whole: Node) -> str:
    """What kind of value it is, in words, with links to the groups."""
    if "$ref" in field or "if" in field:
        groups = _groups(field, whole) if "$ref" in field else ((group, "", "") for group, _ in _kinds(field, whole))
        linked = [homes[str(group["title"])] for group, _, _ in groups]
        return ", ".join(f"[{'with ' + part.told if part.told else 'group'}](#{_anchor(part)})" for part in linked)
    if "enum" in field or "const" in field:
        words = field.get("enum", [field.get("const")])
        return " or ".join(f"`{word}`" for word in words if word is not None)
    if "items" in field:
        return f"list: {_kind(field['items'], homes, whole)}"
    if "patternProperties" in field:
        ((_, value),) = field["patternProperties"].items()
        return f"names with {_kind(value, homes, whole)}"
    kinds: str | list[str] = field["type"]
    return str(field.get("title") or _number(field, kinds if isinstance(kinds, str) else kinds[0]))


def _number(field: Node, kind: str) -> str:
    words = {"integer": "whole number", "number": "number", "boolean": "yes or no", "null": "nothing"}[kind]
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    said = [f"{word} {field[name]:g}" for name, word in bounds.items() if name in field]
    return " ".join([words, *said])
