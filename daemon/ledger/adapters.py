"""Which database a store's URL names. Only the adapter that it needs is loaded."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from cases.errors import PermanentError
from daemon.ledger.database import Database


def database_of(
    url: str, *, busy: timedelta, password: Callable[[], str] | None = None, given_time: bool = False
) -> Database:
    """The database that a store's URL names. Nothing is opened yet. PermanentError for one that cannot be.

    busy        how long a transaction waits for another one's lock before it gives up with a TemporaryError
    password    of a PostgreSQL user; asked for at each connection, so that a new one is seen
    given_time  leases go by the caller's clock even where the database has its own: for replays and tests
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise PermanentError("store is not a database URL: write it like sqlite:///trackwalker.db") from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        from daemon.ledger.sqlite import Sqlite

        return Sqlite(parsed, busy)
    if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        from daemon.ledger.postgres import Postgres

        return Postgres(parsed, busy, password=password, given_time=given_time)
    raise PermanentError(
        f"store: {parsed.drivername} is not a database that can keep a ledger; use sqlite:///FILE or "
        "postgresql+psycopg://user@host/base"
    )
