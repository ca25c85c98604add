"""The time limit of a query, where its end and the query's come together."""

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from signals.sql.limit import Limit


def test_a_connection_that_is_closed_when_the_time_is_up_is_left_alone(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/books.db", poolclass=NullPool)
    limit, stopped = Limit(engine), list[sqlite3.Connection]()

    def stop(opened: sqlite3.Connection) -> None:
        stopped.append(opened)
        opened.interrupt()  # of one that is closed it raises, in a thread: that fails the test

    with limit.lasting(timedelta(milliseconds=50), stop):
        with engine.connect() as connection:
            assert connection.execute(text("select 1")).scalar() == 1
        threading.Event().wait(0.3)
    assert (limit.expired, stopped) == (True, [])
    with limit.lasting(timedelta(milliseconds=50), stop), engine.connect():
        threading.Event().wait(0.3)
    assert stopped
    engine.dispose()
