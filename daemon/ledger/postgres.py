"""PostgreSQL: one database of a server that several daemons, also on several machines, share."""

import select
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from cases.errors import PermanentError, TemporaryError, TrackwalkerError
from daemon.ledger.database import Database
from daemon.ledger.postgres_errors import NEVER, STANDBY, answer
from daemon.ledger.ready import POSTGRES, Ready, ask, catch_up, postponing
from daemon.ledger.tables import active_only

POOL, OVERFLOW = 5, 10  # connections
_NOW = Ready(text("SELECT clock_timestamp()"))
_THERE = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_KIND = text("SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby")
# A commit is on the disk before it returns, whatever the database's default; a stronger one stays.
_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"


class Postgres(Database):
    """One database of a PostgreSQL server. Writers meet at the row of their case; a reader never waits.

    What the URL has behind its `?` goes to libpq: sslmode, sslrootcert, target_session_attrs. Settings are given when
    a connection is made: a pooler in between has to lend whole sessions.
    """

    driver_error = psycopg.Error

    def __init__(self, url: URL, busy: timedelta, *, password: Callable[[], str] | None, given_time: bool) -> None:
        if url.password is not None or {"password", "sslpassword"} & set(url.query):
            raise PermanentError("store holds a password: take it out, and write store_password: env:NAME beside it")
        if not url.database:
            raise PermanentError("store names no database: write it like postgresql+psycopg://user@host/base")
        active_only(POSTGRES)
        self._given_time = given_time
        engine = create_engine(
            url.set(drivername="postgresql+psycopg", query={}),
            hide_parameters=True,  # an error would print what a case holds
            pool_size=POOL,
            max_overflow=OVERFLOW,
            pool_timeout=busy.total_seconds(),
            isolation_level="READ COMMITTED",
            connect_args=_given(url, busy),
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "checkout", _see_it_live)
        event.listen(engine, "before_cursor_execute", catch_up)
        if password is not None:

            def reveal(_dialect: object, _record: object, _given: object, named: dict[str, object]) -> None:
                named["password"] = password()

            event.listen(engine, "do_connect", reveal)
        reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        glancer = engine.execution_options(isolation_level="AUTOCOMMIT")
        super().__init__(_name(url), busy, reader, engine, glancer)

    def open(self) -> None:
        """Reach the server, and see that it can be written and hold any text. Raises as every transaction does."""
        with self._speaking("opened"), self._reader.begin() as connection:
            found = connection.execute(_KIND).one()
        if found.standby:
            raise PermanentError(f"the ledger {self.name} cannot be opened: {NEVER[STANDBY]}")
        if found.encoding != "UTF8":
            raise PermanentError(
                f"the ledger {self.name} has the encoding {found.encoding}: create it with ENCODING 'UTF8'"
            )

    def exists(self) -> bool:
        """Whether the database has a ledger's tables."""
        with self.reading() as connection:
            return bool(connection.execute(_THERE).scalar_one())

    def moment(self, connection: Connection, given: datetime) -> datetime:
        """The server's time: a host whose clock is wrong neither steals a lease nor holds one too long."""
        if self._given_time:
            return given
        now: datetime = ask(connection, _NOW())[0][0][0]
        return now.astimezone(UTC)

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """One transaction that writes. What was put off in it goes to the server together with its commit."""
        with super().writing() as connection, postponing(connection):
            yield connection

    def trim(self) -> None:
        """Nothing: the server does it by itself."""

    def _meaning(self, cause: object, verb: str) -> TrackwalkerError | None:
        found = answer(cause) if isinstance(cause, psycopg.Error) else None
        if found is None:
            return None
        kind = TemporaryError if found.later else PermanentError
        return kind(f"the ledger {self.name} cannot be {verb}: {found.advice} ({found.said})")


def _name(url: URL) -> str:
    port = f":{url.port}" if url.port else ""
    return f"{url.host or 'the local socket'}{port}/{url.database}"


def _given(url: URL, busy: timedelta) -> dict[str, object]:
    """What each connection is made with; what the URL says itself comes last, and so holds."""
    wait, longest = round(1000 * busy.total_seconds()), round(6000 * busy.total_seconds())
    limits = {
        "lock_timeout": wait,
        "statement_timeout": longest,  # a query that hangs does not hang a turn
        "idle_in_transaction_session_timeout": longest,  # a frozen daemon keeps no row locked
    }
    named: dict[str, object] = {
        "connect_timeout": max(2, round(busy.total_seconds())),  # whole seconds, two at the least
        "application_name": "trackwalker",
        # A server whose machine is gone says nothing: its silence is noticed in half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
        "tcp_user_timeout": 30_000,
        "options": " ".join(f"-c {name}={max(1, value)}" for name, value in limits.items()),
    }
    for name, value in url.query.items():
        said = value if isinstance(value, str) else ",".join(value)
        named[name] = f"{named[name]} {said}" if name == "options" else said
    return named


def _prepare(connection: "psycopg.Connection[tuple[object, ...]]", _: ConnectionPoolEntry) -> None:
    connection.execute(_DURABLE)
    connection.commit()


def _see_it_live(connection: "psycopg.Connection[tuple[object, ...]]", *_: object) -> None:
    """Notice that the server was away before anything is asked of it, without a trip each time.

    A server that closed the connection, and a network that gave it up, leave something to read there; so may a server
    that is well, and then it answers.
    """
    try:
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        if waiting.poll(0):
            connection.execute("SELECT 1")
            connection.rollback()
    except psycopg.Error as error:
        raise InvalidatePoolError from error
