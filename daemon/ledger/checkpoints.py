"""Checkpoints: cursors and detector state, a blob a key."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from cases.leases import Swap
from daemon.ledger.database import Database, added
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
        in_place = update(checkpoints).where(checkpoints.c.key == key).values(stored)
        with self._database.writing() as connection:
            if not connection.execute(in_place).rowcount and not added(connection, checkpoints, {"key": key, **stored}):
                connection.execute(in_place)  # another daemon put one there meanwhile

    def swap(self, swap: Swap, at: datetime) -> bool:
        """Store it if what is there is still what was seen; False when it is not."""
        with self._database.writing() as connection:
            return swapped(connection, swap, at)


def swapped(connection: Connection, swap: Swap, at: datetime) -> bool:
    """Do the swap within a transaction that does more; False when the checkpoint was another."""
    stored = {"blob": swap.after, "at": at}
    if swap.before is None:
        return added(connection, checkpoints, {"key": swap.key, **stored})
    same = checkpoints.c.key == swap.key, checkpoints.c.blob == swap.before
    return connection.execute(update(checkpoints).where(*same).values(stored)).rowcount == 1
