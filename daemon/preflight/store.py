"""The store: whether it can keep the vectors of lessons, where that needs an extension. Makes nothing there."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

from config.settings import Settings
from daemon.preflight.finding import Finding, asked


def findings(settings: Settings) -> Iterator[Finding]:
    """Ask the server for the extension where the settings want it."""
    if settings.lessons.vectors == "pgvector":
        yield asked("store", "pgvector is there", partial(_pgvector, settings))


def _pgvector(settings: Settings) -> str:
    from daemon.ledger.adapters import database_of
    from daemon.ledger.ledger import BUSY
    from daemon.ledger.lesson_vectors import vectors_of

    with closing(database_of(settings.store, busy=BUSY, password=settings.store_secret)) as database:
        database.open()
        with database.reading() as connection:
            vectors_of("pgvector").possible(connection, database.name)
        return f"{database.name} has the extension"
