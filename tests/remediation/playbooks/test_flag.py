"""Turning a flag off: the one that was turned on, in its file, and never on."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cases.change import ChangeClass, Patch
from remediation.drafting import CannotDraft, Drafting
from remediation.playbooks import flag
from tests.remediation.playbooks.ground import Ground, Trees, a_case, a_service
from tests.remediation.playbooks.test_drafters import ports_of

PLAIN = b"# flags\nnew-pricing: false  # since May\nbanner: true\nlimit: 3\n"


def flagd(**more: Any) -> bytes:  # noqa: ANN401 - keys of a flag
    known: Mapping[str, Any] = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    document = {"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": {"new-pricing": {**known, **more}}}
    return json.dumps(document, indent=2).encode() + b"\n"


def turned(there: Ground, path: str, before: bytes | None, after: bytes, then: bytes | None = None) -> Drafting:
    there.commit("shop", "Begin", {"a.py": b"a = 1\n", path: before} if before else {"a.py": b"a = 1\n"}, 600)
    suspect = there.suspect(there.commit("shop", "Launch", {path: after}, 10))
    if then is not None:
        there.commit("shop", "Later", {path: then}, 5)
    with ports_of(there) as ports:
        return flag.drafter(a_case(suspect), ports, suspect)


def test_one_key_of_a_plain_map_goes_off_and_nothing_else(there: Ground) -> None:
    patch = turned(there, "config/flags.yaml", PLAIN, PLAIN.replace(b"g: false", b"g: true"))
    assert isinstance(patch, Patch), patch
    assert (patch.kind, patch.origin) == (ChangeClass.FLAG, flag.ORIGIN)
    assert [edit.content for edit in patch.lead.edits] == [PLAIN]
    assert patch.inverse_of == patch.blames
    assert patch.title.startswith("Turn new-pricing off (")
    assert patch.because.endswith("turned it on (it was false) (E3)")


def off(path: str, before: bytes, after: bytes) -> list[tuple[str, object]]:
    trees = Trees({path: before}, {path: after})
    return [(one.name, one.off) for one in flag.turned_on(trees, "shop", trees.commit, a_service())]


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        (flagd(), flagd(defaultVariant="on"), "off"),
        (flagd(state="DISABLED"), flagd(), "DISABLED"),
        (flagd(disabled=True), flagd(disabled=False), True),
    ],
)
def test_a_flagd_file_is_known_by_its_shape(before: bytes, after: bytes, value: object) -> None:
    assert off("deploy/served.json", before, after) == [("new-pricing", value)]


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        (b"a: off\n", b"a: on\n", False),
        (b'a: "disabled"\n', b'a: "enabled"\n', "disabled"),
        (b"a: {disabled: true}\n", b"a: {disabled: false}\n", True),
        (b"a: {rollout_percent: 5}\n", b"a: {rollout_percent: 50}\n", 5),
        (b"a: {enabled: no}\n", b"a: {enabled: yes}\n", False),
    ],
)
def test_off_is_what_the_key_takes_for_off(before: bytes, after: bytes, value: object) -> None:
    assert [found for _, found in off("feature-flags.yml", before, after)] == [value]


def test_a_flag_that_came_turned_on_is_turned_off_where_it_stands(there: Ground) -> None:
    patch = turned(there, "flags.toml", b"banner = false\n", b"banner = false\nfast = true # now\n")
    assert isinstance(patch, Patch), patch
    assert [edit.content for edit in patch.lead.edits] == [b"banner = false\nfast = false # now\n"]
    assert (patch.inverse_of, patch.lead.added, patch.lead.removed) == (None, 1, 1)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("config/flags.yaml", PLAIN, PLAIN.replace(b"r: true", b"r: false")),  # it was turned off: never on again
        ("config/flags.yaml", PLAIN, PLAIN.replace(b"3", b"4")),
        ("config/app.yaml", PLAIN, PLAIN.replace(b"g: false", b"g: true")),  # nothing says that it holds flags
        ("deploy/served.json", flagd(), flagd(variants={"on": True, "off": True})),
        ("deploy/served.json", flagd(defaultVariant="on"), flagd()),
        ("flags.yaml", b"a: {rollout: 50}\n", b"a: {rollout: 5}\n"),
        ("flags.yaml", b"a: false\n", b"a: {{ yes }}\n"),
    ],
)
def test_what_is_no_flag_turned_on_is_left(path: str, before: bytes, after: bytes) -> None:
    assert off(path, before, after) == []


def test_several_at_once_are_a_humans(there: Ground) -> None:
    drafted = turned(there, "flags.yaml", b"a: false\nb: false\n", b"a: true\nb: true\n")
    assert isinstance(drafted, CannotDraft)
    assert drafted.reason.endswith("turned 2 flags on (a, b): which one is not known")


def test_one_that_was_set_again_since_is_left(there: Ground) -> None:
    drafted = turned(there, "flags.yaml", b"a: false\n", b"a: true\n", b"a: maybe\n")
    assert isinstance(drafted, CannotDraft)
    assert "was set again since" in drafted.reason
