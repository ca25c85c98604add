"""A value of JSON as Python writes it."""

import libcst as cst
from pydantic import JsonValue

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def literal(value: JsonValue, quote: str) -> cst.BaseExpression:
    """The expression, its texts in that quote where they do not hold it themselves."""
    return cst.parse_expression(written(value, quote))


def written(value: JsonValue, quote: str) -> str:
    """As it stands in code, on one line."""
    if isinstance(value, str):
        return _text(value, quote)
    if isinstance(value, list):
        return f"[{', '.join(written(one, quote) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key, quote)}: {written(one, quote)}' for key, one in value.items())}}}"
    return repr(value)


def _text(value: str, quote: str) -> str:
    other = "'" if quote == '"' else '"'
    mark = other if quote in value and other not in value else quote
    return mark + "".join(_character(one, mark) for one in value) + mark


def _character(one: str, mark: str) -> str:
    if one in _SHORT:
        return _SHORT[one]
    if one == mark:
        return f"\\{one}"
    return one if one.isprintable() else repr(one)[1:-1]


def constant(node: cst.BaseExpression) -> tuple[bool, object]:
    """Whether the expression is a plain value of its own, and which."""
    match node:
        case cst.Name(value="True"):
            return True, True
        case cst.Name(value="False"):
            return True, False
        case cst.Name(value="None"):
            return True, None
        case cst.SimpleString() | cst.Integer() | cst.Float():
            return True, node.evaluated_value
        case cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer() | cst.Float() as number):
            return True, -number.evaluated_value
        case cst.List(elements=[]) | cst.Dict(elements=[]):
            return True, ()
        case _:
            return False, None


def truth(node: cst.BaseExpression) -> bool | None:
    """Whether a value counts as true; None where it is no plain value."""
    known, value = constant(node)
    if known:
        return bool(value)
    return True if isinstance(node, cst.List | cst.Dict) else None
