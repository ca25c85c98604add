"""Whether an answer can be used: one JSON object that fits the question's schema. The program checks, not the model."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from remediation.model.reply import parsed
from remediation.neutral import neutral

if TYPE_CHECKING:
    from jsonschema import ValidationError

FAULT_LENGTH = 200


class Unusable(Exception):  # noqa: N818 - it is a state of the answer, and never leaves this folder
    """An answer that cannot be used. Its text says in one line what is wrong, and repeats nothing of the answer."""


def content_of(text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that an answer's text is. Raises Unusable for anything that is no JSON object or breaks the schema."""
    if not text.strip():
        raise Unusable("it was empty")
    value = parsed(text)
    if not isinstance(value, dict):
        raise Unusable("it was not one JSON object")
    content = cast("dict[str, Any]", value)
    check(content, schema)
    return content


def check(content: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Raise Unusable unless the object fits the schema and holds text that can be stored."""
    from jsonschema import Draft202012Validator

    validator: Any = Draft202012Validator(schema)  # its stubs leave what it finds untyped
    faults: Iterator[ValidationError] = validator.iter_errors(content)
    fault = next(faults, None)
    if fault is not None:
        rule = json.dumps(fault.validator_value, ensure_ascii=False)
        raise Unusable(neutral(f"{fault.json_path} breaks the schema's {fault.validator}: {rule}", FAULT_LENGTH))
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unusable("it holds half a character (a lone surrogate)") from None
