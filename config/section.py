"""Section: what every group of settings is, and how its keys are found by place."""

from itertools import chain
from typing import Any, TypeAlias, cast, get_args

from pydantic import BaseModel, ConfigDict, Tag
from pydantic.fields import FieldInfo


class Section(BaseModel):
    """A group of settings: frozen, unknown keys refused, values never turned into another type by guessing.

    `hide_input_in_errors` is a second fence: our own messages are made by `config.wording`.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        defer_build=True,  # a group that stands in another one needs no validator of its own: 2 MB of an idle daemon
    )


def fields_at(root: type[Section], loc: tuple[str | int, ...]) -> dict[str, FieldInfo]:
    """The fields, by the key that a file uses, of the group at `loc` below `root`.

    Where there are several kinds of group, all of them; or the one that pydantic's mark in `loc` names (`<metric>`).
    """
    sections: list[_Kind] = [(None, root)]
    for step in loc:
        if isinstance(step, str) and step.startswith("<"):
            sections = [(mark, section) for mark, section in sections if mark in {None, step}]
        elif isinstance(step, str):
            fields = chain.from_iterable(_keyed(section).items() for _, section in sections)
            below = [_kinds(field.annotation) for key, field in fields if key == step]
            sections = list(chain.from_iterable(below)) or sections  # a key of the operator's own, as in a mapping
    return {key: field for _, section in sections for key, field in _keyed(section).items()}


_Kind: TypeAlias = tuple[str | None, type[Section]]
"""A kind of group, and the mark that tells it from others in its place."""


def _keyed(section: type[Section]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _kinds(annotation: Any, mark: str | None = None) -> list[_Kind]:  # noqa: ANN401 - annotations have no common type
    """The groups inside an annotation: in a tuple, an optional, a choice."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [(mark, annotation)]
    said: tuple[object, ...] = getattr(cast("object", annotation), "__metadata__", ())
    marks = [part.tag for part in said if isinstance(part, Tag)]
    inside = (_kinds(argument, marks[0] if marks else mark) for argument in get_args(annotation))
    return list(chain.from_iterable(inside))
