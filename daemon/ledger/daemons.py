"""Who shares the ledger: each daemon says that it is there, and what it works on. No lease depends on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from daemon.ledger.database import Database, added
from daemon.ledger.tables import daemons

FORGOTTEN = timedelta(days=30)  # one that is silent for so long will not be missed


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSeen:
    """A daemon on the same ledger.

    config   the digest of the settings in force there
    seen     its newest heartbeat, by the database's time where that has one
    working  the ids of the cases that it had in hand then
    silent   whether that is longer ago than was asked
    """

    name: str
    version: str
    config: str
    host: str
    started: datetime
    seen: datetime
    working: tuple[str, ...]
    silent: bool


class LedgerDaemons:
    """The daemons of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = ""

    def here(self, name: str, version: str, config: str, host: str, started: datetime) -> None:
        """Say that this daemon works from now on, under these settings. Its former life's row is replaced."""
        self._name = name
        with self._database.writing() as connection:
            now = self._database.moment(connection, started)
            row = {"version": version, "config": config, "host": host, "started": started, "seen": now, "working": ""}
            if not added(connection, daemons, {"name": name, **row}):
                connection.execute(update(daemons).where(daemons.c.name == name).values(row))
            connection.execute(delete(daemons).where(daemons.c.seen < now - FORGOTTEN))

    def beat(self, name: str, working: Sequence[str], now: datetime) -> None:
        """Say that it lives, and which cases it has in hand."""
        with self._database.writing() as connection:
            said = {"seen": self._database.moment(connection, now), "working": ",".join(working)}
            connection.execute(update(daemons).where(daemons.c.name == name).values(said))

    def left(self, name: str) -> None:
        """Say that it ended as it should."""
        with self._database.writing() as connection:
            connection.execute(delete(daemons).where(daemons.c.name == name))

    def others(self, now: datetime, silent_after: timedelta) -> tuple[DaemonSeen, ...]:
        """Every daemon but this one, by name; those that died without a word are among them, silent."""
        query = select(daemons).where(daemons.c.name != self._name).order_by(daemons.c.name)
        with self._database.reading() as connection:
            limit = self._database.moment(connection, now) - silent_after
            return tuple(
                DaemonSeen(
                    name=row.name,
                    version=row.version,
                    config=row.config,
                    host=row.host,
                    started=row.started,
                    seen=row.seen,
                    working=tuple(row.working.split(",")) if row.working else (),
                    silent=row.seen < limit,
                )
                for row in connection.execute(query)
            )
