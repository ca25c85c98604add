"""Groups of settings that most files do without: their validators are built by the first file that has them.

A group's validator takes an idle daemon some 0.1 MB, and it stands in the whole file's validator otherwise.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class WhenUsed:
    """Put beside `tuple[Group, ...]`. What is wrong in a group is told at its place, as always."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's
        """Validate by a validator of its own."""
        del handler  # it would build the group's now

        def validate(value: object) -> object:
            return _adapter(source).validate_python(value) if value != () else ()

        return core_schema.no_info_plain_validator_function(validate, metadata={"when_used": source})

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Show the group as it is."""
        source: Any = cast("dict[str, Any]", schema)["metadata"]["when_used"]  # ours, see above
        return handler(_adapter(source).core_schema)


@cache
def _adapter(source: Any) -> TypeAdapter[object]:  # noqa: ANN401 - a type
    return TypeAdapter(source)
