"""Statements that go to the driver as they are: they write and read what the long way does, and fail as it does."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import bindparam, func, insert, select, update

from cases.errors import TemporaryError
from daemon.ledger.database import Database, alone
from daemon.ledger.ready import Asked, Ready, adding, ask, later, log
from daemon.ledger.tables import LONGEST_KEY, State, audit, cases, checkpoints, effects
from tests.parts.nouns import NOW
from tests.parts.postgres import RunningPostgres
from tests.parts.stores import Place, emptied

ADD = adding(checkpoints)
LINE = adding(audit)
COUNT = Ready(select(func.count()).select_from(checkpoints))
A_LINE = {"at": NOW, "actor": "a", "action": "b", "case_id": None, "parent": None, "detail": "{}", "hash": ""}
HOSTILE = "\ud800\0" + "k" * LONGEST_KEY
AN_EFFECT = {"case_id": None, "kind": "X", "payload": "{}", "state": State.INTENDED, "attempts": 0, "due": NOW}
EFFECT = adding(effects, "seq", "receipt", "promised")


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    database = place.database()
    yield database
    database.close()


def _written(database: Database, *asked: Asked, meanwhile: Callable[[], object] = tuple[()]) -> None:
    with database.writing() as connection:
        alone(connection)
        for each in asked:
            later(connection, each)
        meanwhile()


def test_it_writes_and_reads_what_the_long_way_does(database: Database) -> None:
    row = {"key": HOSTILE, "blob": b"\0\xff", "at": NOW + timedelta(microseconds=1)}
    with database.writing() as connection:
        later(connection, ADD(**row))
        (short,) = ask(connection, Ready(select(checkpoints))())
        later(connection, ADD(**(row | {"key": "two"})))
        long = connection.execute(select(checkpoints).order_by(func.length(checkpoints.c.key).desc())).all()
    assert [tuple(each)[1:] for each in long] == [(b"\0\xff", row["at"])] * 2, "what was put off is seen by both ways"
    assert short == [tuple(long[0])]
    assert long[1].key == "two"


def test_what_was_put_off_is_written_in_its_order(database: Database) -> None:
    with database.writing() as connection:
        for number in range(3):
            later(connection, EFFECT(key=f"k{number}", last_error="", created=NOW, **AN_EFFECT))
            later(connection, LINE(seq=number + 1, **A_LINE))
            later(
                connection, Ready(update(audit).where(audit.c.seq == 1).values(actor=bindparam("who")))(who=str(number))
            )
    with database.reading() as connection:
        assert connection.execute(select(effects.c.key).order_by(effects.c.seq)).scalars().all() == ["k0", "k1", "k2"]
        assert connection.execute(select(audit.c.actor).order_by(audit.c.seq)).scalars().all() == ["2", "a", "a"]


@pytest.mark.parametrize("first", [True, False])
def test_a_write_that_fails_takes_the_whole_transaction_back(database: Database, *, first: bool) -> None:
    bad, good = LINE(seq=1, **A_LINE), ADD(key="a", blob=b"", at=NOW)
    with database.writing() as connection:
        later(connection, bad)
    with pytest.raises(database.driver_error, match=r"(?i)unique"):
        _written(database, *((bad, good) if first else (good, bad)))
    with database.writing() as connection:  # and the connection is as new
        later(connection, LINE(seq=2, **A_LINE))
    assert database.look(COUNT()) == [(0,)]


def test_an_exception_forgets_what_was_put_off(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        _written(database, ADD(key="a", blob=b"", at=NOW), meanwhile=lambda: 1 // 0)
    with database.reading() as connection:
        assert ask(connection, COUNT())[0] == [(0,)]
    with database.writing() as connection:
        alone(connection)
    assert database.look(COUNT()) == [(0,)]


def test_a_look_is_a_transaction_of_its_own(database: Database) -> None:
    with database.writing() as connection:
        later(connection, ADD(key="a", blob=b"", at=NOW))
        assert ask(connection, COUNT())[0] == [(1,)]
        assert database.look(COUNT()) == [(0,)]
    assert database.look(COUNT()) == [(1,)]


def test_a_constant_and_a_name_that_comes_twice_are_filled_in(database: Database) -> None:
    twice = Ready(
        select(effects.c.key, effects.c.due).where(
            effects.c.state == State.INTENDED, effects.c.due >= bindparam("now"), effects.c.created <= bindparam("now")
        )
    )
    with database.writing() as connection:
        connection.execute(insert(effects).values(key="k", last_error="", created=NOW, **AN_EFFECT))
    assert database.look(twice(now=NOW)) == [("k", NOW)]
    assert database.look(twice(now=NOW + timedelta(microseconds=1))) == []


def test_a_statement_whose_text_depends_on_its_values_is_refused(database: Database) -> None:
    many = Ready(select(cases.c.id).where(cases.c.id.in_(bindparam("some", expanding=True))))
    with pytest.raises(TypeError, match="goes the long way"):
        database.look(many(some=["a"]))


def test_the_log_has_their_text_and_no_value(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, log.name), database.writing() as connection:
        later(connection, ADD(key="hunter2", blob=b"hunter2", at=NOW))
    assert "INSERT INTO checkpoints" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_server_that_goes_before_the_commit_leaves_nothing(
    request: pytest.FixtureRequest, postgres: RunningPostgres
) -> None:
    def restart() -> None:
        postgres.stop()
        postgres.start()

    database = emptied("postgres", request).database()
    try:
        with pytest.raises(TemporaryError):
            _written(database, ADD(key="a", blob=b"", at=NOW), meanwhile=restart)
        assert database.look(COUNT()) == [(0,)], "a connection that is dead is not asked again"
    finally:
        database.close()
