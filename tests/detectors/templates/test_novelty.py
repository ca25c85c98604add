"""What is new after warm-up counts by rarity, level and distance."""

from detectors.templates.mine import Miner, Template
from detectors.templates.novelty import WARM_UP_LINES, novelties


def known_and_fresh(*fresh: str, lines: int = WARM_UP_LINES, once: int = 0) -> tuple[list[Template], list[Template]]:
    miner = Miner()
    words = [f"{a}{b}{c}" for a in "bcdfg" for b in "aeiou" for c in "lmnpr"]
    miner.feed(b"2026-03-01 10:00:00 INFO request 1 was served\n" * lines)
    for word in words[:once]:
        miner.feed(f"2026-03-01 10:00:00 INFO {word}ing {word}er went {word}wards\n".encode())
    known = list(miner.templates())
    ids = miner.feed("\n".join(fresh).encode())
    new = {one.id: one for one in miner.templates()}
    return known, [new[number] for number in ids.tolist()]


ERROR = "2026-03-01 10:00:00 ERROR connection pool of shop is exhausted"
INFO = "2026-03-01 10:00:00 INFO connection pool of shop is exhausted now"
NEAR = "2026-03-01 10:00:00 ERROR request 1 was not served"


def test_an_error_counts_more_than_a_notice_and_the_unlike_more_than_the_like() -> None:
    known, fresh = known_and_fresh(ERROR, INFO, NEAR)
    found = {one.template.id: one for one in novelties(known, fresh)}
    error, notice, near = (found[one.id] for one in fresh)
    assert 1 >= error.score > near.score > notice.score > 0
    assert near.nearest is not None
    assert near.distance < 0.5 < error.distance
    assert [one.score for one in novelties(known, fresh)] == sorted((one.score for one in found.values()), reverse=True)
    assert "its level is error" in error.reasons
    assert any("request" in reason for reason in near.reasons)


def test_where_new_ones_come_all_the_time_one_more_says_less() -> None:
    calm = novelties(*known_and_fresh(ERROR))[0].score
    lively = novelties(*known_and_fresh(ERROR, once=100))[0].score
    assert lively < 0.6 * calm


def test_nothing_is_told_before_warm_up_and_of_nothing() -> None:
    assert novelties(*known_and_fresh(ERROR, lines=WARM_UP_LINES - 1)) == ()
    assert novelties([], []) == ()
