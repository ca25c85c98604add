"""The JSON Schema of the file, as editors use it: every key with its purpose, kind, default and bounds.

It is looser than `config.load`, which knows what one value says of another; whatever loads is valid here too.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias, cast

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from config import duration, include
from config.section import Section
from config.settings import Settings

Node: TypeAlias = dict[str, Any]
"""A schema, or a part of one."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_DEFS = "#/$defs/"


def schema() -> Node:
    """The schema of a whole file, in draft 2020-12. A file that includes others may leave every key to them."""
    whole = _of(Settings)
    required: list[str] = whole.pop("required")
    entry: Node = whole["properties"][include.KEY]
    whole["properties"][include.KEY] = {**entry, "type": ["string", "array"]}
    return {
        "$schema": DIALECT,
        **{key: value for key, value in whole.items() if key != "$defs"},
        "if": {"required": [include.KEY]},
        "else": {"required": required},
        "$defs": whole["$defs"],
    }


def text() -> str:
    """The schema as the file `docs/trackwalker.schema.json` has it."""
    return _written(schema())


def goal_text() -> str:
    """The schema of an `outcome.yaml`, as the file `docs/outcome.schema.json` has it."""
    from config.goal_file import GoalFile  # no daemon needs it

    return _written({"$schema": DIALECT, **_of(GoalFile)})


def hypothesis_text() -> str:
    """The schema of a `hypothesis.yaml`, as the file `docs/hypothesis.schema.json` has it."""
    from config.hypothesis_form import HypothesisFile  # the same

    return _written({"$schema": DIALECT, **_of(HypothesisFile)})


def _of(root: type[Section]) -> Node:
    """The schema of one kind of file, with its groups at its end."""
    whole: Node = root.model_json_schema(schema_generator=_Generator)
    groups: dict[str, Node] = whole.pop("$defs")
    for node in _nodes([whole, *groups.values()]):
        _inline_words(node, groups)
        _drop_choice(node, groups)
    for node in _nodes([whole, *groups.values()]):
        if "description" in node and isinstance(node["description"], str):
            node["description"] = " ".join(node["description"].split())
    return {**whole, "$defs": {name: group for name, group in groups.items() if "enum" not in group}}


def _written(document: Node) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """pydantic's own, in the language of the file."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Never: a key's name says nothing more than the key."""
        del schema
        return False

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - any default there is
        """A default as the file would spell it."""
        return duration.format(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Node:
        """Without the default of a group: its keys have theirs."""
        if isinstance(schema.get("default"), Section):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Node:
        """`null` as one more type, where it can be said so."""
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str):
            more: Node = {"enum": [*inner["enum"], None]} if "enum" in inner else {}
            return {**inner, "type": [inner["type"], "null"], **more}
        return super().nullable_schema(schema)

    def dict_schema(self, schema: core_schema.DictSchema) -> Node:
        """A group with keys of the operator's own, of one form."""
        key = self.generate_inner(schema.get("keys_schema", core_schema.str_schema(pattern="")))
        value = self.generate_inner(schema.get("values_schema", core_schema.any_schema()))
        return {"type": "object", "patternProperties": {key["pattern"]: value}, "additionalProperties": False}

    def model_schema(self, schema: core_schema.ModelSchema) -> Node:
        """A group, named by the first sentence of its docstring."""
        node = super().model_schema(schema)
        first, _, rest = " ".join(str(node.get("description", "")).split()).partition(". ")
        node["title"] = first.rstrip(".")
        node.pop("description", None)
        return {**node, "description": rest} if rest else node

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Node:
        """Which of several groups it is, as the discriminator tells: by a key that only one of them has.

        An editor then speaks of that one group, and not of all that it is not.
        """
        tell = schema["discriminator"]
        if not callable(tell):
            raise TypeError("a choice of groups has a function that tells them apart")
        groups = {tag: self.generate_inner(choice) for tag, choice in schema["choices"].items()}
        node = groups.pop(tell({}))
        for tag, group in groups.items():
            keys = [{"required": [key]} for key in self._keys(group) if tell({key: None}) == tag]
            node = {"if": keys[0] if len(keys) == 1 else {"anyOf": keys}, "then": group, "else": node}
        return node

    def _keys(self, group: Node) -> list[str]:
        found = self.get_schema_from_definitions(group["$ref"])
        return list(cast("Mapping[str, object]", (found or {})["properties"]))


def _nodes(of: object) -> Iterator[Node]:
    """Every mapping in there, the outermost first."""
    if isinstance(of, dict):
        node = cast("Node", of)
        yield node
        of = list(node.values())
    if isinstance(of, list):
        for below in cast("list[object]", of):
            yield from _nodes(below)


def _inline_words(node: Node, groups: Mapping[str, Node]) -> None:
    """A list of words stands where it is used: a name for it helps nobody."""
    group = groups.get(str(node.get("$ref", "")).removeprefix(_DEFS))
    if group is not None and "enum" in group:
        del node["$ref"]
        node.update({"type": group["type"], "enum": group["enum"]})


def _drop_choice(node: Node, groups: Mapping[str, Node]) -> None:
    """`this or null` without a choice: words take `null` as one more word, groups as one more type.

    Every group that may be null anywhere may be null wherever it stands in this file.
    """
    choice: list[Node] = node.get("anyOf", [])
    if [*choice[1:]] != [{"type": "null"}] or "$ref" not in choice[0]:
        return
    del node["anyOf"]
    group = groups[str(choice[0]["$ref"]).removeprefix(_DEFS)]
    if "enum" in group:
        node.update({"type": ["string", "null"], "enum": [*group["enum"], None]})
    else:
        node.update(choice[0])
        group["type"] = ["object", "null"]
