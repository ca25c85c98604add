"""The schema goes up, down and up again, and the tables are what the migrations make."""

from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from cases.errors import PermanentError
from daemon.ledger import schema
from daemon.ledger.database import Database
from daemon.ledger.ledger import BUSY, open_ledger
from daemon.ledger.tables import metadata


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}", BUSY)
    database.open()
    return database


def tables(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(inspect(connection).get_table_names()) - {schema.ALEMBIC}


def test_up_check_down_and_up_again(database: Database) -> None:
    schema.upgrade(database)
    assert tables(database) == set(metadata.tables)
    with database.writing() as connection:
        command.check(schema.alembic_config(connection))  # raises where tables.py and the migrations differ
    with database.writing() as connection:
        command.downgrade(schema.alembic_config(connection), "base")
    assert tables(database) == set()
    schema.upgrade(database)
    assert tables(database) == set(metadata.tables)
    database.close()


def test_the_check_sees_a_difference(database: Database) -> None:
    schema.upgrade(database)
    with database.writing() as connection:
        connection.execute(text("DROP INDEX one_active_case_a_fingerprint"))
    with pytest.raises(Exception, match="one_active_case_a_fingerprint"), database.writing() as connection:
        command.check(schema.alembic_config(connection))
    database.close()


def test_the_newest_migration_is_the_one_that_is_looked_for(database: Database) -> None:
    with database.reading() as connection:
        scripts = ScriptDirectory.from_config(schema.alembic_config(connection))
    assert scripts.get_heads() == [schema.HEAD]
    database.close()


def test_a_migration_that_fails_leaves_nothing_behind(database: Database) -> None:
    def upgrade_and_fail() -> None:
        with database.writing() as connection:
            command.upgrade(schema.alembic_config(connection), "head")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        upgrade_and_fail()
    assert tables(database) == set()
    database.close()


def test_a_ledger_of_a_newer_version_is_refused(database: Database, tmp_path: Path) -> None:
    schema.upgrade(database)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with (
        pytest.raises(PermanentError, match=f"has schema 9999, and this version knows up to {schema.HEAD}"),
        open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"),
    ):
        pass


def test_somebody_elses_database_is_left_alone(database: Database, tmp_path: Path) -> None:
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE dashboards (id INTEGER)"))
    with (
        pytest.raises(PermanentError, match="somebody else's tables"),
        open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}"),
    ):
        pass
    assert tables(database) == {"dashboards"}
    database.close()
