"""What users are really shown: our files, read by OpenFeature's own client and flagd's provider."""

import math
from pathlib import Path

import pytest

from remediation.experiments import flagd
from tests.parts.flags import KEY, turned_on
from tests.parts.openfeature import reading

FEW, MANY = 2_000, 100_000


def evaluated(folder: Path, content: bytes, users: int, key: str = KEY, **about: str) -> set[int]:
    """Who is treated."""
    (folder / "flags.json").write_bytes(content)
    with reading(folder / "flags.json") as reader:
        return reader.treated(key, users, "short", about)


def within(count: int, users: int, share: float) -> bool:
    """Whether that many of the users are what a share comes to, by the binomial error: four of its deviations."""
    return abs(count - users * share) <= 4 * math.sqrt(users * share * (1 - share))


def test_a_larger_share_keeps_whom_a_smaller_one_treated(tmp_path: Path) -> None:
    content, before = b"", set[int]()
    for share in (0.1, 0.3333, 1.0):
        content = turned_on(content, share)
        now = evaluated(tmp_path, content, FEW)
        assert within(len(now), FEW, share)
        assert before < now
        before = now
    assert evaluated(tmp_path, content, FEW) == before


def test_the_segment_restricts(tmp_path: Path) -> None:
    content = flagd.shown(
        b"", KEY, control=("control", "Buy now"), treated=("short", "Buy"), share=0.5,
        segment={"country": ("DE", "AT"), "plan": ("pro",)},
    )  # fmt: skip
    inside = evaluated(tmp_path, content, FEW, country="AT", plan="pro")
    assert within(len(inside), FEW, 0.5)
    for about in ({"country": "FR", "plan": "pro"}, {"country": "AT", "plan": "free"}, {"country": "AT"}, {}):
        assert set() == evaluated(tmp_path, content, 500, **about)


def test_who_is_compared_can_be_told_from_who_is_not(tmp_path: Path) -> None:
    content = flagd.shown(
        b"", KEY, control=("control", "Buy now"), treated=("short", "Buy"), share=0.5, segment={"country": ("DE",)}
    )
    (tmp_path / "flags.json").write_bytes(content)
    with reading(tmp_path / "flags.json") as reader:
        shown = {reader.value(KEY, f"user-{number}", {"country": "DE"}) for number in range(20)}
        assert shown == {"Buy", "Buy now"}
        assert reader.reason(KEY, "user-1", {"country": "DE"}) == "TARGETING_MATCH"
        assert reader.reason(KEY, "user-1", {"country": "FR"}) == "DEFAULT"
        assert reader.reason(KEY, None, {"country": "DE"}) == "DEFAULT"
        assert reader.value(KEY, "user-1", {"country": "FR"}) == "Buy now"


def test_off_reaches_everybody_and_nobody_elses_flag(tmp_path: Path) -> None:
    two = flagd.shown(
        turned_on(b"", 1.0), "other", control=("control", "1"), treated=("short", "2"), share=1.0, segment={}
    )
    ended = flagd.off(two, KEY)
    assert len(evaluated(tmp_path, two, 500)) == 500
    assert set() == evaluated(tmp_path, ended, FEW)
    assert len(evaluated(tmp_path, ended, 500, "other")) == 500
    (tmp_path / "flags.json").write_bytes(ended)
    with reading(tmp_path / "flags.json") as reader:
        assert {"Buy now"} == {reader.value(KEY, f"user-{number}") for number in range(100)}


@pytest.mark.long
def test_shares_of_a_hundred_thousand_users_are_as_asked(tmp_path: Path) -> None:
    content, before = b"", set[int]()
    for share in (0.01, 0.05, 0.25, 0.3333, 0.5, 0.75, 0.999, 1.0):
        content = turned_on(content, share)
        now = evaluated(tmp_path, content, MANY)
        assert within(len(now), MANY, share), (share, len(now))
        assert before < now
        before = now


@pytest.mark.long
def test_two_flags_split_the_users_independently(tmp_path: Path) -> None:
    content = turned_on(b"", 0.5)
    content = flagd.shown(content, "other", control=("control", "1"), treated=("short", "2"), share=0.5, segment={})
    one, other = (evaluated(tmp_path, content, MANY, key) for key in (KEY, "other"))
    assert within(len(one & other), MANY, 0.25)
