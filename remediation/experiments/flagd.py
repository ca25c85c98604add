"""Flags in a flagd file: read, shown to a share of users, turned off, taken out. Pure functions on the file's bytes.

All bytes outside the one flag stay as they are, and the file is read again to make sure. The share is flagd's
`fractional`: it hashes the flag's key with the user's targeting key to a point in [0, 1), and the variants have
stretches of it in the order they are written in. The treated variant is written first, so that it has [0, share): a
user keeps a variant, and a larger share keeps all whom a smaller one treated. A user without a targeting key, and one
outside the segment, gets the default variant, which is the control.

Which variant is the control stands in the flag's `metadata`, as somebody may make another one the default.
Formats: https://flagd.dev/reference/flag-definitions, https://flagd.dev/reference/custom-operations/fractional-operation
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from pydantic import JsonValue

from cases.flags import FlagNow
from remediation.experiments.json_text import (
    NAME,
    Member,
    added,
    alike,
    loaded,
    margin,
    member,
    others_alike,
    removed,
    rendered,
    replaced,
    skipped,
)
from remediation.values.refused import NotEditable

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
CONTROL = "control"
"""The key of a flag's metadata that names the control."""
FINEST = 10_000
"""Parts into which users can be told apart: a share is written in whole percent, or else in hundredths of one."""

