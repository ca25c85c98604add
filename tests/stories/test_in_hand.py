"""A pull request that git cannot merge any more goes to a human: what they do is seen, and nothing is orphaned."""

from pathlib import Path

import pytest

from cases.case import Case, Phase
from cases.outcome import Ending
from tests.parts.playhouse import NORMAL, House, house


def in_hand(it: House) -> tuple[Case, int]:
    """Somebody rewrites the very line that an open pull request takes back."""
    it.until(Phase.PROPOSED)
    (pull,) = it.pull_requests("open")
    text = b"def total(cart):\n    return round(sum(cart), 1)  # as the books have it\n"
    it.commit("Round to a tenth", {"shop/pricing.py": text}, minutes_ago=0)
    case = it.until(Phase.ESCALATED)
    return case, int(pull["number"])


def test_a_no_to_what_a_human_has_in_hand_is_remembered(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        case, number = in_hand(it)
        assert not it.pull_requests("open")[0]["draft"]
        it.close(number)
        case = it.until(Phase.CLOSED, minutes=15)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.CLOSED_UNMERGED
        assert case.lesson is not None


@pytest.mark.long
def test_what_recovers_while_a_human_has_it_in_hand_leaves_a_draft_that_says_so(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        _, number = in_hand(it)
        it.readings.becomes(NORMAL, it.now)
        case = it.until(Phase.CLOSED, every=1)
        it.passes(1)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.RECOVERED
        (pull,) = it.pull_requests("open")
        assert (pull["number"], pull["draft"]) == (number, True)
        assert any("Closed without this" in said for said in it.comments(number))


@pytest.mark.long
def test_what_a_human_merges_after_all_is_watched(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        case, number = in_hand(it)
        mended: dict[str | bytes, bytes | None] = {"shop/pricing.py": b"def total(cart):\n    return sum(cart)\n"}
        it.commit("Take it back by hand", mended, minutes_ago=0)
        it.merge(number)
        case = it.until(Phase.CLOSED, minutes=120, every=2)
        assert [merge.pull_request for merge in case.merges] == [number]
        assert case.outcome is not None
        assert case.outcome.ending is Ending.WORKED
