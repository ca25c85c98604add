"""Deploys that a tool told us of, durable: one row a deploy, however often and in whichever order it is told."""

import hashlib
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from cases.errors import PermanentError
from cases.telemetry import Deploy
from daemon.ledger import schema
from daemon.ledger.adapters import database_of
from daemon.ledger.database import Database, added, alone
from daemon.ledger.tables import deploys

BUSY = timedelta(seconds=5)


class LedgerDeploys:
    """The deploys of one ledger (see `signals.deploys.ToldDeploys`). `source` is the teller, as `Deploy.source`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tell(self, deploy: Deploy, received: datetime, *, dated: bool = True) -> bool:
        """Store it; False when it is known already.

        `dated` says that the message itself said when the deploy began. One that did not is the same as the deploy of
        that service which began last, if that has the same commit: nothing else was deployed in between.
        """
        row = {
            "id": _id(deploy),
            "service": deploy.service,
            "commit": deploy.commit,
            "started": deploy.started,
            "environment": deploy.environment,
            "source": deploy.source,
            "received": received,
        }
        with self._database.writing() as connection:
            if not dated:
                alone(connection)  # or two daemons that are told at once would both find nothing
                if self._goes_on(connection, deploy):
                    return False
            return added(connection, deploys, row)

    def told(self, source: str, environment: str, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys of a service by that teller in the window, oldest first."""
        query = _of(source, environment, service).where(deploys.c.started.between(since, until))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(deploys.c.started, deploys.c.id)).all()
        return tuple(map(_deploy, rows))

    def newest(self, source: str, environment: str, service: str, at: datetime) -> Deploy | None:
        """The one that began last, at that moment or before it."""
        with self._database.reading() as connection:
            return _newest(connection, source, environment, service, at)

    def last_received(self, source: str, environment: str) -> datetime | None:
        """When that teller was last heard with something new; None when never."""
        query = select(deploys.c.received).where(deploys.c.source == source, deploys.c.environment == environment)
        with self._database.reading() as connection:
            return connection.execute(query.order_by(deploys.c.received.desc()).limit(1)).scalar()

    def _goes_on(self, connection: Connection, deploy: Deploy) -> bool:
        newest = _newest(connection, deploy.source, deploy.environment, deploy.service, deploy.started)
        return newest is not None and (newest.commit == deploy.commit or newest.runs(deploy.commit))


class StoredDeploys:
    """The same, only read, from a store that somebody else keeps: it makes no file, and migrates nothing.

    A store that is not there yet was told nothing.
    """

    def __init__(self, store: str, password: Callable[[], str] | None = None) -> None:
        self._store = store
        self._password = password
        self._database: Database | None = None
        self._lock = threading.Lock()

    def told(self, source: str, environment: str, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """As `LedgerDeploys.told`. Raises PermanentError for another version's store, TemporaryError for a busy one."""
        found = self._found()
        return found.told(source, environment, service, since, until) if found else ()

    def newest(self, source: str, environment: str, service: str, at: datetime) -> Deploy | None:
        """The one that began last, at that moment or before it. Raises as `told` does."""
        found = self._found()
        return found.newest(source, environment, service, at) if found else None

    def last_received(self, source: str, environment: str) -> datetime | None:
        """When that teller was last heard with something new. Raises as `told` does."""
        found = self._found()
        return found.last_received(source, environment) if found else None

    def close(self) -> None:
        """Let it go."""
        with self._lock:
            database, self._database = self._database, None
        if database is not None:
            database.close()

    def _found(self) -> LedgerDeploys | None:
        with self._lock:
            if self._database is None:
                self._database = self._opened()
            return LedgerDeploys(self._database) if self._database else None

    def _opened(self) -> Database | None:
        database = database_of(self._store, busy=BUSY, password=self._password)
        with ExitStack() as stack:
            stack.callback(database.close)
            if not database.exists():
                return None
            with database.reading() as connection:
                found = schema.version(connection)
            if found != schema.HEAD:
                raise PermanentError(
                    f"the ledger {database.name} has schema {found}, and this version reads {schema.HEAD}: "
                    "start the daemon once"
                )
            stack.pop_all()
            return database


def _of(source: str, environment: str, service: str) -> "Select[Any, Any, Any, Any, Any]":
    return select(
        deploys.c.service, deploys.c.commit, deploys.c.started, deploys.c.environment, deploys.c.source
    ).where(deploys.c.service == service, deploys.c.source == source, deploys.c.environment == environment)


def _newest(connection: Connection, source: str, environment: str, service: str, at: datetime) -> Deploy | None:
    query = _of(source, environment, service).where(deploys.c.started <= at)
    row = connection.execute(query.order_by(deploys.c.started.desc(), deploys.c.id).limit(1)).first()
    return None if row is None else _deploy(row)


def _deploy(row: "Row[Any, Any, Any, Any, Any]") -> Deploy:
    return Deploy(
        service=row.service, commit=row.commit, started=row.started, environment=row.environment, source=row.source
    )


def _id(deploy: Deploy) -> str:
    """Made from what was said, so that the same message twice is one row."""
    said = (deploy.source, deploy.environment, deploy.service, deploy.commit, deploy.started.isoformat())
    return hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()[:32]
