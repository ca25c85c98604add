"""Ended around a merge that nobody asked for: it is merged once, and known as the daemon's own."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.ports import Forge
from cases.pull_request_events import MergeAnnounced, Merged
from cases.steps import MergePullRequest
from daemon.ledger.outbox import ADOPTED, DONE, PROMISED
from tests.parts.levers import levered
from tests.parts.playhouse import House
from tests.stories.test_killed import Deadly, Killed
from tests.stories.test_unasked import announces, granted, of, present, pulled

INSTANTS = ("obstacles", "merge", "comment")
"""Struck before and after: before the promise, between promise and merge, between merge and receipt, behind both."""


@pytest.mark.long
@pytest.mark.timeout(400)
def test_killed_around_the_merge_it_is_merged_once(tmp_path: Path) -> None:
    calls: dict[str, int] = {}
    with granted(tmp_path, auto_merge={"paths": ["shop/**"], "veto": "2h"}) as it:
        with levered(it) as life:
            announces(life)
            assert len(of(present(it), MergeAnnounced)) == 1
        it.clock.advance(timedelta(hours=2))

        def deadly(forge: Forge) -> Any:  # noqa: ANN401 - a Forge, by delegation
            return Deadly(forge, INSTANTS, calls)

        it.wrap_forge = deadly
        lives = lives_until_merged(it)
        it.wrap_forge = lambda forge: forge
        with levered(it) as life:
            (merge,) = of(present(it), Merged)
            assert merge.unasked
            assert len(of(present(it), MergeAnnounced)) == 1
            told = [line for line in life.app.ledger.audit.listed(present(it).id) if line.detail.get("kind") == MERGE]
            assert [line.action for line in told if line.action in {PROMISED, DONE, ADOPTED}] == [PROMISED, ADOPTED]
        assert pulled(it)["merged"]
        assert it.world.faults.count("PUT", "/merge") == 1
    # each was struck before and after: a harness that strikes nothing would prove nothing
    assert {name for name in INSTANTS if any(key.startswith(name) and n > 1 for key, n in calls.items())} == {*INSTANTS}
    assert lives > len(INSTANTS)


MERGE = MergePullRequest.__name__


def lives_until_merged(it: House) -> int:
    """Start the daemon again and again until the merge is known and told; how many lives it took."""
    for lives in range(1, 30):
        try:
            with levered(it) as life:
                life.passes(1)
                if of(present(it), Merged) and not life.app.ledger.outbox.pending(present(it).id):
                    return lives
        except Killed:
            continue
    raise AssertionError("it never came through")
