"""kill -9, at random moments and at every step: no case is lost, and nothing is done twice."""

from pathlib import Path

import pytest

from tests.faults.kills.doom import STEPS, step_of
from tests.faults.kills.life import Way
from tests.faults.kills.reaper import Nursery, at_every_site, at_random
from tests.faults.kills.tally import Tally
from tests.parts.stores import Place, in_file

KILLS = 30
MANY = 1000
TIMES = 20
ASKED_AGAIN = 0.5  # model calls bought again, a kill
EVERY = Way(doomed=1.0)


def assert_nothing_lost_and_nothing_twice(tally: Tally) -> None:
    assert (tally.lost, tally.twice, tally.unpromised) == ([], [], 0), tally.table()
    assert tally.pull_requests == tally.cases
    assert tally.comments == 3 * tally.cases, "merged, deployed, judged"
    assert tally.asked_again_a_kill <= ASKED_AGAIN, tally.table()


@pytest.mark.timeout(300)  # half a minute, beside nothing else
def test_killed_at_random_moments(tmp_path: Path, parent: Nursery, nowhere: Place) -> None:
    tally = at_random(tmp_path, parent, kills=KILLS, seed=1, place=nowhere)
    assert_nothing_lost_and_nothing_twice(tally)
    assert tally.kills == KILLS


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_a_thousand_times(tmp_path: Path, parent: Nursery, nowhere: Place) -> None:
    tally = at_random(tmp_path, parent, kills=MANY, seed=2, place=nowhere)
    assert_nothing_lost_and_nothing_twice(tally)
    assert tally.kills == MANY


@pytest.mark.timeout(300)
def test_killed_before_and_after_each_call_of_every_step(tmp_path: Path, parent: Nursery) -> None:
    tally = at_every_site(tmp_path, parent, way=EVERY, place=in_file(tmp_path / "ledger.db"))
    assert_nothing_lost_and_nothing_twice(tally)
    assert_every_step_was_struck(tmp_path, tally, cases=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_at_every_step_twenty_times(tmp_path: Path, parent: Nursery, nowhere: Place) -> None:
    tally = at_every_site(tmp_path, parent, cases=TIMES, daemons=2, way=EVERY, place=nowhere)
    assert_nothing_lost_and_nothing_twice(tally)
    assert_every_step_was_struck(tmp_path, tally, cases=TIMES)


def assert_every_step_was_struck(folder: Path, tally: Tally, *, cases: int) -> None:
    struck = (folder / "struck").read_text().splitlines()
    # two daemons, and two threads of one life, may meet a site at once: then it is struck twice
    assert cases * len(STEPS) < tally.kills <= len(struck)
    for side in ("before", "after"):
        steps = [step_of(site) for site in struck if site.startswith(side)]
        assert {step: steps.count(step) >= cases for step in STEPS} == dict.fromkeys(STEPS, True), struck


def test_who_does_not_look_does_things_twice(tmp_path: Path, parent: Nursery) -> None:
    """The harness can fail: without a look before a write, what was done and not written down is done again."""
    way = Way(naive=True, doomed=1.0, at=("after open_pull_request", "after comment"))
    tally = at_every_site(tmp_path, parent, way=way, place=in_file(tmp_path / "ledger.db"), ponder=0.0)
    assert tally.lost == []
    assert {line.split()[0] for line in tally.twice} > {"comment"}
    assert [line for line in tally.twice if "2 pull requests" in line], tally.table()
    assert tally.kills == 4, "one for the pull request, three for the comments on it"