Variant: TypeAlias = tuple[str, JsonValue]
"""The name of a variant, and its value."""
_Object: TypeAlias = dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A flagd file: its text, all that it says, and where its flags are."""

    text: str
    whole: _Object
    flags: _Object
    place: Member  # of "flags"

    def member(self, key: str) -> Member | None:
        """Where a flag is."""
        return member(self.text, self.place.value, key)

    @property
    def margin(self) -> str | None:
        """What stands before "flags" on its line."""
        return margin(self.text, self.place)


def read(content: bytes, key: str) -> FlagNow | None:
    """The flag as it is; None where the file has no such flag.

    The shares are those within the segment where there is one. A control of "" is what the code itself has for it.
    Raises NotEditable for a file or a flag that cannot be read for certain.
    """
    flag = _file(content).flags.get(key)
    return None if flag is None else _now(key, _object(key, flag))


def shown(
    content: bytes,
    key: str,
    *,
    control: Variant,
    treated: Variant,
    share: float,
    segment: Mapping[str, tuple[str, ...]],
) -> bytes:
    """The file with the flag showing `treated` to that share of users, and `control` to everybody else.

    An empty file is begun. A flag that is there keeps its further variants.

    share    in (0, 1], of the users in the segment
    segment  attribute of the evaluation context → its values that are in it; every attribute must fit
    Raises NotEditable where another experiment runs on the flag, where everybody is shown something else than the
    control now, where the variants are of several kinds or their names are taken, and as `read`.
    """
    _check(key, control, treated, segment)
    content = content if content.strip() else _begun()
    file = _file(content)
    old = _object(key, file.flags[key]) if key in file.flags else {}
    if old:
        _check_free(key, old, control, treated)
    flag: _Object = {**old, "state": "ENABLED"}
    held = old.get("variants")
    flag["variants"] = {**(held if isinstance(held, dict) else {}), control[0]: control[1], treated[0]: treated[1]}
    flag["defaultVariant"] = control[0]
    flag["targeting"] = _targeting(control[0], treated[0], share, segment)
    noted = old.get("metadata")
    flag["metadata"] = {**(noted if isinstance(noted, dict) else {}), CONTROL: control[0]}
    one = file.member(key)
    if one is None:
        edited = added(content, file.text, file.place.value, file.margin, key, flag)
    else:
        edited = replaced(content, file.text, one, file.margin, flag)
    return _checked(file, edited, key, flag)


def off(content: bytes, key: str) -> bytes:
    """The file with everybody shown the control of the flag; the same bytes where it is off already.

    The targeting is emptied, whatever it was, and the control is made the default again. A flag that is disabled stays
    so. Raises NotEditable where there is no such flag, or the file cannot be read.
    """
    file = _file(content)
    flag = _there(file, key)
    if flag.get("state") == "DISABLED":
        return content
    wanted: _Object = dict(flag)
    if flag.get("targeting"):
        wanted["targeting"] = {}
    control = _control(key, flag)
    if flag.get("defaultVariant") and control != _named(flag["defaultVariant"]):
        wanted["defaultVariant"] = control
    edited = content
    for name, value in wanted.items():
        if not alike(flag[name], value):
            edited = _set(edited, key, name, value)
    return _checked(file, edited, key, wanted)


def without(content: bytes, key: str) -> bytes:
    """The file without the flag. Raises NotEditable where there is no such flag, or the file cannot be read."""
    file = _file(content)
    _there(file, key)
    return _checked(file, removed(content, file.text, file.place.value, key), key, None)


def check_off(before: bytes, after: bytes, key: str) -> None:
    """Raise NotEditable unless `after` differs from `before` in nothing but the flag, which is off there."""
    old, new = _file(before), _file(after)
    if not (others_alike(old.whole, new.whole, "flags") and others_alike(old.flags, new.flags, key)):
        raise NotEditable(f"turning flag {key} off would change more of {NAME} than that flag")
    flag = _there(new, key)
    default = _named(flag.get("defaultVariant"))
    quiet = not flag.get("targeting") and default in {"", _control(key, flag)}
    if flag.get("state") != "DISABLED" and not quiet:
        raise NotEditable(f"flag {key} would not be off afterwards")


def _file(content: bytes) -> _File:
    text, whole = loaded(content)
    flags = whole.get("flags") if isinstance(whole, dict) else None
    place = member(text, skipped(text, 0), "flags") if isinstance(whole, dict) else None
    if not isinstance(whole, dict) or not isinstance(flags, dict) or place is None:
        raise NotEditable(f'{NAME} is not flagd\'s: it has no group of "flags"')
    return _File(text=text, whole=whole, flags=flags, place=place)


def _object(key: str, flag: JsonValue) -> _Object:
    if not isinstance(flag, dict):
        raise NotEditable(f"flag {key} is no group of keys")
    return flag


def _there(file: _File, key: str) -> _Object:
    if key not in file.flags:
        known = ", ".join(sorted(file.flags)[:5]) or "none"
        raise NotEditable(f"there is no flag {key}; the file has {known}")
    return _object(key, file.flags[key])


def _set(content: bytes, key: str, name: str, value: JsonValue) -> bytes:
    """The file with another value of a key that the flag has."""
    file = _file(content)
    flag = file.member(key)
    one = member(file.text, flag.value, name) if flag else None
    if flag is None or one is None:
        raise NotEditable(f"flag {key} has no {name}")
    return replaced(content, file.text, one, margin(file.text, flag), value)


def _checked(old: _File, edited: bytes, key: str, wanted: _Object | None) -> bytes:
    """What was written, once it is read again: just the flag is another, and says what was meant."""
    new = _file(edited)
    same = others_alike(old.whole, new.whole, "flags") and others_alike(old.flags, new.flags, key)
    meant = key not in new.flags if wanted is None else alike(new.flags.get(key), wanted)
    if not (same and meant):
        raise NotEditable(f"flag {key} cannot be written by itself: more of {NAME} would read differently")
    return edited


def _begun() -> bytes:
    return f"{rendered({'$schema': SCHEMA, 'flags': {}}, '', '  ', chr(10))}\n".encode()


def _check(key: str, control: Variant, treated: Variant, segment: Mapping[str, tuple[str, ...]]) -> None:
    if not (key and control[0] and treated[0]) or control[0] == treated[0]:
        raise NotEditable(f"flag {key or 'without a key'} needs two variants with names of their own")
    if alike(control[1], treated[1]):
        raise NotEditable(f"both variants of flag {key} show the same: nothing would be tried")
    _kind(key, dict((control, treated)))
    for name, values in segment.items():
        if not name or not values:
            raise NotEditable(f"the segment of flag {key} names no values of {name or 'an attribute'}: nobody is in it")


def _check_free(key: str, flag: _Object, control: Variant, treated: Variant) -> None:
    """Raise NotEditable unless these two may be tried on a flag that is there."""
    now = _now(key, flag)
    variants = _variants(key, flag)
    for name, value in (control, treated):
        if name in variants and not alike(variants[name], value):
            raise NotEditable(f"flag {key} has a variant {name} already, which is {json.dumps(variants[name])}")
    _kind(key, {**variants, **dict((control, treated))})
    ours = now.shares.keys() <= {control[0], treated[0]} and now.control == control[0]
    if now.on and not ours:
        split = ", ".join(f"{name} to {share:.4g} of users" for name, share in now.shares.items())
        raise NotEditable(
            f"another experiment runs on flag {key}: it shows {split}. End that one, or give this one a flag of its own"
        )
    everybody = variants.get(now.control)
    if not now.on and flag["state"] == "ENABLED" and now.control and not alike(everybody, control[1]):
        raise NotEditable(
            f"flag {key} shows everybody {json.dumps(everybody)} now, not the control {json.dumps(control[1])}"
        )


def _targeting(control: str, treated: str, share: float, segment: Mapping[str, tuple[str, ...]]) -> JsonValue:
    if not 0 < share <= 1:
        raise NotEditable(f"{share:g} is no share of users: it must be above 0, and 1 at the most")
    finest = round(share * FINEST)
    if not finest:
        raise NotEditable(f"a share of {share:g} is less than can be told apart: {1 / FINEST:g} is the least")
    whole = FINEST if finest % (FINEST // 100) else 100
    weight = finest * whole // FINEST
    split: JsonValue = {"fractional": [[treated, weight], [control, whole - weight]]}
    inside: list[JsonValue] = [{"in": [{"var": name}, list(values)]} for name, values in segment.items()]
    if not inside:
        return split
    return {"if": [inside[0] if len(inside) == 1 else {"and": inside}, split, None]}


def _now(key: str, flag: _Object) -> FlagNow:
    variants = _variants(key, flag)
    control = _control(key, flag)
    values = {name: json.dumps(value, ensure_ascii=False) for name, value in variants.items()}
    state = flag.get("state")
    if state not in {"ENABLED", "DISABLED"}:
        raise NotEditable(f"flag {key} is neither ENABLED nor DISABLED")
    default = _named(flag.get("defaultVariant")) or control
    if default and default not in variants:
        raise NotEditable(f"flag {key} has the default variant {default}, which it does not have among its variants")
    targeting = flag.get("targeting")
    if state == "DISABLED":
        return FlagNow(on=False, control=control, shares={control: 1.0}, values=values)
    shares = {default: 1.0} if not targeting else _shares(key, targeting, variants, control)
    if targeting and default != control:
        raise NotEditable(f"flag {key} has the default variant {default}, and its control is {control}")
    on = any(share for name, share in shares.items() if name != control)
    return FlagNow(on=on, control=control, shares=shares, values=values)


def _shares(key: str, targeting: JsonValue, variants: _Object, control: str) -> dict[str, float]:
    """The shares of `fractional`, alone or within a condition whose other side is the control."""
    for name in _references(targeting):
        raise NotEditable(
            f"the targeting of flag {key} stands elsewhere, as the evaluator {name}: write it in the flag"
        )
    split = targeting
    match targeting:
        case {"if": [_, inside, other]} if other is None or other == control:
            split = inside
        case _:
            pass
    match split:
        case {"fractional": [_, *_] as parts} if len(cast("_Object", split)) == 1:
            weights = [_weight(part) for part in (parts if isinstance(parts[0], list) else parts[1:])]
        case _:
            weights = [None]
    total = sum(weight for _, weight in filter(None, weights))
    if None in weights or total <= 0 or any(name not in variants for name, _ in filter(None, weights)):
        raise NotEditable(f"flag {key} has targeting that no experiment has: {json.dumps(targeting)[:200]}")
    shares: dict[str, float] = {}
    for name, weight in filter(None, weights):
        shares[name] = shares.get(name, 0.0) + weight / total
    return shares


def _weight(part: JsonValue) -> tuple[str, int] | None:
    match part:
        case [str(name)]:
            return name, 1
        case [str(name), int(weight)] if not isinstance(weight, bool):
            return name, max(weight, 0)
        case _:
            return None


def _references(node: JsonValue) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield str(node["$ref"])
        for below in node.values():
            yield from _references(below)
    elif isinstance(node, list):
        for below in node:
            yield from _references(below)


def _control(key: str, flag: _Object) -> str:
    """The name of the control: what the metadata says, or else the default variant."""
    noted = flag.get("metadata")
    said = noted.get(CONTROL) if isinstance(noted, dict) else None
    if said is None:
        return _named(flag.get("defaultVariant"))
    variants = flag.get("variants")
    if not isinstance(said, str) or not isinstance(variants, dict) or said not in variants:
        raise NotEditable(f"flag {key} has the control {said}, which it does not have among its variants")
    return said


def _named(variant: JsonValue) -> str:
    """The name of a default variant; "" for none. Old files have true and false."""
    return str(variant).lower() if isinstance(variant, bool) else str(variant or "")


def _variants(key: str, flag: _Object) -> _Object:
    variants = flag.get("variants")
    if not isinstance(variants, dict) or not variants:
        raise NotEditable(f"flag {key} has no variants")
    _kind(key, variants)
    return variants


def _kind(key: str, variants: Mapping[str, JsonValue]) -> None:
    """Raise NotEditable where the variants are of several kinds: code asks a flag for one."""
    kinds = {name: _kind_of(value) for name, value in variants.items()}
    if None in kinds.values():
        raise NotEditable(f"flag {key} has a variant without a value")
    if len(set(kinds.values())) > 1:
        said = ", ".join(f"{name} is {kind}" for name, kind in kinds.items())
        raise NotEditable(f"flag {key} has variants of several kinds: {said}")


def _kind_of(value: JsonValue) -> str | None:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a group of keys"
        case _:
            return None
