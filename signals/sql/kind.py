"""What the kinds of database have in common: how one is opened for reading, and what its errors mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt
from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.exc import DBAPIError

from signals.quoting import quoted


class Fault(StrEnum):
    """What an error of a database means for whoever asked."""

    WRITES = "writes"  # the query would change something: the database did not let it
    REFUSED = "refused"  # the query is not one that this database can answer
    LOGIN = "login"  # it does not let us in
    LATE = "late"  # it was ended because its time was up
    LARGE = "large"  # it was ended because it needs more memory than it may have
    DOWN = "down"  # it cannot be read now


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An error of a database: what it means, and its first line, fit for a message."""

    fault: Fault
    text: str


class TwoStatements(ValueError):  # noqa: N818 - a state of the query
    """The query holds more than one statement, or none that only reads, as the database's own parser has it."""


class Kind(Protocol):
    """One kind of database. It is opened so that nothing can be written, whatever the query says."""

    @property
    def place(self) -> str:
        """Where the database is, for messages. Never a secret."""
        ...

    @property
    def grace(self) -> timedelta:
        """How long after the time limit `stop` is called: for those that keep the limit themselves."""
        ...

    @property
    def several(self) -> type[Exception]:
        """What is raised for several statements, outside the DB-API's errors."""
        ...

    def engine(self) -> Engine:
        """An engine without a pool: between two questions no connection is held. Nothing is reached yet."""
        ...

    def begin(self, connection: Connection, query: str) -> Connection:
        """Make the connection ready for one reading query, and return it. Raises TwoStatements, DBAPIError."""
        ...

    def moment(self, at: datetime) -> object:
        """A UTC time as `:start` and `:end` are bound."""
        ...

    def version(self, connection: Connection) -> str:
        """The database and its version, for people."""
        ...

    def stop(self, opened: Any) -> None:  # noqa: ANN401 - the driver's own connection
        """End what runs on the driver's connection. Called from another thread when the time is up."""
        ...

    def said(self, error: DBAPIError) -> Said:
        """What an error means. Whether the time was up is known to whoever asked."""
        ...


@runtime_checkable
class Columnar(Protocol):
    """A kind that gives what a query finds as columns."""

    def arrays(self, found: CursorResult[Any]) -> Mapping[str, npt.NDArray[Any]]:
        """All rows as columns by name, and objects where some are NULL. Raises DBAPIError."""
        ...


def first_line(error: BaseException | None) -> str:
    """The first line of a driver's message: printable and short."""
    text = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return quoted(text).rstrip(".")
