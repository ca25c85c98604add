"""The guard against None: in one place, by one name, and all else byte for byte."""

import pytest

from remediation.patterns.guard import guarded
from remediation.patterns.mended import Mended
from remediation.playbooks.python_edit import beyond_the_pattern

NO_ITEMS = "'NoneType' object has no attribute 'items'"
TOTAL = '''\
import decimal

def total(cart):
    """The sum."""
    if cart is False:
        return 0
\t# tabs and\x20
    # what it comes to
    value = (cart .items) * 2   # twice
    return  value
'''.replace("\t", "    ").replace("\n", "\r\n")


def lines_added(before: str, after: str) -> list[str]:
    old = before.splitlines(keepends=True)
    return [line for line in after.splitlines(keepends=True) if line not in old]


def test_it_leaves_as_the_function_does_elsewhere() -> None:
    mended = guarded(TOTAL, 9, "total", NO_ITEMS)
    assert isinstance(mended, Mended), mended
    assert lines_added(TOTAL, mended.source) == ["    if cart is None:\r\n"]  # `return 0` stands there already
    assert mended.source.replace("    if cart is None:\r\n        return 0\r\n", "") == TOTAL
    assert mended.title == "Guard cart against None in total()"
    assert beyond_the_pattern(TOTAL, mended.source) == ""


LOOP = "def f(x):\n    for y in x:\n        print(y.items)\n    return x\n"
NO_ITEM = "'NoneType' object is not subscriptable"
EARLY = "def f(x):\n    if not x.y:\n        return []\n    return x.y['a']\n"


@pytest.mark.parametrize(
    ("source", "line", "said", "guard"),
    [
        (LOOP, 3, NO_ITEMS, "        if y is None:\n            continue"),
        ("def f(x):\n    x.items.clear()\n", 2, NO_ITEMS, "    if x is None:\n        return"),
        (EARLY, 4, NO_ITEM, "    if x.y is None:\n        return []"),
        ("def f(x):\n    yield x.items\n", 2, NO_ITEMS, "    if x is None:\n        return"),
    ],
)
def test_each_way_out(source: str, line: int, said: str, guard: str) -> None:
    mended = guarded(source, line, "f", said)
    assert isinstance(mended, Mended), mended
    lines = source.splitlines(keepends=True)
    assert mended.source == "".join([*lines[: line - 1], f"{guard}\n", *lines[line - 1 :]])
    assert beyond_the_pattern(source, mended.source) == ""


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("def f(x):\n    return x.items\n", 2, "nothing says what the function gives"),
        ("def f(x, y):\n    print(x.items, y.items)\n", 2, "several names may be the one"),
        ("def f(x):\n    print(x().items)\n", 2, "no plain name"),
        ("def f(x):\n    print(x.other)\n", 2, "no plain name"),
        ("def f(x):\n    if x.items:\n        return 1\n", 2, "no plain statement"),
        ("def g(x):\n    print(x.items)\n", 2, "the function is not there"),
        ("def f(x:\n", 1, "does not parse"),
        (
            "def f(x):\n    if x:\n        return 1\n    if not x:\n        return 2\n    print(x.items)\n",
            6,
            "nothing says",
        ),
    ],
)
def test_what_would_be_a_guess_is_left(source: str, line: int, said: str) -> None:
    answer = guarded(source, line, "f", NO_ITEMS)
    assert isinstance(answer, str), answer
    assert said in answer


def test_what_goes_beyond_the_pattern_is_seen() -> None:
    before = "a = 1\nb = 2\nc = 3\nd = 4\n"
    assert beyond_the_pattern(before, before) == "nothing would change"
    assert beyond_the_pattern(before, "a = (\n") == "it would not compile"
    assert beyond_the_pattern(before, "a = 1\n") == "more than the pattern would change"
