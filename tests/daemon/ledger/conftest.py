"""A ledger on a real file."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from tests.parts.nouns import NOW


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's file with its tables and nothing in them, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    with open_ledger(f"sqlite:///{path}"):
        pass
    return path


@pytest.fixture
def path(tmp_path: Path, empty_ledger: Path) -> Path:
    return Path(shutil.copy(empty_ledger, tmp_path / "ledger.db"))


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{path}", clock=ManualClock(NOW)) as ledger:
        yield ledger
