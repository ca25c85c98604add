"""The expressions of silences: what Go's regexp says of them, and in time whatever they are."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.regular import LONGEST_TEXT, Regular, Unreadable

EXPRESSIONS = [
    "shop|cart", "(shop|cart)-[0-9]+", "web-.*", ".*", ".+", "", "a*", "a+?", "(?:ab)?c", "[^a-c]+", "[a-c0-9_-]+",
    r"a\.b", r"\d{2,3}", r"\w+\s\w+", "x{2}", "x{2,}", "x{0,1}y", "a|b|", "(a|b)*c", "^ab$", "[]a]+", "a-z",
    r"[\d.]+", "(?i)sHop", "(?s).", "a{,2}", r"\x41\x{42}", r"[^\d]", "(?i:a)b", r"\Aab\z", "(|a)b", r"[\]\\]",
    "é+", "a{x}",
]  # fmt: skip
TEXTS = [
    "", "shop", "SHOP", "cart-12", "web-", "web-3", "a", "aa", "b", "ab", "aB", "AB", "abc", "c", "ababc", "a.b",
    "axb", "12", "123", "1234", "one two", "xx", "xxx", "xy", "y", "]", "]a", "-", "_", "a-z", "1.2", "\n", "a{,2}",
    "d", "éé", "a{x}", "\\",
]  # fmt: skip


def as_python_has_it(expression: str) -> str:
    """The few things that Python spells otherwise."""
    return expression.replace(r"\x{42}", "B").replace(r"\z", r"\Z").replace("a{,2}", r"a\{,2\}")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_it_says_what_a_plain_engine_says(expression: str) -> None:
    ours, theirs = Regular.of(expression), re.compile(as_python_has_it(expression), re.ASCII)
    assert [ours.matches(text) for text in TEXTS] == [theirs.fullmatch(text) is not None for text in TEXTS]


def test_a_flag_holds_to_the_end_of_its_group() -> None:
    ours = Regular.of("x(a(?i)b|c)D")
    assert [text for text in ("xabD", "xaBD", "xAbD", "xCD", "xabd") if ours.matches(text)] == ["xabD", "xaBD", "xCD"]


@pytest.mark.parametrize(
    ("expression", "because"),
    [
        ("(a", "a ( is not closed"),
        ("a)", "a ) closes nothing"),
        ("*a", "repeats nothing"),
        ("a**", "a repetition is repeated"),
        ("[a", "it breaks off"),
        ("[z-a]", "ends before it begins"),
        ("a{3,2}", "ends before it begins"),
        (r"\bshop", "not known here (\\b)"),
        (r"\pN", "not known here"),
        ("[[:alpha:]]", "not known here"),
        ("(?=a)", "a flag that is not known here"),
        ("(?P<a b>c)", "it has a group that is not known here"),
        ("a{5000}", "too long when"),
        ("((a{100}){100}){100}", "too long when"),
        ("(" * 200 + ")" * 200, "nested too deeply"),
        (r"\x{zz}", "no number"),
        (r"\x{ffffffff}", "no letter"),
        ("a\\", "breaks off"),
    ],
)
def test_what_is_no_expression_or_is_not_known_is_refused_by_name(expression: str, because: str) -> None:
    with pytest.raises(Unreadable) as refused:
        Regular.of(expression)
    assert because in str(refused.value)


@pytest.mark.parametrize("expression", ["(a+)+$", "(a|aa)+b", "(.*)*(.*)*(.*)*x", "(a?){200}a{200}"])
def test_no_expression_takes_long(expression: str) -> None:
    began = time.process_time()
    assert not Regular.of(expression).matches("a" * 150 + "!")
    assert time.process_time() - began < 2


def test_a_text_that_is_too_long_is_matched_by_none() -> None:
    assert Regular.of(".*").matches("a" * LONGEST_TEXT)
    assert not Regular.of(".*").matches("a" * (LONGEST_TEXT + 1))


@given(st.text(alphabet="ab|()[]*+?{},^$\\.-:1dwxiPs<>=!\n", max_size=30), st.text(max_size=10))
def test_whatever_is_written_is_an_expression_or_is_refused(expression: str, text: str) -> None:
    try:
        made = Regular.of(expression)
    except Unreadable:
        return
    assert made.matches(text) in {True, False}
