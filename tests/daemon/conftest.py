"""Where the daemon's tests keep a ledger: in a file, and those that are marked `on_both` in PostgreSQL too."""

import pytest

from tests.parts.stores import KINDS, Place, emptied, empty_ledger, shared_base

__all__ = ["empty_ledger", "shared_base"]


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """An empty ledger's place (see `tests.parts.stores.on_both`)."""
    return emptied(getattr(request, "param", KINDS[0]), request)
