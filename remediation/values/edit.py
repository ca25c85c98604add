"""Reading, setting and comparing values of configuration files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from remediation.values import json_file, toml_file, yaml_file
from remediation.values.nodes import (
    Document,
    Group,
    Kind,
    Listing,
    Node,
    Parsed,
    Plain,
    Scalar,
    find,
    scalars,
)
from remediation.values.place import Place
from remediation.values.refused import NotEditable
from remediation.values.spelling import spelled

_FORMATS = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml"}
_TEMPLATES = (".tpl", ".gotmpl", ".tmpl", ".j2", ".jinja", ".jinja2", ".erb", ".mustache")
_READERS = {"yaml": yaml_file.documents, "json": json_file.documents, "toml": toml_file.documents}
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A value that two versions of a file have at one place and not alike."""

    place: Place
    old: Scalar
    new: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What two versions of a file differ in, by meaning. `others` names what is more than a changed value, in words."""

    changed: tuple[Changed, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotComparable:
    """Why two versions cannot be held against each other."""

    reason: str


def is_configuration(name: str) -> bool:
    """Whether a file of that name can hold values at all."""
    return _format(name) != ""


def read_value(text: bytes, name: str, place: str | Place) -> Scalar:
    """The value at a place. Raises NotEditable: no such place, not a value, a file that cannot be read for certain."""
    return find(parsed(text, name), place if isinstance(place, Place) else Place.parse(place))


def set_value(text: bytes, name: str, place: str | Place, new: Plain) -> bytes:
    """The file with `new` at the place, in the style of what stood there; all other bytes stay. Raises NotEditable."""
    at = place if isinstance(place, Place) else Place.parse(place)
    file = parsed(text, name)
    old = find(file, at)
    if old.refusal:
        raise NotEditable(f"{at.shown} in {name} {old.refusal}")
    try:
        source = spelled(_format(name), old, new)
    except NotEditable as refused:
        raise NotEditable(f"{at.shown} in {name}: {refused}") from None
    told: Plain = source if old.kind is Kind.UNCLEAR else new
    if old.kind is Kind.NUMBER and isinstance(new, int):
        told = float(new)
    return _spliced(text, file, {at: (source, (old.kind, told))})


def put_back(text: bytes, name: str, values: Mapping[Place, Scalar]) -> bytes:
    """The file with values of an earlier version at their places, written as they were then. Raises NotEditable."""
    for place, scalar in values.items():
        if scalar.refusal:
            raise NotEditable(f"{place.shown} in {name} {scalar.refusal}")
    empty = "null" if _format(name) == "yaml" else ""
    sources = {place: (value.source or empty, value.meaning) for place, value in values.items()}
    return _spliced(text, parsed(text, name), sources)


def differences(old: bytes, new: bytes, name: str) -> Differences | NotComparable:
    """How two versions of a file differ by meaning: comments, order of keys, quotes and indentation do not count."""
    try:
        return compared(parsed(old, name), parsed(new, name))
    except NotEditable as refused:
        return NotComparable(reason=str(refused))


def compared(old: Parsed, new: Parsed) -> Differences | NotComparable:
    """The same for files that were read already."""
    changed: list[Changed] = []
    others: list[str] = []
    before, after = _by_name(old), _by_name(new)
    if before is None or after is None:
        return NotComparable(reason=f"{new.name} holds the same document twice")
    others += [f"{name or 'a document'} was removed" for name in before if name not in after]
    others += [f"{name or 'a document'} was added" for name in after if name not in before]
    for name in before:
        if name in after:
            top = Place(keys=(), document=before[name].name)
            for found in _walk(before[name].root, after[name].root, top):
                if isinstance(found, Changed):
                    changed.append(found)
                else:
                    others.append(found)
    return Differences(changed=tuple(changed), others=tuple(others))


def parsed(text: bytes, name: str) -> Parsed:
    """The file, read. Raises NotEditable for a template, a format that is not known, or text that is not its format."""
    form = _format(name)
    if not form:
        what = "a template" if name.endswith(_TEMPLATES) else "no YAML, TOML or JSON file"
        raise NotEditable(f"{name} is {what}")
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise NotEditable(f"{name} is not UTF-8 text") from None
    plain = decoded.removeprefix(_BOM)
    return Parsed(name=name, text=plain, documents=_READERS[form](name, plain))


def _format(name: str) -> str:
    return next((form for suffix, form in _FORMATS.items() if name.endswith(suffix)), "")


def _spliced(text: bytes, file: Parsed, values: Mapping[Place, tuple[str, tuple[Kind, Plain]]]) -> bytes:
    """The file with each source in the span of its place, held against what was meant."""
    spans: dict[tuple[int, int], str] = {}
    for place, (source, _) in values.items():
        scalar = find(file, place)
        if scalar.refusal:
            raise NotEditable(f"{place.shown} in {file.name} {scalar.refusal}")
        _refuse_shared(file, place, scalar, values)
        spans[scalar.start, scalar.end] = source
    spliced = file.text
    for (start, end), source in sorted(spans.items(), reverse=True):
        gap = " " if start == end and not spliced[:start].endswith((" ", "\t")) else ""
        spliced = spliced[:start] + gap + source + spliced[end:]
    _check(file, spliced.encode(), values)
    return text[: len(text) - len(file.text.encode())] + spliced.encode()


def _refuse_shared(file: Parsed, place: Place, scalar: Scalar, values: Mapping[Place, object]) -> None:
    """Refuse a value that aliases use in more places than are meant."""
    meant = {_located(file, other) for other in values}
    span = (scalar.start, scalar.end)
    sharing = [at for at, other in scalars(file) if (other.start, other.end) == span and at not in meant]
    if sharing:
        more = ", ".join(at.shown for at in sharing[:3])
        raise NotEditable(f"{place.shown} in {file.name} is an anchor's: changing it would change {more} as well")


def _located(file: Parsed, place: Place) -> Place:
    """The place with the name of the only document."""
    if place.document or len(file.documents) != 1:
        return place
    return Place(keys=place.keys, document=file.documents[0].name)


def _check(old: Parsed, edited: bytes, values: Mapping[Place, tuple[str, tuple[Kind, Plain]]]) -> None:
    """Parse again: just the places that were meant differ, and they say what was meant."""
    wanted = {_located(old, place): meaning for place, (_, meaning) in values.items()}
    wanted = {place: meaning for place, meaning in wanted.items() if find(old, place).meaning != meaning}
    if not wanted:
        shown = ", ".join(place.shown for place in values)
        raise NotEditable(f"{shown} in {old.name} has that value already")
    found = _differ(old, edited)
    if isinstance(found, Differences) and not found.others:
        seen = {change.place: change.new.meaning for change in found.changed}
        if seen == wanted:
            return
    shown = ", ".join(place.shown for place in wanted)
    raise NotEditable(f"{shown} in {old.name} cannot be changed by itself: more of the file would read differently")


def _differ(old: Parsed, edited: bytes) -> Differences | NotComparable:
    try:
        return compared(old, parsed(edited, old.name))
    except NotEditable as refused:
        return NotComparable(reason=str(refused))


def _by_name(file: Parsed) -> dict[str, Document] | None:
    """The documents by name, those without one by their position; None when two share one."""
    named: dict[str, Document] = {}
    for at, document in enumerate(file.documents):
        key = document.name or (f"document {at + 1}" if len(file.documents) > 1 else "")
        if key in named:
            return None
        named[key] = document
    return named


def _walk(old: Node, new: Node, place: Place) -> Iterator[Changed | str]:
    if isinstance(old, Scalar) and isinstance(new, Scalar):
        if old.meaning != new.meaning:
            yield Changed(place=place, old=old, new=new)
    elif isinstance(old, Group) and isinstance(new, Group) and old.tag == new.tag:
        yield from (f"{place.below(key).shown} was removed" for key in old.entries if key not in new.entries)
        yield from (f"{place.below(key).shown} was added" for key in new.entries if key not in old.entries)
        for key in old.entries:
            if key in new.entries:
                yield from _walk(old.entries[key], new.entries[key], place.below(key))
    elif isinstance(old, Listing) and isinstance(new, Listing) and old.tag == new.tag:
        if len(old.items) != len(new.items):
            yield f"the list {place.shown} has {len(new.items)} entries instead of {len(old.items)}"
            return
        for at, (before, after) in enumerate(zip(old.items, new.items, strict=True)):
            yield from _walk(before, after, place.below(at))
    else:
        yield f"{place.shown} is something else"
