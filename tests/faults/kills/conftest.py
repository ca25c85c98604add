"""One nursery for all the lives of these tests: it takes seconds to load, and then a life takes milliseconds."""

from collections.abc import Iterator

import pytest

from tests.faults.kills.reaper import Nursery, nursery
from tests.parts.stores import nowhere, shared_base

__all__ = ["nowhere", "parent", "shared_base"]


@pytest.fixture(scope="session")
def parent() -> Iterator[Nursery]:
    with nursery() as started:
        yield started
