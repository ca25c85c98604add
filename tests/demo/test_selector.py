"""Selectors and the text format, by example."""

import pytest

from demo.selector import NotASelector, parse_duration, parse_exposition, parse_selector

SHOP = {"__name__": "requests", "service": "shop", "status": "503"}


@pytest.mark.parametrize(
    ("text", "picked"),
    [
        ("requests", True),
        ('requests{service="shop"}', True),
        ('requests{service="shop",status=~"5.."}', True),
        ('requests{status=~"5"}', False),
        ('requests{status!~"4..|2.."}', True),
        ('requests{service!="shop"}', False),
        ("requests{service='shop',}", True),
        ('requests{zone=""}', True),
        ('{__name__=~"req.*", service="shop"}', True),
        (' requests { service = "shop" } ', True),
        ("request", False),
    ],
)
def test_what_a_selector_picks(text: str, picked: bool) -> None:  # noqa: FBT001 - a table's column
    assert parse_selector(text).accepts(SHOP) is picked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rate(requests[1m])",
        'a{b="c"} + a{b="d"}',
        'a{b="c}',
        "a{b=c}",
        'a{b=~"("}',
        "a[5]",
        "{}",
        '{b=~".*"}',
        "a b",
    ],
)
def test_what_is_no_selector(text: str) -> None:
    with pytest.raises(NotASelector):
        parse_selector(text)


@pytest.mark.parametrize(("text", "ms"), [("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), ("500ms", 500)])
def test_durations(text: str, ms: int) -> None:
    assert parse_duration(text) == ms
    assert parse_selector(f"a[{text}]").range_ms == ms


def test_a_metrics_page_is_read() -> None:
    page = '# TYPE a counter\na{x="1",y="say \\"hi\\""} 3\nb 1.5e-05\n\n'
    assert parse_exposition(page) == [({"__name__": "a", "x": "1", "y": 'say "hi"'}, 3.0), ({"__name__": "b"}, 1.5e-05)]
    with pytest.raises(NotASelector, match="is not a sample"):
        parse_exposition("<html>")
