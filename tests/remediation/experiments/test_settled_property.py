"""Code does without the flag what it did while the flag showed everybody one value: random functions, run both ways."""

import warnings
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from remediation.experiments.settled import settled
from remediation.values.refused import NotEditable

EVENT = 'exposure("checkout_button"'
ASKED = (
    'flags.get("checkout_button", 0)',
    'client.variation("checkout_button", {"user": x}, None)',
    "flags.get(key='checkout_button')",
    "get_flag_value(KEY)",
)
VALUES: tuple[JsonValue, ...] = (True, False, True, False, "Pay now", "", 0, -2, 1.5, None, [1, "a"], [], {"a": 1})


class Made:
    """Makes functions at random: a seed makes the same one again."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - no secret
        self._bound = 0

    def function(self, depth: int = 3) -> str:
        body = self.block(("x", "a", "b"), depth, loop=False)
        named = ['KEY = "checkout_button"', ""] if any("KEY" in line for line in body) else []
        lines = ["from flags_of import exposure, flags", *named, "def f(x):", "    a = b = x", *deeper(body), ""]
        return "\n".join(lines)

    def block(self, names: tuple[str, ...], depth: int, *, loop: bool) -> list[str]:
        lines: list[str] = []
        for _ in range(self._random.randint(1, 4)):
            lines += self.statement(names, depth, loop=loop)
            if self._random.random() < 0.3:
                self._bound += 1
                lines.append(f"v{self._bound} = {self.expression(names, 1)}  # named")
                names = (*names, f"v{self._bound}")
        return lines

    def statement(self, names: tuple[str, ...], depth: int, *, loop: bool) -> list[str]:
        kind = self._random.randint(0, 12)
        name, said = self._random.choice(names), self.expression(names, 2)
        if kind < 6 and depth:
            return self.compound(kind, said, names, depth - 1, loop=loop)
        if kind > 9:
            return [f'exposure("checkout_button", {name})', "# behind", "", "# about b", f"b = {said}"]
        plain = [f"log({said})", f"a = {said}", f"return {said}", f"if {said}: exposure(KEY, x); log(5)"]
        plain += ["continue", "break"] if loop else []
        return [self._random.choice(plain)] if self._random.random() < 0.97 else [f'yield f"{{{name}}}"']

    def compound(self, kind: int, said: str, names: tuple[str, ...], depth: int, *, loop: bool) -> list[str]:
        inner = deeper(self.block(names, depth, loop=loop or kind == 3))
        match kind:
            case 3:
                return [f"for a in (1, 2):  # {depth}", *inner]
            case 4:
                return ["try:", *inner, "finally:", f"    log({said})"]
            case 5:
                own = deeper(self.block(names, depth, loop=False))
                return ["def inside(y=1, a=2, b=3):", *own, "log(str(inside())[:9])"]
            case _:
                lines = [f"if {said}:  # whether", *inner]
                if self._random.random() < 0.5:
                    lines += [f"elif {self.expression(names, 2)}:", *deeper(self.block(names, depth, loop=loop))]
                if self._random.random() < 0.5:
                    lines += ["else:", *deeper(self.block(names, depth, loop=loop))]
                return lines

    def expression(self, names: tuple[str, ...], depth: int) -> str:
        if not depth or self._random.random() < 0.4:
            return self._random.choice((*ASKED, *ASKED, "True", "False", "'Pay now'", "0", *names))
        one, two, three = (self.expression(names, depth - 1) for _ in range(3))
        return self._random.choice(
            (
                f"log({one})",
                f"(not {one})",
                f"bool({one})",
                f"({one} and {two})",
                f"({one} or {two})",
                f"({one} if {two} else {three})",
                f"({one} {self._random.choice(('== x', '!= x', '== True', '!= None', 'is not None', 'is not True'))})",
                f"[one for one in (1, x) if {two}]",
            )
        )


def deeper(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


class Stub:
    """A module, a client and flags that always answer one value, and what the code logged."""

    def __init__(self, value: JsonValue) -> None:
        self.value, self.logged = value, list[object]()

    def get(self, key: str, *others: object) -> JsonValue:
        assert (key, len(others) < 3) == ("checkout_button", True)
        return self.value

    variation = get

    def seen(self, key: str, _: object) -> None:
        assert key == "checkout_button"

    def log(self, value: object) -> object:
        self.logged.append(value)
        assert len(self.logged) < 1000
        return value


def does(source: str, value: JsonValue, x: object) -> tuple[Any, list[object]]:
    """What a function returns or yields, and what it logged on the way."""
    stub = Stub(value)
    lines = [line for line in source.splitlines() if not line.startswith("from flags_of")]
    names: dict[str, Any] = {"flags": stub, "client": stub, "get_flag_value": stub.get, "log": stub.log}
    names["exposure"] = stub.seen
    with warnings.catch_warnings(action="ignore", category=SyntaxWarning):  # `"Pay now" is not True`
        exec(compile("\n".join(lines), "f", "exec", dont_inherit=True), names)  # noqa: S102 - made up here
    ended: Any = names["f"](x)
    return list(ended) if hasattr(ended, "__next__") else ended, stub.logged


def holds(source: str, value: JsonValue) -> None:
    try:
        after = settled(source.encode(), "f.py", flag="checkout_button", value=value, event=EVENT).decode()
    except NotEditable as refused:
        assert "would yield nothing any more" in str(refused)  # noqa: PT017 - nothing else may be refused
        return
    for x in (0, "Pay now"):
        assert does(source, value, x) == does(after, value, x), f"{value!r}\n{source}\n=====\n{after}"
    assert "checkout_button" not in after
    assert settled(after.encode(), "f.py", flag="checkout_button", value=value, event=EVENT).decode() == after


@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32), value=st.sampled_from(VALUES))
def test_code_does_what_it_did(seed: int, value: JsonValue) -> None:
    holds(Made(seed).function(depth=2), value)


@pytest.mark.long
@pytest.mark.parametrize("value", VALUES)
def test_code_does_what_it_did_a_thousand_times(value: JsonValue) -> None:
    for seed in range(100):
        holds(Made(seed).function(), value)
