"""The stores of a ledger, of each kind; and GitForge at a local forge: real git over HTTP, real PyGithub.

Every exchange with the forge's API is held against GitHub's own OpenAPI description (see `tests/parts/openapi.py`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.ports import Forge
from cases.stores import CaseStore, Outbox
from daemon.ledger.ledger import Ledger
from tests.parts.hub import World, world
from tests.parts.stores import empty_ledger, ledger, pgvector_base, place, shared_base

__all__ = ["empty_ledger", "ledger", "pgvector_base", "place", "shared_base"]


@pytest.fixture
def store(ledger: Ledger) -> CaseStore:
    return ledger.cases


@pytest.fixture
def outbox(ledger: Ledger) -> Outbox:
    return ledger.outbox


@pytest.fixture
def there(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        made.hub.commit("Begin", {"shop/cart.py": b"limit = 10\n", "run.sh": b"#!/bin/sh\n", "keep.txt": b"keep\n"})
        yield made


@pytest.fixture
def forge(there: World) -> Forge:
    return there.forge
