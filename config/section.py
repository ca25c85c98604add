"""Section: what every group of settings is, and how its keys are found by place."""

from itertools import chain
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo


class Section(BaseModel):
    """A group of settings: frozen, unknown keys refused, values never turned into another type by guessing.

    `hide_input_in_errors` is a second fence: our own messages are made by `config.wording`.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )


def fields_at(root: type[Section], loc: tuple[str | int, ...]) -> dict[str, FieldInfo]:
    """The fields, by the key that a file uses, of the group (or the kinds of group) at `loc` below `root`."""
    sections = [root]
    for step in loc:
        if isinstance(step, str):
            fields = chain.from_iterable(_keyed(section).items() for section in sections)
            sections = list(chain.from_iterable(_sections(field.annotation) for key, field in fields if key == step))
    return {key: field for section in sections for key, field in _keyed(section).items()}


def _keyed(section: type[Section]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _sections(annotation: Any) -> list[type[Section]]:  # noqa: ANN401 - annotations have no common type
    """The sections inside an annotation: in a tuple, an optional, a choice."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return list(chain.from_iterable(_sections(argument) for argument in get_args(annotation)))
