"""The schema goes up, down and up again, and the tables are what the migrations make. On both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from cases.errors import PermanentError
from daemon.ledger import schema
from daemon.ledger.database import Database
from daemon.ledger.tables import metadata
from tests.parts.stores import Place

# What a database has to say of its own tables, in its own words.
SAYS = {
    "sqlite": ("SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",),
    "postgres": (
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
        """SELECT table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = current_schema()""",
        """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = current_schema()::regnamespace""",
    ),
}


@pytest.fixture
def database(nowhere: Place) -> Iterator[Database]:
    database = nowhere.database()
    database.open()
    yield database
    database.close()


def tables(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(inspect(connection).get_table_names()) - {schema.ALEMBIC}


def said(database: Database, place: Place) -> list[list[tuple[object, ...]]]:
    with database.reading() as connection:
        return [sorted(map(tuple, connection.execute(text(query)))) for query in SAYS[place.kind]]


def down(database: Database) -> None:
    with database.writing() as connection:
        command.downgrade(schema.alembic_config(connection), "base")


def test_up_check_down_and_up_again(database: Database, nowhere: Place) -> None:
    schema.upgrade(database)
    assert tables(database) == set(metadata.tables)
    with database.writing() as connection:
        command.check(schema.alembic_config(connection))  # raises where tables.py and the migrations differ
    made = said(database, nowhere)
    down(database)
    assert tables(database) == set()
    with database.writing() as connection:
        command.upgrade(schema.alembic_config(connection), "head")
    assert said(database, nowhere) == made, "the migrations make what `create_all` makes, in every word"
    down(database)
    schema.upgrade(database)
    assert said(database, nowhere) == made


def test_one_step_back_and_forth_at_a_time(database: Database) -> None:
    schema.upgrade(database)
    with database.reading() as connection:
        steps = list(ScriptDirectory.from_config(schema.alembic_config(connection)).walk_revisions())
    for step in steps:
        with database.writing() as connection:
            command.downgrade(schema.alembic_config(connection), "-1")
            assert schema.version(connection) == step.down_revision
    for step in reversed(steps):
        with database.writing() as connection:
            command.upgrade(schema.alembic_config(connection), "+1")
            assert schema.version(connection) == step.revision
    schema.upgrade(database)
    assert tables(database) == set(metadata.tables)


def test_only_active_cases_share_no_fingerprint(database: Database) -> None:
    row = (
        "INSERT INTO cases (id, service, fingerprint, phase, hold, opened, updated, fence, version) "
        "VALUES (:id, 's', 'same', :phase, 'none', '2026-01-01', '2026-01-01', 0, 1)"
    )
    schema.upgrade(database)
    with database.writing() as connection:
        for name, phase in (("a", "closed"), ("b", "closed"), ("c", "open")):
            connection.execute(text(row), {"id": name, "phase": phase})
    with pytest.raises(Exception, match=r"(?i)unique"), database.writing() as connection:
        connection.execute(text(row), {"id": "d", "phase": "open"})


def test_the_check_sees_a_difference(database: Database) -> None:
    schema.upgrade(database)
    with database.writing() as connection:
        connection.execute(text("DROP INDEX one_active_case_a_fingerprint"))
    with pytest.raises(Exception, match="one_active_case_a_fingerprint"), database.writing() as connection:
        command.check(schema.alembic_config(connection))


def test_the_newest_migration_is_the_one_that_is_looked_for(database: Database) -> None:
    with database.reading() as connection:
        scripts = ScriptDirectory.from_config(schema.alembic_config(connection))
    assert scripts.get_heads() == [schema.HEAD]


def test_a_migration_that_fails_leaves_nothing_behind(database: Database) -> None:
    def upgrade_and_fail() -> None:
        with database.writing() as connection:
            command.upgrade(schema.alembic_config(connection), "head")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        upgrade_and_fail()
    assert tables(database) == set()


@pytest.mark.parametrize("old", [None, "0001"])
def test_daemons_that_start_at_once_make_or_migrate_it_once(nowhere: Place, old: str | None) -> None:
    databases = [nowhere.database() for _ in range(4)]
    databases[0].open()
    if old is not None:
        with databases[0].writing() as connection:
            command.upgrade(schema.alembic_config(connection), old)
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(schema.upgrade, databases))
    assert tables(databases[0]) == set(metadata.tables)
    for database in databases:
        database.close()


def test_a_ledger_of_a_newer_version_is_refused(database: Database, nowhere: Place) -> None:
    schema.upgrade(database)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    refusal = f"has schema 9999, and this version knows up to {schema.HEAD}"
    with pytest.raises(PermanentError, match=refusal), nowhere.opened():
        pass
    with database.reading() as connection:
        assert schema.version(connection) == "9999"


def test_somebody_elses_database_is_left_alone(database: Database, nowhere: Place) -> None:
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE dashboards (id INTEGER)"))
    with pytest.raises(PermanentError, match="somebody else's tables"), nowhere.opened():
        pass
    assert tables(database) == {"dashboards"}
