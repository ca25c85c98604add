"""Flags in flagd files: what is written, what stays, and what is refused."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import JsonValue

from remediation.experiments import flagd
from remediation.values.refused import NotEditable

KEY = "checkout-copy"
CONTROL: flagd.Variant = ("control", "Buy now")
TREATED: flagd.Variant = ("short", "Buy")
PLAIN = {"state": "ENABLED", "variants": {"control": "Buy now"}, "defaultVariant": "control"}
STYLES = {
    "two spaces": b'{\n  "$schema": "x",\n  "flags": {\n    "a": {"state":"ENABLED",  "variants": {"x": 1.0}},\n'
    b'    "z": {\n      "state": "DISABLED", "variants": {"y": "\\u00e9"}\n    }\n  }\n}\n',
    "four spaces": b'{\n    "flags": {\n        "a": { "state": "ENABLED", "variants": {"x": 1e3} }\n'
    b'    }, "metadata": {}\n}',
    "tabs": b'{\n\t"flags": {\n\t\t"a": {}\n\t}\n}\n',
    "windows": b'{\r\n  "flags": {\r\n    "a": {}\r\n  }\r\n}\r\n',
    "one line": b'{"flags":{"a":{},"b": { }},"$evaluators":{}}',
    "commas first": b'{ "flags": {\n    "a": {}\n  , "b": {}\n  }\n}\n',
    "no flags yet": b'{\n  "flags": {\n  }\n}\n',
    "a byte order mark": b'\xef\xbb\xbf{\n  "flags": {}\n}\n',
}


def shown(content: bytes, share: float = 0.25, **segment: tuple[str, ...]) -> bytes:
    return flagd.shown(content, KEY, control=CONTROL, treated=TREATED, share=share, segment=segment)


def flag(content: bytes, key: str = KEY) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content.decode("utf-8-sig"))["flags"][key]
    return found


def file(**flags: Mapping[str, Any]) -> bytes:
    return json.dumps({"flags": {name.replace("_", "-"): held for name, held in flags.items()}}, indent=2).encode()


def running(treated: str = "short") -> dict[str, Any]:
    split = [[treated, 25], ["control", 75]]
    return {**PLAIN, "variants": {"control": "Buy now", treated: "Buy"}, "targeting": {"fractional": split}}


@pytest.mark.parametrize("style", STYLES)
def test_a_flag_comes_and_goes_and_leaves_no_byte_behind(style: str) -> None:
    before = STYLES[style]
    with_it = shown(before)
    now = flagd.read(with_it, KEY)
    assert now is not None
    assert now.shares == {"short": 0.25, "control": 0.75}
    emptied = before.replace(b"{\n  }", b"{}")  # all that an empty group can lose
    assert emptied == flagd.without(with_it, KEY)


@pytest.mark.parametrize("style", STYLES)
def test_all_outside_the_flag_stays_byte_for_byte(style: str) -> None:
    with_it = shown(STYLES[style])
    at = with_it.index(f'"{KEY}"'.encode())
    for after in (shown(with_it, 0.5), flagd.off(with_it, KEY), shown(flagd.off(with_it, KEY), 1.0)):
        assert with_it[:at] == after[:at]
        tail = with_it[at:].rpartition(b'"metadata": {"control": "control"}')[2]
        assert after.endswith(tail)
        assert with_it != after


def test_a_flag_is_laid_out_as_its_file_is() -> None:
    assert b'\r\n    "checkout-copy": {\r\n      "state": "ENABLED",\r\n' in shown(STYLES["windows"])
    assert b'\n\t\t"checkout-copy": {\n\t\t\t"state": "ENABLED",\n' in shown(STYLES["tabs"])
    assert b'\n        "checkout-copy": {\n            "state": "ENABLED",\n' in shown(STYLES["four spaces"])
    assert b"\n" not in shown(STYLES["one line"])


def test_an_empty_file_is_begun() -> None:
    begun = json.loads(shown(b" \n"))
    assert begun["$schema"] == flagd.SCHEMA
    assert list(begun["flags"]) == [KEY]


def test_a_whole_flag() -> None:
    assert flag(shown(b"")) == {
        "state": "ENABLED",
        "variants": {"control": "Buy now", "short": "Buy"},
        "defaultVariant": "control",
        "targeting": {"fractional": [["short", 25], ["control", 75]]},
        "metadata": {"control": "control"},
    }


def test_a_segment_is_asked_for_first() -> None:
    one = flag(shown(b"", country=("DE", "AT")))["targeting"]["if"]
    two = flag(shown(b"", country=("DE",), plan=("pro",)))["targeting"]["if"]
    assert one[0] == {"in": [{"var": "country"}, ["DE", "AT"]]}
    assert one[2] is None
    assert list(two[0]) == ["and"]
    now = flagd.read(shown(b"", country=("DE",)), KEY)
    assert now is not None
    assert (now.on, now.shares["short"]) == (True, 0.25)


@pytest.mark.parametrize(
    ("share", "weights"),
    [
        (0.25, (25, 75)),
        (1.0, (100, 0)),
        (0.125, (1250, 8750)),
        (0.3333, (3333, 6667)),
        (0.0001, (1, 9999)),
        (0.29, (29, 71)),
    ],
)
def test_a_share_is_whole_percent_or_hundredths_of_one(share: float, weights: tuple[int, int]) -> None:
    assert [["short", weights[0]], ["control", weights[1]]] == flag(shown(b"", share))["targeting"]["fractional"]
    now = flagd.read(shown(b"", share), KEY)
    assert now is not None
    assert pytest.approx(share) == now.shares["short"]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan"), 0.00001])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(NotEditable, match="share"):
        shown(b"", share)


def test_a_flag_that_is_there_keeps_what_else_it_has() -> None:
    before = file(checkout_copy={**PLAIN, "variants": {"control": "Buy now", "long": "Pay"}, "metadata": {"team": "a"}})
    after = flag(shown(before))
    assert after["variants"] == {"control": "Buy now", "long": "Pay", "short": "Buy"}
    assert after["metadata"] == {"team": "a", "control": "control"}


def test_values_of_every_kind_can_be_tried() -> None:
    pairs: list[tuple[JsonValue, JsonValue]] = [
        (True, False), (1, 2.5), ("a", ""), ({"a": 1}, {}), (["a", "b"], ["b", "a"]),
    ]  # fmt: skip
    for pair in pairs:
        written = flagd.shown(b"", KEY, control=("x", pair[0]), treated=("y", pair[1]), share=0.5, segment={})
        now = flagd.read(written, KEY)
        assert now is not None
        assert {"x": json.dumps(pair[0]), "y": json.dumps(pair[1])} == now.values


@pytest.mark.parametrize(
    ("control", "treated", "said"),
    [
        (("a", 1), ("b", "1"), "several kinds"),
        (("a", True), ("b", 1), "several kinds"),
        (("a", 1), ("b", None), "without a value"),
        (("a", 1), ("b", 1), "the same"),
        (("a", 1), ("a", 2), "names of their own"),
        (("", 1), ("a", 2), "names of their own"),
    ],
)
def test_two_variants_are_of_one_kind_and_not_alike(control: flagd.Variant, treated: flagd.Variant, said: str) -> None:
    with pytest.raises(NotEditable, match=said):
        flagd.shown(b"", KEY, control=control, treated=treated, share=0.5, segment={})


def test_a_segment_of_nobody_is_refused() -> None:
    with pytest.raises(NotEditable, match="nobody is in it"):
        shown(b"", country=())


def test_another_experiment_on_the_flag_is_left_alone() -> None:
    with pytest.raises(
        NotEditable, match=r"another experiment runs on flag checkout-copy: it shows tiny to 0\.25 of users"
    ):
        shown(file(checkout_copy=running("tiny")))
    assert flag(shown(file(checkout_copy=running()), 0.5))["targeting"]["fractional"][0] == ["short", 50]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({**PLAIN, "variants": {"control": "Pay"}}, "has a variant control already"),
        ({**PLAIN, "variants": {"old": "Pay"}, "defaultVariant": "old"}, 'shows everybody "Pay" now'),
        ({**PLAIN, "variants": {"control": "Buy now", "n": 1}}, "several kinds"),
        ({**running(), "variants": {"control": "Buy now", "short": "Pay"}}, "has a variant short already"),
        ({**running(), "targeting": {"if": [{"$ref": "staff"}, "short", None]}}, "the evaluator staff"),
        ({**running(), "targeting": {"==": [1, 1]}}, "no experiment has"),
        ({**running(), "targeting": {"fractional": []}}, "no experiment has"),
        ({**running(), "targeting": {"fractional": [["gone", 1]]}}, "no experiment has"),
        ({**running(), "defaultVariant": "gone"}, "default variant gone"),
        ({**PLAIN, "state": "on"}, "neither ENABLED nor DISABLED"),
        ({"state": "ENABLED"}, "no variants"),
        ({**PLAIN, "metadata": {"control": "gone"}}, "the control gone"),
    ],
)
def test_a_flag_that_something_else_uses_is_refused(held: dict[str, Any], said: str) -> None:
    with pytest.raises(NotEditable, match=said):
        shown(file(checkout_copy=held))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not readable as JSON"),
        (b"// flags\n{}", "not readable as JSON"),
        (b'{"flags": {"a": {}, "a": {}}}', "'a' twice"),
        (b'{"flags": {"a": {"state": "ENABLED", "state": "DISABLED"}}}', "'state' twice"),
        (b'{"flags": []}', "not flagd's"),
        (b"[]", "not flagd's"),
        (b'{"features": {}}', "not flagd's"),
        (b'{"flags": {"checkout-copy": 1}}', "no group of keys"),
        (b'{"flags": {"a": NaN}}', "NaN"),
        (b"\xff", "not UTF-8"),
        (b'{"flags": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_a_file_that_is_none_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(NotEditable, match=said):
        shown(content)
    for edit in (flagd.off, flagd.without):
        with pytest.raises(NotEditable):
            edit(content, KEY)


def test_a_flag_that_is_not_there() -> None:
    assert flagd.read(file(other=PLAIN), KEY) is None
    for edit in (flagd.off, flagd.without):
        with pytest.raises(NotEditable, match="there is no flag checkout-copy; the file has other"):
            edit(file(other=PLAIN), KEY)


def test_off_changes_the_targeting_alone_and_once() -> None:
    on = shown(STYLES["two spaces"])
    ended = flagd.off(on, KEY)
    assert on.replace(b'{"fractional": [["short", 25], ["control", 75]]}', b"{}") == ended
    assert ended == flagd.off(ended, KEY)
    now = flagd.read(ended, KEY)
    assert now is not None
    assert (now.on, now.shares) == (False, {"control": 1.0})


def test_off_takes_back_a_treated_variant_that_became_the_default() -> None:
    treated = shown(b"").replace(b'"defaultVariant": "control"', b'"defaultVariant": "short"')
    without_targeting = treated.replace(b'{"fractional": [["short", 25], ["control", 75]]}', b"{}")
    for on in (treated, without_targeting):
        ended = flagd.off(on, KEY)
        assert (flag(ended)["targeting"], flag(ended)["defaultVariant"]) == ({}, "control")
    now = flagd.read(without_targeting, KEY)
    assert now is not None
    assert (now.on, now.shares) == (True, {"short": 1.0})


def test_off_needs_not_to_understand_what_it_ends() -> None:
    strange = {**running(), "targeting": {"if": [{"$ref": "staff"}, "short", "control"]}}
    before = file(checkout_copy=strange, other=PLAIN)
    ended = flagd.off(before, KEY)
    flagd.check_off(before, ended, KEY)
    assert flag(ended)["targeting"] == {}


def test_off_never_turns_a_disabled_flag_on() -> None:
    disabled = file(checkout_copy={**running(), "state": "DISABLED"})
    assert disabled == flagd.off(disabled, KEY)
    now = flagd.read(disabled, KEY)
    assert now is not None
    assert not now.on


def test_a_flag_without_a_default_is_the_codes_own_affair() -> None:
    bare = file(checkout_copy={**PLAIN, "defaultVariant": None})
    now = flagd.read(bare, KEY)
    assert now is not None
    assert (now.on, now.control, now.shares) == (False, "", {"": 1.0})
    assert bare == flagd.off(bare, KEY)


def test_what_was_turned_off_is_checked_against_what_was_there() -> None:
    before = file(checkout_copy=running(), other=PLAIN)
    flagd.check_off(before, flagd.off(before, KEY), KEY)
    with pytest.raises(NotEditable, match="would not be off"):
        flagd.check_off(before, before, KEY)
    for other in ({**PLAIN, "state": "DISABLED"}, {**PLAIN, "defaultVariant": None}):
        with pytest.raises(NotEditable, match="more of the file of flags than that flag"):
            flagd.check_off(before, file(checkout_copy={**PLAIN}, other=other), KEY)


def test_text_that_utf8_cannot_say_is_kept() -> None:
    half = file(checkout_copy={**PLAIN, "variants": {"control": "Buy now", "odd": "\ud83d"}})
    assert flag(shown(half))["variants"]["odd"] == "\ud83d"


def test_a_number_that_cannot_be_said_again_is_refused() -> None:
    huge = b'{"flags": {"checkout-copy": {"state": "DISABLED", "variants": {"a": 1e999}}}}'
    with pytest.raises(NotEditable, match="too large to be written again"):
        flagd.shown(huge, KEY, control=("x", 1), treated=("y", 2), share=0.5, segment={})
