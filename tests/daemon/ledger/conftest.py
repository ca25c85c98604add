"""A ledger on a real file, and one in a real PostgreSQL."""

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
def path(tmp_path: Path, empty_ledger: Path) -> Path:
    """The file of an empty ledger."""
    return Path(shutil.copy(empty_ledger, tmp_path / "ledger.db"))


@pytest.fixture
def file_ledger(path: Path) -> Iterator[Ledger]:
    """A ledger on that file, where a test asks what only a file has."""
    with in_file(path).opened(clock=ManualClock(NOW)) as ledger:
        yield ledger
