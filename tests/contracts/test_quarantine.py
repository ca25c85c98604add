"""What is promised of tests that come and go, wherever they are remembered."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cases.ports import Quarantine
from daemon.clock import ManualClock
from daemon.ledger.ledger import open_ledger
from daemon.quarantine import LedgerQuarantine
from remediation.quarantine import KEPT, MemoryQuarantine
from tests.parts.nouns import NOW

DAY = timedelta(days=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(params=["ledger", "memory"])
def quarantine(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Quarantine]:
    if request.param == "memory":
        yield MemoryQuarantine(clock)
        return
    with open_ledger(f"sqlite:///{tmp_path}/l.db", clock=clock) as ledger:
        yield LedgerQuarantine(ledger.checkpoints, clock)


def test_nothing_is_known_at_first_and_of_others(quarantine: Quarantine) -> None:
    assert quarantine.known("shop") == frozenset()
    quarantine.seen("shop", {"t::a", "t::b"})
    assert quarantine.known("shop") == {"t::a", "t::b"}
    assert quarantine.known("cart") == frozenset()


def test_one_sighting_is_forgotten_after_four_weeks_and_many_after_eight(
    quarantine: Quarantine, clock: ManualClock
) -> None:
    quarantine.seen("shop", {"once", "often"})
    for _ in range(9):
        quarantine.seen("shop", {"often"})
    clock.advance(27 * DAY)
    assert quarantine.known("shop") == {"once", "often"}
    clock.advance(2 * DAY)
    assert quarantine.known("shop") == {"often"}
    quarantine.seen("shop", set())
    clock.advance(28 * DAY)
    assert quarantine.known("shop") == frozenset()


def test_a_memory_has_an_end(quarantine: Quarantine) -> None:
    quarantine.seen("shop", {f"t::{n}" for n in range(KEPT)})
    quarantine.seen("shop", {"t::0", "t::more"})
    known = quarantine.known("shop")
    assert len(known) == KEPT
    assert "t::0" in known
