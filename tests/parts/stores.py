"""Where the tests keep a ledger: in a file of their own, or in a database of a real PostgreSQL."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from psycopg import sql

from cases.ports import Clock
from daemon.clock import ManualClock
from daemon.ledger.adapters import database_of
from daemon.ledger.database import Database
from daemon.ledger.ledger import BUSY, Ledger, open_ledger
from daemon.ledger.tables import metadata
from tests.parts.nouns import NOW
from tests.parts.postgres import OWNERS_PASSWORD, RunningPostgres

KINDS = ("sqlite", "postgres")
on_both = pytest.mark.parametrize("place", KINDS, indirect=True)
"""For a test that says the same of each kind of store, where others say theirs of one."""
SERVERS = {"postgres": "postgres", "pgvector": "postgres_with_pgvector"}
BASES = {"postgres": "shared_base", "pgvector": "pgvector_base"}
_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One store, and the password that it wants."""

    url: str
    password: Callable[[], str] | None = None

    @property
    def kind(self) -> str:
        """Which of KINDS."""
        return KINDS[self.url.startswith("postgres")]

    def opened(
        self,
        *,
        clock: Clock | None = None,
        busy: timedelta = BUSY,
        vectors: Literal["off", "numpy", "pgvector"] = "off",
    ) -> AbstractContextManager[Ledger]:
        """Open the ledger there."""
        return open_ledger(self.url, password=self.password, clock=clock, busy=busy, vectors=vectors)

    def database(self) -> Database:
        """The database alone, with nothing made in it."""
        return database_of(self.url, busy=BUSY, password=self.password)


def in_file(path: Path) -> Place:
    """A store in a file."""
    return Place(url=f"sqlite:///{path}")


def in_postgres(server: RunningPostgres, base: str) -> Place:
    """A store in a database of the server."""
    return Place(url=server.url(base=base), password=_password)


def _password() -> str:
    return OWNERS_PASSWORD


def new_base(server: RunningPostgres) -> str:
    """Make an empty database; its name.

    Its time zone is far from UTC, and its commits are not durable by themselves: the ledger has to see to both.
    """
    base = f"base_{next(_numbers)}"
    name = sql.Identifier(base)
    with server.connect() as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(name))
        owner.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'Asia/Kolkata'").format(name))
        owner.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
        owner.execute(sql.SQL("ALTER DATABASE {} SET deadlock_timeout = '50ms'").format(name))
    return base


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's file with its tables and nothing in them, to be copied: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    with in_file(path).opened():
        return path


@pytest.fixture(scope="session")
def shared_base(postgres: RunningPostgres) -> str:
    """A database with a ledger's tables, which the tests of this worker use one after the other."""
    base = new_base(postgres)
    with in_postgres(postgres, base).opened():
        return base


@pytest.fixture(scope="session")
def pgvector_base(postgres_with_pgvector: RunningPostgres) -> str:
    """The same, on the server that has pgvector, and with the extension in it."""
    base = new_base(postgres_with_pgvector)
    with postgres_with_pgvector.connect(base) as owner:
        owner.execute("CREATE EXTENSION vector")
    with in_postgres(postgres_with_pgvector, base).opened():
        return base


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest) -> Place:
    """An empty ledger's place, of each kind: tables are there, rows are not."""
    return emptied(request.param, request)


def emptied(kind: str, request: pytest.FixtureRequest) -> Place:
    """The same, for a fixture that has kinds of its own besides."""
    if kind == "sqlite":
        tmp_path: Path = request.getfixturevalue("tmp_path")
        empty: Path = request.getfixturevalue("empty_ledger")
        return in_file(Path(shutil.copy(empty, tmp_path / "ledger.db")))
    server: RunningPostgres = request.getfixturevalue(SERVERS[kind])
    base: str = request.getfixturevalue(BASES[kind])
    tables = sql.SQL(", ").join(map(sql.Identifier, metadata.tables))
    with server.connect(base) as owner:
        owner.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
        owner.execute("DROP TABLE IF EXISTS lesson_vectors, lesson_vectors_pgvector")
    return in_postgres(server, base)


@pytest.fixture(params=KINDS)
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place of each kind where no ledger was ever kept."""
    if request.param == "sqlite":
        return in_file(tmp_path / "ledger.db")
    server: RunningPostgres = request.getfixturevalue("postgres")
    base: str = request.getfixturevalue("shared_base")
    own = f"own_{next(_numbers)}"  # a schema of its own: a database would cost 300 files
    with server.connect(base) as owner:
        owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(own)))
    return Place(url=f"{server.url(base=base)}?options=-csearch_path%3D{own}", password=_password)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    """An open, empty ledger of each kind, at the examples' moment."""
    with place.opened(clock=ManualClock(NOW)) as ledger:
        yield ledger
