"""How a new value is written in place of an old one: in its style, and never as another type by accident."""

import json
import re

from remediation.values.nodes import Kind, Plain, Scalar
from remediation.values.refused import NotEditable
from remediation.values.yaml_file import LOGIC, plain_meaning

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*")
"""Strings that need no quotes in any corner of YAML."""

_SWITCHES = (("yes", "no"), ("on", "off"), ("y", "n"), ("true", "false"))
_BASES = {"0x": "x", "0o": "o", "0b": "b"}


def spelled(suffix: str, old: Scalar, new: Plain) -> str:
    """The text for `new` where `old` stands, in a file of that suffix. Raises NotEditable when the type would change.

    A string stays one with its quotes, an integer keeps its base, a number that has a point keeps one, and of
    YAML's yes and no each stays in its pair.
    """
    if old.kind is Kind.STRING and isinstance(new, str):
        return _string(suffix, old.source, new)
    if old.kind is Kind.BOOLEAN and isinstance(new, bool):
        return _switch(old.source, on=new)
    if old.kind is Kind.UNCLEAR and isinstance(new, bool) and _is_switch(old.source):
        return _switch(old.source, on=new)
    if old.kind is Kind.INTEGER and isinstance(new, int) and not isinstance(new, bool):
        return _integer(old.source, new)
    if old.kind is Kind.NUMBER and isinstance(new, int | float) and not isinstance(new, bool):
        return _number(float(new))
    if old.kind is Kind.UNCLEAR:
        raise NotEditable(f"{old.source} is {old.kind}, so nothing can be written in its place for certain")
    if old.kind is Kind.NOTHING:
        raise NotEditable("it holds nothing now, so nothing says of which type it is")
    raise NotEditable(f"it is {old.kind} and stays that: {new!r} is not")


def _string(suffix: str, source: str, new: str) -> str:
    if LOGIC.search(new):
        raise NotEditable("the new text would be read as a template")
    if not new.isprintable():
        raise NotEditable("the new text holds more than one line or a hidden character")
    if source.startswith("'") and suffix == "yaml":
        return "'" + new.replace("'", "''") + "'"
    if source.startswith("'") and "'" not in new:
        return f"'{new}'"
    if source[:1] not in {'"', "'"} and _PLAIN.fullmatch(new) and plain_meaning(new) == (Kind.STRING, new):
        return new
    return json.dumps(new, ensure_ascii=False)


def _is_switch(source: str) -> bool:
    return any(source.lower() in pair for pair in _SWITCHES)


def _switch(source: str, *, on: bool) -> str:
    pair = next(pair for pair in _SWITCHES if source.lower() in pair)
    word = pair[0] if on else pair[1]
    if source.isupper() and len(source) > 1:
        return word.upper()
    return word.capitalize() if source[0].isupper() else word


def _integer(source: str, new: int) -> str:
    sign, digits = ("-" if new < 0 else ""), source.lstrip("+-")
    base = _BASES.get(digits[:2])
    if base:
        return f"{sign}{digits[:2]}{abs(new):{base}}"
    return f"{new:_}" if re.fullmatch(r"[0-9]{1,3}(_[0-9]{3})+", digits) else str(new)


def _number(new: float) -> str:
    text = repr(new)
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else text  # YAML 1.1 wants the point
