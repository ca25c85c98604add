"""Turns pydantic's errors into our sentences: the key, what is wrong, what would be right, and never a credential."""

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from config import fields, later
from config.document import Loc
from config.errors import named, shown
from config.section import Section, fields_at
from config.settings import Settings

Said = tuple[str, str]
"""What is wrong, and what would be right."""

_KEY_ERRORS = frozenset({"extra_forbidden", "none_required"})
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_GROUP = "a group of keys"
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "tuple_type": "a list",
    "model_type": _GROUP,
    "mapping_type": _GROUP,
    "dict_type": _GROUP,
}
_WANTED_HINT = {
    "text": "put it in quotes",
    "a list": "begin each entry with a dash, or write [ … ]",
    _GROUP: "write keys and values, as `trackwalker init` does",
}


def key(loc: Loc) -> str:
    """A place as messages name it: `watch[0].harm`."""
    spelled = (f"[{step}]" if isinstance(step, int) else f".{named(step)}" for step in loc)
    return "".join(spelled).removeprefix(".")


def translate(errors: Sequence[ErrorDetails], root: type[Section] = Settings) -> list[tuple[Loc, Said]]:
    """Every error as a place and our sentence for it, without what merely follows from another one.

    `root` is what the whole file was read as.
    """
    found = [(_loc(error), error) for error in errors]
    unsupported = {loc for loc, error in found if root is Settings and _later(loc, error)}
    return [
        (loc, _said(loc, error, root))
        for loc, error in found
        if loc in unsupported or not _follows(loc, error, unsupported)
    ]


def closest(word: str, known: Sequence[str]) -> str:
    """`did you mean source?`, or the words there are."""
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"


def _loc(error: ErrorDetails) -> Loc:
    """The place in the file: without pydantic's own marks for choices (`<metric>`) and for keys (`[key]`)."""
    return tuple(step for step in error["loc"] if isinstance(step, int) or step[:1] + step[-1:] not in {"<>", "[]"})


def _follows(loc: Loc, error: ErrorDetails, unsupported: set[Loc]) -> bool:
    """Whether it says nothing new.

    A key may be missing only because its place is taken by one that this version does not have; and pydantic counts
    the entries that are left when it has refused some.
    """
    if error["type"] == "too_short":
        return bool(error["input"])
    return error["type"] == "missing" and any(other[:-1] == loc[:-1] for other in unsupported)


def _later(loc: Loc, error: ErrorDetails) -> str | None:
    """What to do instead of something that this version does not have; None when it is not that."""
    place = later.place(loc)
    if error["type"] in _KEY_ERRORS:
        return later.KEYS.get(place)
    if error["type"] in {"literal_error", "enum"} and isinstance(error["input"], str):
        return later.VALUES.get(place, {}).get(error["input"])
    return None


def _said(loc: Loc, error: ErrorDetails, root: type[Section]) -> Said:
    value = error["input"]
    if root is Settings and (instead := _later(loc, error)):
        return ("" if error["type"] in _KEY_ERRORS else f"{shown(value)} ") + "is not in this version", instead
    context = error.get("ctx", {})
    match error["type"]:
        case fields.REFUSED:
            return context["problem"], context["hint"]
        case "missing":
            return "is missing", f"add it: {_purpose(error, root)}"
        case "extra_forbidden":
            return "is not a known key", closest(str(loc[-1]), sorted(fields_at(root, error["loc"][:-1])))
        case "literal_error" | "enum":
            words = context["expected"].replace("'", "")
            first = words.split(", ")[0].split(" or ")[0]
            return (
                f"{shown(value)} is not {words}",
                f"write {first if isinstance(loc[-1], int) else f'{loc[-1]}: {first}'}",
            )
        case "too_short":
            return "the list is empty", f"name at least one: {_purpose(error, root)}"
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            bound, words = next((context[name], words) for name, words in _BOUNDS.items() if name in context)
            return f"{shown(value)} is out of range", f"write {words} {bound:g}"
        case kind if kind in _WANTED:
            return _unlike(_WANTED[kind], value)
        case _:  # pydantic's own words, which do not repeat the value
            return error["msg"], f"see what it is for: {_purpose(error, root)}"


def _unlike(wanted: str, value: object) -> Said:
    """A value of another kind than the one that is wanted."""
    if value is None:
        return "there is no value", f"write {wanted}, or remove the line for the default"
    if wanted == _GROUP and isinstance(value, str):  # `forge: <a token>`: the text is not repeated
        return f"text is not {wanted}", _WANTED_HINT[wanted]
    return f"{shown(value)} is not {wanted}", _WANTED_HINT.get(wanted, f"write {wanted}")


def _purpose(error: ErrorDetails, root: type[Section]) -> str:
    """The first sentence of what a field is for."""
    loc = error["loc"]
    field = fields_at(root, loc[:-1]).get(str(loc[-1]))
    sentence = ((field and field.description) or "one of these").partition(". ")[0].strip().rstrip(".")
    return sentence[:1].lower() + sentence[1:]
