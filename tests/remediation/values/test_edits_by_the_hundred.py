"""Many edits of many files: one line each, and to an independent reader only the one value differs.

Files are made by other writers (PyYAML, `json`, a few lines for TOML) in many styles, and read by other readers
(libyaml, `json`, `tomllib`).
"""

import json
import random
import tomllib
from collections.abc import Callable
from typing import Any, cast

import pytest
import yaml

from remediation.values.edit import Differences, differences, parsed, put_back, set_value
from remediation.values.nodes import Kind, Scalar, scalars
from remediation.values.place import Place
from remediation.values.refused import NotEditable
from tests.remediation.values.files import HAND_WRITTEN

WORDS = ("pool", "size", "image", "tag", "a.b", "app.kubernetes.io/name", "limits", "cpu", "x-y", "host", "env", "p q")
TEXTS = (
    "shop",
    "1.2.3",
    "20",
    "true",
    "no",
    "it's",
    'say "x"',
    "a: b",
    "# no",
    "é😀",
    "0755",
    "1e3",
    "~",
    "",
    "- x",
    "{{ x }}",
)
NAMES = {("kind",), ("metadata", "name"), ("metadata", "namespace")}
FIGURES = (0, 1, 20, -3, 0.5, 1.25, True, False)


def some(random_: random.Random, depth: int = 0) -> Any:  # noqa: ANN401 - any structure
    shape = random_.random() if depth else 0.0
    if depth > 3 or shape > 0.55:
        return random_.choice(TEXTS if random_.random() < 0.5 else FIGURES)
    if depth and shape > 0.35:
        return [some(random_, depth + 1) for _ in range(random_.randint(1, 3))]
    return {key: some(random_, depth + 1) for key in random_.sample(WORDS, random_.randint(1, 4))}


def as_yaml(random_: random.Random, value: Any) -> str:  # noqa: ANN401
    style = random_.choice((None, None, '"', "'"))
    text = yaml.safe_dump(
        value, default_flow_style=random_.choice((False, False, None, True)), indent=random_.choice((2, 4)),
        default_style=style, width=10_000, allow_unicode=True, sort_keys=False,
    )  # fmt: skip
    lines = [f"{line}  # {random_.choice(WORDS)}" if random_.random() < 0.2 else line for line in text.splitlines()]
    return "\n".join(["# above", *lines, ""])


def as_json(random_: random.Random, value: Any) -> str:  # noqa: ANN401
    return json.dumps(value, indent=random_.choice((None, 2, 4)), ensure_ascii=random_.random() < 0.5) + "\n"


def as_toml(random_: random.Random, value: dict[str, Any]) -> str:
    lines: list[str] = ["# above"]
    tables: dict[str, dict[str, Any]] = {
        key: below for key, below in value.items() if isinstance(below, dict) and random_.random() < 0.7
    }
    for key, below in value.items():
        if key not in tables:
            lines.append(f"{json.dumps(key)} = {inline(random_, below)}  # {random_.choice(WORDS)}")
    for key, table in tables.items():
        lines.append(f"[{json.dumps(key)}]" if random_.random() < 0.7 else f"[[ {json.dumps(key)} ]]")
        lines += [f"  {json.dumps(below)}={inline(random_, held)}" for below, held in table.items()]
    return "\n".join([*lines, ""])


def inline(random_: random.Random, value: Any) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value)
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(random_, below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        value = cast("list[Any]", value)
        gap = random_.choice((" ", "\n  ", "\n  # between\n  "))
        return "[" + gap + f",{gap}".join(inline(random_, below) for below in value) + random_.choice(("", ",")) + "]"
    if isinstance(value, str) and "'" not in value and random_.random() < 0.5:
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False)


def with_ends(random_: random.Random, text: str) -> bytes:
    """Windows' line ends, a byte order mark, no line end at the end: each now and then."""
    text = text.removesuffix("\n") if random_.random() < 0.3 else text
    text = text.replace("\n", "\r\n") if random_.random() < 0.3 else text
    return (b"\xef\xbb\xbf" if random_.random() < 0.2 else b"") + text.encode()


def read(text: bytes, name: str) -> Any:  # noqa: ANN401 - what other readers make of it
    plain = text.decode("utf-8-sig")
    if name.endswith(".json"):
        return [json.loads(plain)]
    if name.endswith(".toml"):
        return [tomllib.loads(plain)]
    return [document for document in yaml.load_all(plain, yaml.CSafeLoader) if document is not None]


