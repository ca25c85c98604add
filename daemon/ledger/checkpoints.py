"""Checkpoints: cursors and detector state, a blob a key."""

from datetime import datetime

from sqlalchemy import insert, select, update

from daemon.ledger.database import Database
from daemon.ledger.tables import checkpoints


class LedgerCheckpoints:
    """The checkpoints of one ledger (see `cases.ports.Checkpoints`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> bytes | None:
        """What was stored under the key, or None."""
        with self._database.reading() as connection:
            blob: bytes | None = connection.execute(
                select(checkpoints.c.blob).where(checkpoints.c.key == key)
            ).scalar_one_or_none()
        return blob

    def put(self, key: str, blob: bytes, at: datetime) -> None:
        """Store it, in place of what was there."""
        stored = {"blob": blob, "at": at}
        with self._database.writing() as connection:
            if not connection.execute(update(checkpoints).where(checkpoints.c.key == key).values(stored)).rowcount:
                connection.execute(insert(checkpoints).values(key=key, **stored))
