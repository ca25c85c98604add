"""Whoever changes a row of the store behind the daemon's back is found out, and the row is named."""

from pathlib import Path

import pytest

from benchmarks.tampering import build, trial
from daemon.clock import ManualClock
from daemon.invariants.verify import offline
from daemon.ledger.ledger import open_ledger
from tests.parts.nouns import NOW


def test_a_ledger_that_nobody_touched_is_fine(tmp_path: Path) -> None:
    build(tmp_path / "ledger.db", tmp_path / "audit.anchor", cases=3)
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=ManualClock(NOW)) as ledger:
        assert len(ledger.audit.listed()) > 100
        assert offline(ledger.database, (tmp_path / "audit.anchor",)) == ()


def test_two_dozen_tamperings_are_all_named(tmp_path: Path) -> None:
    tried, _, missed = trial(tmp_path, 25, seed=20, cases=3)
    assert missed == []
    assert len(tried) > 12, "of most kinds"


@pytest.mark.long
def test_a_thousand_tamperings_are_all_named(tmp_path: Path) -> None:
    tried, named, missed = trial(tmp_path, 1000, seed=1)
    assert missed == []
    assert tried == named
    assert min(tried.values()) > 5
