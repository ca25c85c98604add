"""Every row of one ledger into another, whichever kind of database either is."""

from collections.abc import Callable

from sqlalchemy import Connection, func, insert, select

from cases.errors import TemporaryError
from daemon.ledger.tables import metadata

CHUNK = 200  # rows in memory at once: an effect may hold a whole file

Stopped = Callable[[], bool]


def never() -> bool:
    """Whether to stop, where nobody would ask for it."""
    return False


def stop_here(stopped: Stopped) -> None:
    """Raise TemporaryError when the daemon ends: what was begun is done again later."""
    if stopped():
        raise TemporaryError("it was stopped half-way, as the daemon ends; it will be done again")


def copied(source: Connection, target: Connection, stopped: Stopped = never) -> None:
    """Add every row of the one to the other, which must have none. Both have the newest schema."""
    for table in metadata.sorted_tables:
        with source.execute(select(table).execution_options(yield_per=CHUNK)) as found:
            for rows in found.mappings().partitions():
                stop_here(stopped)
                target.execute(insert(table), [dict(row) for row in rows])
    _count_on(target)


def _count_on(connection: Connection) -> None:
    """Let numbers that the database gives go on after the highest: PostgreSQL does not see those that were given."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(sequence, highest, False)))
