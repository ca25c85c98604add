"""Ledgers of each kind."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW
from tests.parts.stores import empty_ledger, in_file, ledger, nowhere, place, shared_base

__all__ = ["empty_ledger", "ledger", "nowhere", "place", "shared_base"]


@pytest.fixture
def file_ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    """An empty one in a file, where both kinds must be the same."""
    path = Path(shutil.copy(empty_ledger, tmp_path / "store.db"))
    with in_file(path).opened(clock=ManualClock(NOW)) as ledger:
        yield ledger
