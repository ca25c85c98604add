"""Durations read back as they were written."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import duration
from config.errors import Unusable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
    ],
)
def test_the_units(text: str, expected: timedelta) -> None:
    assert expected == duration.parse(text)
    assert text == duration.format(expected)


@given(st.integers(min_value=1, max_value=duration.LONGEST // timedelta(milliseconds=1)))
def test_what_is_written_reads_back(milliseconds: int) -> None:
    length = timedelta(milliseconds=milliseconds)
    assert length == duration.parse(duration.format(length))


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        length = duration.parse(text)
    except Unusable:
        return
    assert timedelta(0) < length <= duration.LONGEST


@pytest.mark.parametrize(
    "text", ["", "5 minutes", "-3s", "0s", "0d", "1.5h", "1h30m", "30", "s", "5M", "٣s", "9999999d"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Unusable, match="write a whole number and a unit, as in 30s, 5m, 1h or 7d"):
        duration.parse(text)


def test_less_than_a_millisecond_has_no_text() -> None:
    with pytest.raises(Unusable, match="no whole number of milliseconds"):
        duration.format(timedelta(microseconds=1500))
