"""What the whole suite shares: the Docker engine outlives the workers of a parallel run."""

import gc
from collections.abc import Iterator

import pytest

from tests.parts.dockerd import ensure_dockerd
from tests.parts.postgres import RunningPostgres, running_postgres, with_pgvector


@pytest.fixture(scope="session")
def postgres() -> Iterator[RunningPostgres]:
    """One server for every test of this worker that keeps a ledger in PostgreSQL."""
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_with_pgvector() -> Iterator[RunningPostgres]:
    """The same with the extension at hand, in no database yet."""
    programs = with_pgvector()
    if programs is None:
        pytest.skip("pgserver, which brings pgvector, is not made for this machine or this Python")
    with running_postgres(programs) as running:
        yield running


def pytest_sessionstart(session: pytest.Session) -> None:
    """In a parallel run the controller starts the engine when it is down, and stops it when every worker has ended."""
    parallel = bool(getattr(session.config.option, "numprocesses", None))
    if parallel and not hasattr(session.config, "workerinput"):
        ensure_dockerd()


def pytest_collection_finish() -> None:
    """Leave the thousands of collected tests out of every later search for garbage: they stay to the end."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let them be collected at the end: DuckDB tells of everything of its own that is left then."""
    gc.unfreeze()


SLOW = ("test_acceptance", "test_killed", "faults/kills", "test_levers", "stories/", "faults/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest go first: what is left for the end is short, so that no worker waits long for another."""

    def place(item: pytest.Item) -> int:
        return next((rank for rank, part in enumerate(SLOW) if part in item.nodeid), len(SLOW))

    items.sort(key=place)
