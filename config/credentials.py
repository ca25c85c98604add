"""Which secrets some settings name, and where they name them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from config.document import Loc
from config.secret import Secret
from config.section import Section


def secrets_in(value: object, loc: Loc = ()) -> Iterator[tuple[Loc, Secret]]:
    """Every secret of a group of settings, with its place. Nothing is revealed."""
    match value:
        case Secret():
            yield loc, value
        case Section():
            for name, field in type(value).model_fields.items():
                yield from secrets_in(getattr(value, name), (*loc, field.alias or name))
        case Mapping():
            for name, held in cast("Mapping[str, object]", value).items():
                yield from secrets_in(held, (*loc, name))
        case tuple():
            for place, held in enumerate(cast("Sequence[object]", value)):
                yield from secrets_in(held, (*loc, place))
        case _:
            return
