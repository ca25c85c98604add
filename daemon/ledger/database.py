"""Database: how a transaction of the ledger begins and ends, whichever database keeps it; and what is asked of each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cases.errors import TemporaryError, TrackwalkerError
from daemon.ledger.ready import POSTGRES, Asked, Ready, Rows, ask

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

WRITES = "ledger_writes"

_ALONE = Ready(text("SELECT pg_advisory_xact_lock(8373141)"))  # any number that nobody else takes


class Database(ABC):
    """The database of one ledger. Safe to use from several threads; several processes may have it open."""

    driver_error: ClassVar[type[Exception]]
    """What the driver raises when it is asked directly."""

    def __init__(self, name: str, busy: timedelta, reader: Engine, writer: Engine, glancer: Engine) -> None:
        self.name = name  # for people: the file, or host/base
        self._busy = busy
        self._reader = reader
        self._writer = writer.execution_options(**{WRITES: True})
        self._glancer = glancer  # begins nothing: one question is a transaction of its own
        self.advice: Callable[[], str] | None = None
        """What else is said of a database that is damaged: which backup is healthy, and how it is restored."""

    @property
    def writer(self) -> Engine:
        """What the transactions that write begin on, to listen to them. Opens nothing."""
        return self._writer

    @abstractmethod
    def open(self) -> None:
        """See that a ledger can be kept there. PermanentError when it cannot, TemporaryError when it cannot now."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether a ledger was ever kept there. Makes nothing."""

    @abstractmethod
    def moment(self, connection: Connection, given: datetime) -> datetime:
        """The time that leases go by, within a transaction: the database's own, or the caller's where it has none."""

    @abstractmethod
    def trim(self) -> None:
        """Give back the room that is not needed any more, where that does not happen by itself."""

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """One transaction that sees one moment, and writes nothing."""
        with self._speaking("read"), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """One transaction that writes. An exception takes all of it back."""
        with self._speaking("written"), self._writer.begin() as connection:
            yield connection

    def look(self, asked: Asked) -> Rows:
        """The answer to one question, which is a transaction of its own."""
        with self._speaking("read"), self._glancer.connect() as connection:
            return ask(connection, asked)[0]

    def close(self) -> None:
        """Let every connection go."""
        self._reader.dispose()
        self._writer.dispose()

    @contextmanager
    def _speaking(self, verb: str) -> Generator[None]:
        """Turn the database's errors into ours; one that means a bug goes through as it is."""
        try:
            yield
        except (DBAPIError, self.driver_error) as error:
            ours = self._meaning(error.orig if isinstance(error, DBAPIError) else error, verb)
            if ours is None:
                raise
            raise ours from error
        except PoolTimeout as error:
            raise TemporaryError(
                f"the ledger {self.name} cannot be {verb}: every connection to it is in use"
            ) from error

    @abstractmethod
    def _meaning(self, cause: object, verb: str) -> TrackwalkerError | None:
        """What the driver's error asks for; None for a bug of ours."""


def writes(connection: Connection) -> bool:
    """Whether the transaction may write, and so may lock rows."""
    return bool(connection.get_execution_options().get(WRITES, False))


def alone(connection: Connection) -> None:
    """Wait until no other transaction adds to the audit or spends money, and hold that to the end of this one.

    A case's row is locked before this, never after: so two transactions never wait for each other. SQLite's writers are
    alone from their first line on.
    """
    ask(connection, *alone_asks(connection))


def alone_asks(connection: Connection) -> tuple[Asked, ...]:
    """What has to be asked for that, so that more can be asked in the same trip."""
    return (_ALONE(),) if connection.dialect.name == POSTGRES else ()


def added(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Add the row; False when there is one with a key of its own already.

    Where another transaction is about to add the same key, this waits for its end.
    """
    quietly = _quietly(connection, table).values(row).execution_options(preserve_rowcount=True)
    return connection.execute(quietly).rowcount == 1


def add_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add those of the rows whose key is not there yet."""
    connection.execute(_quietly(connection, table), list(rows))


def _quietly(connection: Connection, table: Table) -> "PostgresInsert | SqliteInsert":
    """An insertion that leaves a key alone that is there."""
    insert: PostgresInsert | SqliteInsert
    if connection.dialect.name == POSTGRES:
        from sqlalchemy.dialects import postgresql

        insert = postgresql.insert(table)
    else:
        from sqlalchemy.dialects import sqlite

        insert = sqlite.insert(table)
    return insert.on_conflict_do_nothing()
