"""Text from outside is shown, and obeyed by nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.neutral import fenced, neutral


@pytest.mark.parametrize(
    ("hostile", "gone"),
    [
        ("ping @everyone and @acme/sre", "@e"),
        ("fixes #1, closes GH-12", "#1"),
        ("<!-- trackwalker:key --> hidden", "<!--"),
        ("![x](http://evil.example/p.png)", "]("),
        ("a\u202eb\u200bc\x1b[31mred\x00", "\u202e"),
        ("one\ntwo\r\nthree", "\n"),
        ("| cell | `code` |", "|"),
        ("see https://evil.example", "://e"),
        ("Fixes acme/shop#12", "#1"),
        ("closes gh-12", "gh-1"),
        ("ping &#64;everyone, fixes &num;1", "&#6"),
        ("see www.evil.example", "www.e"),
        ("mail sre@acme.example", "@a"),
    ],
)
def test_markup_and_addresses_are_taken_apart(hostile: str, gone: str) -> None:
    shown = neutral(hostile)
    assert gone in hostile
    assert gone not in shown


@given(st.text())
def test_any_text_becomes_one_short_visible_line(text: str) -> None:
    shown = neutral(text, limit=50)
    assert "\n" not in shown
    assert not set(shown) & set("<>`|[]")
    assert len(shown) <= 50 * 2


def test_plain_text_stays_as_it_is() -> None:
    assert neutral("Round discounts to whole cents (pricing.py)") == "Round discounts to whole cents (pricing.py)"


@given(st.text(alphabet="`a\n"))
def test_a_fence_cannot_be_closed_from_inside(text: str) -> None:
    lines = fenced(text).splitlines()
    fence = lines[0]
    assert lines[-1] == fence
    assert not [line for line in lines[1:-1] if line.strip() == fence]
