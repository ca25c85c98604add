"""The schema's version: brought to the newest when the ledger opens. Alembic is imported only to migrate an old one."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from cases.errors import PermanentError
from daemon.ledger.database import Database, alone
from daemon.ledger.ready import POSTGRES
from daemon.ledger.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0004"
MIGRATIONS = Path(__file__).parent / "migrations"
ALEMBIC = "alembic_version"


def upgrade(database: Database) -> None:
    """Bring the schema to HEAD in one transaction; a second daemon waits for it and finds nothing left to do.

    PermanentError when a newer version wrote the database, or when it is somebody else's.
    """
    with database.reading() as connection:
        if version(connection) == HEAD:
            return
    with database.writing() as connection:
        alone(connection)
        if connection.dialect.name == POSTGRES:
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # a large table takes its time
        found = version(connection)
        if found == HEAD:
            return
        if found is None and set(inspect(connection).get_table_names()) - {ALEMBIC}:
            raise PermanentError(
                f"{database.name} holds somebody else's tables: give the ledger a file or a database of its own"
            )
        if found is None:
            _create(connection)
            return
        from alembic import command
        from alembic.util import CommandError

        try:
            command.upgrade(alembic_config(connection), "head")
        except CommandError as error:
            raise PermanentError(
                f"the ledger {database.name} has schema {found}, and this version knows up to {HEAD}: "
                "run the version that wrote it, or a newer one"
            ) from error


def _create(connection: Connection) -> None:
    """Make a new ledger at HEAD without Alembic, which would cost an idle daemon 10 MB for the rest of its life.

    A test holds what this makes against what the migrations make.
    """
    metadata.create_all(connection)
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {ALEMBIC} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text(f"DELETE FROM {ALEMBIC}"))  # noqa: S608 - a constant
    connection.execute(text(f"INSERT INTO {ALEMBIC} (version_num) VALUES (:head)"), {"head": HEAD})  # noqa: S608 - the same


def version(connection: Connection) -> str | None:
    """Which migration the database has seen last; None for an empty one."""
    if not inspect(connection).has_table(ALEMBIC):
        return None
    return connection.execute(text(f"SELECT version_num FROM {ALEMBIC}")).scalar()  # noqa: S608 - a constant


def alembic_config(connection: Connection) -> "Config":
    """What Alembic's commands need: where the migrations are, and a connection in its transaction."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
