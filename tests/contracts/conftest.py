"""The stores of a ledger, of each kind."""

import pytest

from cases.ports import CaseStore, Outbox
from daemon.ledger.ledger import Ledger
from tests.parts.stores import empty_ledger, ledger, place, shared_base

__all__ = ["empty_ledger", "ledger", "place", "shared_base"]


@pytest.fixture
def store(ledger: Ledger) -> CaseStore:
    return ledger.cases


@pytest.fixture
def outbox(ledger: Ledger) -> Outbox:
    return ledger.outbox