def changed_in(old: Any, new: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401
    """The leaves that differ, by value and type."""
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("dict[Any, Any]", old), cast("dict[Any, Any]", new)
        if before.keys() == after.keys():
            return [pair for key in before for pair in changed_in(before[key], after[key])]
    if isinstance(old, list) and isinstance(new, list):
        one, two = cast("list[Any]", old), cast("list[Any]", new)
        if len(one) == len(two):
            return [pair for at in range(len(one)) for pair in changed_in(one[at], two[at])]
    same = type(cast("object", old)) is type(cast("object", new)) and old == new
    return [] if same else [(old, new)]


def another(random_: random.Random, scalar: Scalar) -> Any:  # noqa: ANN401
    """A value of the same kind that is not the one that is there."""
    if scalar.kind is Kind.STRING:
        return random_.choice([text for text in TEXTS if text not in {scalar.value, "", "{{ x }}"}])
    if scalar.kind is Kind.BOOLEAN:
        return not scalar.value
    assert isinstance(scalar.value, int | float)
    return scalar.value * 2 + 1


def template(text: bytes, name: str) -> bool:
    try:
        parsed(text, name)
    except NotEditable as refused:
        return "template" in str(refused)
    return False


def edit_once(random_: random.Random, text: bytes, name: str) -> bool:
    """Change one value of the file and back; False when this file has none that can be changed."""
    kinds = {Kind.STRING, Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER}
    found = [(place, s) for place, s in scalars(parsed(text, name)) if s.kind in kinds and not s.refusal]
    able = [(place, s) for place, s in found if place.keys not in NAMES]  # by these a document is known
    if not able:
        return False
    place, old = random_.choice(able)
    new = another(random_, old)
    edited = set_value(text, name, place, new)

    before, after = text.splitlines(keepends=True), edited.splitlines(keepends=True)
    assert len(before) == len(after)
    assert sum(one != two for one, two in zip(before, after, strict=True)) == 1
    ((was, is_),) = changed_in(read(text, name), read(edited, name))
    assert (was, is_) == (old.value, new)
    assert type(was) is type(is_)
    assert put_back(edited, name, {place: old}) == text
    return True


FORMATS: tuple[tuple[str, Callable[[random.Random, Any], str]], ...] = (
    ("made.yaml", as_yaml),
    ("made.json", as_json),
    ("made.toml", as_toml),
)


@pytest.mark.parametrize(("name", "write"), FORMATS)
def test_generated_files(name: str, write: Callable[[random.Random, Any], str]) -> None:
    random_ = random.Random(4711)  # noqa: S311 - made-up files, no secret
    done = 0
    while done < 150:
        text = with_ends(random_, write(random_, some(random_)))
        if name.endswith("yaml") and template(text, name):
            continue  # an unquoted {{ is a template to us, whatever it is to PyYAML
        done += edit_once(random_, text, name)
    assert done == 150


@pytest.mark.parametrize("name", sorted(HAND_WRITTEN))
def test_every_value_of_the_hand_written_files(name: str) -> None:
    random_ = random.Random(1147)  # noqa: S311 - the same
    text = HAND_WRITTEN[name]
    done = sum(edit_once(random_, text, name) for _ in range(20))
    assert done == 20


def test_what_differs_between_two_versions_is_found_again() -> None:
    random_ = random.Random(7)  # noqa: S311 - the same
    for _ in range(40):
        text = with_ends(random_, as_json(random_, some(random_)))
        able = [(place, s) for place, s in scalars(parsed(text, "a.json")) if s.kind is not Kind.NOTHING]
        chosen = dict(random_.sample(able, min(2, len(able))))
        edited = text
        for place, scalar in chosen.items():
            edited = set_value(edited, "a.json", place, another(random_, scalar))
        found = differences(text, edited, "a.json")
        assert isinstance(found, Differences)
        assert {change.place: change.old.value for change in found.changed} == {
            place: scalar.value for place, scalar in chosen.items()
        }


def test_places_read_what_they_write() -> None:
    for keys in (("a", "b"), ("a.b", 0, "c d"), ("0",), ("a[0]",), ("x/y",)):
        place = Place(keys=keys, document="Deployment/prod/shop")
        assert place == Place.parse(str(place))
