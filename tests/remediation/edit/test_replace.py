"""Search and replace: exact and unique or not at all; every other byte stays."""

import pytest

from remediation.edit.code import functions
from remediation.edit.replace import NoMatch, Replacement, appended, carried, function_replaced, replaced

TEXT = b"a = 1\nb = 2\nc = 3\n"


def put(content: bytes, *pairs: tuple[str, str]) -> bytes | NoMatch:
    return replaced("x.py", content, [Replacement(path="x.py", search=s, replace=r) for s, r in pairs])


def because(content: bytes, *pairs: tuple[str, str]) -> str:
    outcome = put(content, *pairs)
    assert isinstance(outcome, NoMatch)
    return outcome.because


def test_what_stands_there_once_is_replaced() -> None:
    assert put(TEXT, ("b = 2", "b = 4")) == b"a = 1\nb = 4\nc = 3\n"
    assert put(TEXT, ("c = 3\n", ""), ("a = 1", "a = 0\nz = 9")) == b"a = 0\nz = 9\nb = 2\n"


@pytest.mark.parametrize(
    "content", [TEXT.replace(b"\n", b"\r\n"), b"a = 1\r\nb = 2\nc = 3\r\n", b"\xef\xbb\xbf" + TEXT]
)
def test_line_ends_and_marks_are_kept(content: bytes) -> None:
    outcome = put(content, ("b = 2", "b = 4\nbb = 5"))
    assert isinstance(outcome, bytes)
    end = b"\r\n" if content.count(b"\r\n") * 2 > content.count(b"\n") else b"\n"
    assert outcome == content.replace(b"b = 2", b"b = 4" + end + b"bb = 5")
    across = put(content, ("a = 1\nb = 2", "d"))
    assert isinstance(across, bytes)
    assert across.endswith(content[content.index(b"c = 3") :])


def test_what_does_not_go_in_says_why() -> None:
    assert because(TEXT, ("d = 4", "x")) == "`search` does not stand in it"
    assert because(TEXT, (" = ", "x")) == "`search` stands in it more than once"
    assert because(b"aaa", ("aa", "x")) == "`search` stands in it more than once"
    assert because(TEXT, (" \n", "x")) == "`search` is empty"
    assert because(TEXT, ("b = 2", "b = 2")) == "`search` and `replace` are the same"
    assert because(TEXT, ("a = 1\nb", "x"), ("b = 2", "y")) == "two replacements overlap"
    assert because(b"\xff", ("a", "b")) == "it is no UTF-8 text"


def test_the_nearest_lines_are_told() -> None:
    outcome = put(
        b"import os\n\ndef total(cart):\n    return sum(cart)\n", ("def total(cart, tax):\n  return sum(cart)", "x")
    )
    assert isinstance(outcome, NoMatch)
    assert outcome.nearest == "def total(cart):\n    return sum(cart)"


def test_a_whole_function_with_its_decorators() -> None:
    content = (
        b"import functools\r\n\r\n@functools.cache\r\ndef f():\r\n    return 1\r\n\r\ndef g():\r\n    return 2\r\n"
    )
    found = functions(content)
    assert found
    first = found[0]
    outcome = function_replaced("x.py", content, first, "def f():\n    return 3\n")
    assert outcome == b"import functools\r\n\r\ndef f():\r\n    return 3\r\n\r\ndef g():\r\n    return 2\r\n"


def test_an_addition_leaves_what_is_there() -> None:
    assert appended(b"a\r\nb", "c\nd\n") == b"a\r\nb\r\n\r\n\r\nc\r\nd\r\n"
    assert appended(b"a\n", "c").startswith(b"a\n")


def test_a_change_is_carried_where_its_lines_still_stand() -> None:
    base = b"".join(b"line %d\n" % n for n in range(30))
    changed = base.replace(b"line 10\n", b"line ten\n").replace(b"line 25\n", b"")
    head = b"new\n" + base.replace(b"line 18\n", b"line eighteen\n")
    expected = b"new\n" + changed.replace(b"line 18\n", b"line eighteen\n")
    assert carried("x", base, changed, head) == expected
    assert isinstance(carried("x", base, changed, base.replace(b"line 10\n", b"line X\n")), NoMatch)
    assert isinstance(carried("x", base, changed, base + base), NoMatch)
