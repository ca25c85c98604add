"""Databases as sources: a real PostgreSQL, SQLite and DuckDB, read by queries that are good, bad and hostile."""

import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from cases.errors import PermanentError, SourceDown, TemporaryError
from cases.telemetry import SeriesBlock, Signal
from daemon.clock import ManualClock
from signals.sql.source import SqlSource
from tests.parts.postgres import OWNERS_PASSWORD, RunningPostgres, running_postgres
from tests.parts.prometheus import free_port

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ROWS = 60
SELECT = "SELECT time, value, shop FROM orders WHERE time >= :start AND time < :end"

_TABLE = """
CREATE TABLE orders (time {time}, value {value}, shop text);
CREATE TABLE secrets (name text);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """One database with an hour of orders in it, a row a minute: 0, 1, 2 and so on."""

    kind: str
    url: str
    count: Callable[[str], int]  # of a table's rows, by somebody who may see and do everything
    password: Callable[[], str] | None = None

    def source(
        self, query: str = SELECT, *, now: datetime = START + HOUR, every: timedelta = MINUTE, **more: float
    ) -> "Asked":
        clock = ManualClock(now)
        source = SqlSource(
            "orders",
            url=self.url,
            query=query,
            clock=clock,
            password=self.password,
            every=every,
            timeout=timedelta(seconds=more.get("timeout", 5)),
            max_rows=int(more.get("max_rows", 10_000)),
        )
        return Asked(source=source, clock=clock, query=query)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A source with its clock."""

    source: SqlSource
    clock: ManualClock
    query: str

    def read(self, start: datetime, end: datetime, step: timedelta = MINUTE) -> SeriesBlock:
        signal = Signal(name="orders", service="shop", source="orders", query=self.query)
        return self.source.read(signal, start, end, step)

    def last(self, points: int = 6) -> list[float | None]:
        """The newest points of the only series, None where there is none."""
        now = self.clock.now()
        block = self.read(now - (points - 1) * MINUTE, now)
        row = block.values[0] if len(block.values) else np.full(points, np.nan)
        return [None if np.isnan(value) else float(value) for value in row]


def _moments() -> list[datetime]:
    return [START + minute * MINUTE for minute in range(ROWS)]


@pytest.fixture(scope="module")
def server() -> Generator[RunningPostgres]:
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="module")
def postgres(server: RunningPostgres) -> Base:
    with server.connect() as owner:
        for statement in _TABLE.format(time="timestamptz", value="numeric").strip().split(";")[:-1]:
            owner.execute(statement.encode())
        owner.execute("CREATE SEQUENCE numbers")
        owner.execute("CREATE ROLE reader LOGIN PASSWORD 'reader-s3cret'")
        owner.execute("GRANT SELECT ON orders TO reader")
        with owner.cursor() as cursor:
            rows = [(at, value, "blue") for value, at in enumerate(_moments())]
            cursor.executemany("INSERT INTO orders VALUES (%s, %s, %s)", rows)

    def count(table: str) -> int:
        with server.connect() as owner:
            found = owner.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - a test's own table
            assert found is not None
            assert isinstance(found[0], int)
            return found[0]

    return Base(kind="postgres", url=server.url(), count=count, password=lambda: OWNERS_PASSWORD)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Base:
    file = tmp_path_factory.mktemp("sqlite") / "shop orders.db"
    with closing(sqlite3.connect(file)) as owner, owner:
        owner.executescript(_TABLE.format(time="text", value="real"))
        rows = [(at.strftime("%Y-%m-%d %H:%M:%S"), value, "blue") for value, at in enumerate(_moments())]
        owner.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)

    def count(table: str) -> int:
        reader = sqlite3.connect(file)
        found: int = reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - a test's own table
        reader.close()
        return found

    return Base(kind="sqlite", url=f"sqlite:///{file}", count=count)


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Base:
    file = tmp_path_factory.mktemp("duckdb") / "shop.duckdb"
    with duckdb.connect(file) as owner:
        owner.execute(_TABLE.format(time="timestamptz", value="double"))
        owner.execute("CREATE SEQUENCE numbers")
        rows = [(at, value, "blue") for value, at in enumerate(_moments())]
        owner.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)

    def count(table: str) -> int:
        with duckdb.connect(file, read_only=True) as reader:
            found = reader.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - a test's own table
            assert found is not None
            return int(found[0])

    return Base(kind="duckdb", url=f"duckdb:///{file}", count=count)


@pytest.fixture(params=["postgres", "sqlite", "duck"])
def base(request: pytest.FixtureRequest) -> Base:
    made: Base = request.getfixturevalue(request.param)
    return made


def test_rows_become_a_series_with_labels(base: Base) -> None:
    block = base.source().read(START, START + 3 * MINUTE)
    assert block.labels == ({"shop": "blue"},)
    assert block.values.tolist() == [[0, 1, 2, 3]]


def test_check_says_what_answers(base: Base) -> None:
    asked = base.source()
    known = {"postgres": "PostgreSQL 1", "sqlite": "SQLite 3.", "duckdb": "DuckDB "}
    said = asked.source.probe()
    assert said.startswith(known[base.kind])
    assert said.endswith(": 6 rows, 1 series")
    assert "s3cret" not in said + repr(asked.source)
    asked.source.close()


@pytest.mark.long
def test_more_memory_than_there_is_for_a_query_is_said(duck: Base) -> None:
    with pytest.raises(SourceDown, match="needs more memory than it may have"):
        duck.source("SELECT count(*) AS value FROM (SELECT DISTINCT hash(i) FROM range(40000000) t(i))").last()


WRITES = {
    "INSERT": "INSERT INTO secrets VALUES ('x')",
    "INSERT RETURNING": "INSERT INTO secrets VALUES ('x') RETURNING 1 AS value",
    "DELETE RETURNING": "DELETE FROM orders RETURNING 1 AS value",
    "UPDATE": "UPDATE orders SET value = 0",
    "two statements": "SELECT 1 AS value; DELETE FROM orders",
    "out of the transaction": "SELECT 1 AS value; COMMIT; DELETE FROM orders",
    "DROP": "DROP TABLE secrets",
    "CREATE": "CREATE TABLE pwned AS SELECT 1 AS value",
    "TEMP": "CREATE TEMP TABLE pwned AS SELECT 1 AS value",
    "VACUUM": "VACUUM",
}
OF_ONE = {
    "postgres": {
        "WITH": "WITH gone AS (DELETE FROM orders RETURNING *) SELECT count(*) AS value FROM gone",
        "a sequence": "SELECT nextval('numbers') AS value",
        "read-only off": "SELECT set_config('transaction_read_only', 'off', true), nextval('numbers') AS value",
        "COPY": "COPY orders TO PROGRAM 'touch {folder}/pwned'",
        "DO": "DO $$ BEGIN DELETE FROM orders; END $$",
    },
    "sqlite": {
        "ATTACH": "ATTACH '{folder}/pwned' AS pwned",
        "VACUUM INTO": "VACUUM INTO '{folder}/pwned'",
        "PRAGMA": "PRAGMA writable_schema = ON",
        "an extension": "SELECT load_extension('{folder}/pwned') AS value",
    },
    "duckdb": {
        "a sequence": "SELECT nextval('numbers') AS value",
        "ATTACH": "ATTACH '{folder}/pwned' AS pwned",
        "COPY": "COPY orders TO '{folder}/pwned' (FORMAT csv)",
        "another file": "SELECT count(*) AS value FROM read_text('/etc/hostname')",
        "an extension": "INSTALL httpfs",
        "a setting": "SET enable_external_access = true",
    },
}


def test_nothing_is_ever_written(base: Base, tmp_path: Path) -> None:
    for name, query in (WRITES | OF_ONE[base.kind]).items():
        asked = base.source(query.replace("{folder}", str(tmp_path)))
        with pytest.raises(PermanentError, match=r"^orders: the (query would do more|database refuses|query is more)"):
            pytest.fail(f"{name} was let through: {asked.source.probe()}")
    assert base.count("orders") == ROWS
    assert base.count("secrets") == 0
    assert list(tmp_path.iterdir()) == []


def test_what_the_server_lets_a_reader_do_is_rolled_back(postgres: Base) -> None:
    """PostgreSQL 15 lets a read-only transaction make large objects; it ends without a commit."""
    assert "1 rows" in postgres.source("SELECT lo_create(0) AS value").source.probe()
    assert postgres.count("pg_largeobject_metadata") == 0


ENDLESS = {
    "postgres": "SELECT count(*) AS value FROM generate_series(1, 10000000000) i",
    "sqlite": "WITH RECURSIVE a(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM a) SELECT count(*) AS value FROM a",
    "duckdb": "SELECT count(*) AS value FROM range(10000000000) a, range(100000) b",
}


def test_a_query_that_does_not_end_is_ended(base: Base) -> None:
    began = time.monotonic()
    with pytest.raises(SourceDown, match=r"orders: the query did not end within 0\.3 s and was ended; narrow it"):
        base.source(ENDLESS[base.kind], timeout=0.3).source.probe()
    assert time.monotonic() - began < 1.2


def test_a_query_that_takes_its_limit_away_is_cut_off(postgres: Base) -> None:
    """Each fetch is a statement of its own for PostgreSQL's limit: the whole has one of ours."""
    query = (
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(0.02), i AS value FROM generate_series(1, 999) i"
    )
    began = time.monotonic()
    with pytest.raises(SourceDown, match=r"did not end within 0\.2 s"):
        postgres.source(query, timeout=0.2).source.probe()
    assert time.monotonic() - began < 3


FIVE = "SELECT time, value FROM orders WHERE value = 5"


@pytest.mark.parametrize(
    ("query", "because"),
    [
        ("SELECT * FROM nowhere", r"the database refuses the query: .*nowhere.*\. Correct `query`"),
        ("SELECT nothing AS value FROM orders", "the database refuses the query: .*nothing"),
        ("SELEC 1", "the database refuses the query: .*"),
        ("-- a remark alone", "the query is more or other than one SELECT|refuses the query"),
        ("SELECT 1 AS amount", r"it has no column `value` \(there are: amount\); name the number"),
        ("SELECT 1 AS value, 2 AS value", "it has the column 'value' twice"),
        ("SELECT 1 AS value, 'a' AS l, 'b' AS l", "it has the column 'l' twice"),
        ("SELECT 'many' AS value", "its `value` 'many' is not a number; cast it"),
        (f"{FIVE} UNION ALL {FIVE}", "it gives two rows for 2026-03-01T12:05:00Z and no label; aggregate them"),
        (
            "SELECT value, shop FROM orders WHERE value < 2",
            "it gives two rows for the labels shop=blue; aggregate them",
        ),
        ("SELECT 'yesterday' AS time, 1 AS value", "its `time` 'yesterday' is no time"),
        ("SELECT 9e17 AS time, 1 AS value", "is neither epoch seconds nor milliseconds"),
        ("SELECT -5 AS time, 1 AS value", "is neither epoch seconds nor milliseconds"),
        ("SELECT NULL AS time, 1 AS value", "a row without a time; leave such rows out"),
        ("SELECT count(*) AS value FROM orders WHERE time < :end", "its value would depend on who asks"),
        ("SELECT 1 AS value, :until AS l", r"the query names :until; only :start and :end are given"),
        ("SELECT time, value FROM orders LIMIT 11", "more than 10 rows; aggregate in the query, use :start"),
    ],
)
def test_a_query_that_cannot_be_watched_is_said(base: Base, query: str, because: str) -> None:
    with pytest.raises(PermanentError, match=f"^orders: .*({because})"):
        base.source(query, max_rows=10).source.probe()


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("1772366460", START + MINUTE),
        ("1772366460000", START + MINUTE),
        ("1772366460.25", START + MINUTE + timedelta(milliseconds=250)),
        ("'2026-03-01 12:01:00'", START + MINUTE),
        ("'2026-03-01T14:01:00+02:00'", START + MINUTE),
        ("'2026-03-01'", START - 12 * HOUR),
    ],
)
def test_times_are_read_as_they_are_written(base: Base, written: str, at: datetime) -> None:
    asked = base.source(f"SELECT {written} AS time, 7 AS value", now=at + HOUR)
    block = asked.read(at - MINUTE, at + MINUTE, timedelta(milliseconds=250))
    first = int(np.flatnonzero(~block.missing[0])[0])
    assert block.times[first] == round(at.timestamp() * 1000)


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
@pytest.mark.parametrize("which", ["postgres", "duck"])
def test_typed_times_without_a_zone_are_utc(request: pytest.FixtureRequest, which: str, kind: str) -> None:
    base: Base = request.getfixturevalue(which)
    query = f"SELECT time::{kind} AS time, max(value) AS value FROM orders GROUP BY 1"  # noqa: S608 - a test's own query
    assert base.source(query).last(6) == [55, 56, 57, 58, 59, 59]


@pytest.mark.parametrize("which", ["postgres", "duck"])
def test_a_date_is_its_midnight(request: pytest.FixtureRequest, which: str) -> None:
    base: Base = request.getfixturevalue(which)
    asked = base.source("SELECT time::date AS time, max(value) AS value FROM orders GROUP BY 1", every=24 * HOUR)
    block = asked.read(START - 13 * HOUR, START, HOUR)
    assert block.missing[0].tolist() == [True] + 13 * [False]


def test_null_is_missing_and_ends_a_series(base: Base) -> None:
    asked = base.source("SELECT time, CASE WHEN value = 57 THEN NULL ELSE value END AS value FROM orders")
    assert asked.last() == [55, 56, None, 58, 59, 59]


def test_a_label_that_is_null_or_empty_is_left_out(base: Base) -> None:
    asked = base.source("SELECT 1 AS value, NULL AS region, '' AS zone, 3 AS shard, 'x' AS Shop")
    (labels,) = asked.read(START + HOUR, START + HOUR).labels
    assert {name.lower(): text for name, text in labels.items()} == {"shard": "3", "shop": "x"}


def test_percent_signs_and_colons_are_only_text(base: Base) -> None:
    query = "SELECT time, value, '12:30 a:b' AS note FROM orders WHERE shop LIKE '%ue' -- 10 % ;"
    assert base.source(query).last(2) == [59, 59]


def test_between_two_answers_the_last_one_stands(sqlite: Base) -> None:
    asked = sqlite.source(now=START + HOUR, every=timedelta(minutes=10))
    assert asked.read(START + 58 * MINUTE, START + 59 * MINUTE).values[0].tolist() == [58, 59]
    with _more(sqlite, START + timedelta(minutes=59, seconds=30), 1000.0):
        asked.clock.advance(timedelta(minutes=9, seconds=59))
        assert asked.last(1) == [59]
        asked.clock.advance(timedelta(seconds=1))
        assert asked.last(1) == [1000]


def test_an_earlier_beginning_is_asked_for_at_once_and_covers_the_rest(sqlite: Base) -> None:
    asked = sqlite.source(now=START + HOUR, every=timedelta(minutes=10))
    assert asked.read(START + 58 * MINUTE, START + 59 * MINUTE).values[0].tolist() == [58, 59]
    assert asked.read(START, START + MINUTE).values[0].tolist() == [0, 1]
    with _more(sqlite, START + timedelta(seconds=30), 1000.0):
        assert asked.read(START + 30 * MINUTE, START + 31 * MINUTE).values[0].tolist() == [30, 31]
        assert asked.read(START, START + MINUTE).values[0].tolist() == [0, 1]


def test_a_bucket_that_still_fills_is_not_asked_for(sqlite: Base) -> None:
    """At 12:47 with `every: 10m` the bucket of 12:40 is not whole; the one of 12:30 is what is known."""
    query = (
        "SELECT substr(time, 1, 15) || '0:00' AS time, count(*) AS value FROM orders "
        "WHERE time >= :start AND time < :end GROUP BY 1"
    )
    asked = sqlite.source(query, now=START + 47 * MINUTE, every=timedelta(minutes=10))
    block = asked.read(START + 5 * MINUTE, START + 47 * MINUTE)
    assert set(block.values[0].tolist()) == {10.0}


def test_what_has_no_time_counts_for_its_moment_and_is_remembered(sqlite: Base) -> None:
    asked = sqlite.source("SELECT count(*) AS value FROM orders", every=2 * MINUTE)
    assert asked.last(3) == [None, None, 60]
    with _more(sqlite, START + 2 * HOUR, 1.0):
        asked.clock.advance(MINUTE)
        assert asked.last(3) == [None, 60, 60]
        asked.clock.advance(MINUTE)
        assert asked.last(4) == [None, 60, 60, 61]
    asked.clock.advance(30 * MINUTE)
    assert asked.last(3) == [None, None, 60], "what was not read is missing"


def test_a_label_that_vanishes_is_missing_at_once(sqlite: Base) -> None:
    asked = sqlite.source("SELECT shop, count(*) AS value FROM orders GROUP BY shop")
    with _more(sqlite, START, 1.0, shop="red"):
        assert len(asked.read(START + HOUR, START + HOUR).labels) == 2
    asked.clock.advance(MINUTE)
    now = asked.clock.now()
    assert [dict(labels) for labels in asked.read(now, now).labels] == [{"shop": "blue"}]


def test_old_rows_are_not_shown_for_ever(base: Base) -> None:
    asked = base.source(now=START + 70 * MINUTE)  # `every` of one minute and five of look-back
    block = asked.read(START + 59 * MINUTE, START + 70 * MINUTE)
    assert block.missing[0].tolist() == [minute > 65 for minute in range(59, 71)]


def test_a_failure_stands_for_a_minute_and_no_longer(sqlite: Base, tmp_path: Path) -> None:
    file = tmp_path / "late.db"
    late = Base(kind="sqlite", url=f"sqlite:///{file}", count=sqlite.count)
    asked = late.source("SELECT count(*) AS value FROM orders", every=HOUR)
    with pytest.raises(SourceDown, match=r"late\.db cannot be read: the file is not there: is the path right\?"):
        asked.last()
    with closing(sqlite3.connect(file)) as owner, owner:
        owner.execute("CREATE TABLE orders (n)")
    owner.close()
    asked.clock.advance(timedelta(seconds=59))
    with pytest.raises(SourceDown, match="is not there") as failure:
        asked.last()
    assert failure.value.retry_after == timedelta(seconds=1)
    asked.clock.advance(timedelta(seconds=1))
    assert asked.last(1) == [0]


def test_threads_share_one_question(postgres: Base) -> None:
    asked = postgres.source("SELECT pg_sleep(0.2)::text AS slept, count(*) AS value FROM orders")
    began = time.monotonic()
    threads = [threading.Thread(target=asked.last) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 0.9


def test_a_rotated_password_is_seen_and_none_is_ever_shown(
    server: RunningPostgres, postgres: Base, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = iter(["wr0ng-s3cret", "reader-s3cret"])
    base = Base(kind="postgres", url=server.url("reader"), count=postgres.count, password=lambda: next(passwords))
    asked = base.source()
    with caplog.at_level("DEBUG"), pytest.raises(PermanentError, match="does not let us in; check the user") as failure:
        asked.source.probe()
    seen = [repr(failure.value), caplog.text, repr(failure.value.__cause__), repr(asked.source)]
    assert failure.value.__suppress_context__
    assert not any("s3cret" in text for text in seen)
    assert asked.source.probe().startswith("PostgreSQL")


def test_a_password_that_cannot_be_had_now_makes_the_source_down(server: RunningPostgres, postgres: Base) -> None:
    def late() -> str:
        raise TemporaryError("cmd:vault … did not answer within 10 s")

    base = Base(kind="postgres", url=server.url("reader"), count=postgres.count, password=late)
    with pytest.raises(SourceDown, match="orders: cmd:vault … did not answer"):
        base.source().last()


def test_what_the_reader_may_not_see_is_said(server: RunningPostgres, postgres: Base) -> None:
    base = Base(kind="postgres", url=server.url("reader"), count=postgres.count, password=lambda: "reader-s3cret")
    with pytest.raises(PermanentError, match="permission denied for table secrets"):
        base.source("SELECT count(*) AS value FROM secrets").source.probe()


def test_a_server_that_is_not_there_is_down() -> None:
    url = f"postgresql+psycopg://reader@127.0.0.1:{free_port()}/shop"
    base = Base(kind="postgres", url=url, count=lambda _: 0)
    with pytest.raises(SourceDown, match=r"orders: 127\.0\.0\.1:\d+/shop cannot be read: .*Connection refused"):
        base.source().last()


def test_a_server_that_ends_while_it_answers_is_down(server: RunningPostgres, postgres: Base) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trackwalker'"
    pause = threading.Event()

    def kill() -> None:
        with server.connect() as owner:
            while not owner.execute(end.encode()).fetchall():
                pause.wait(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(SourceDown, match=r"orders: .* cannot be read: .*connection"):
        postgres.source("SELECT pg_sleep(4)::text AS slept, 1 AS value").source.probe()
    killer.join()


def test_a_server_that_says_nothing_is_given_up(postgres: Base) -> None:
    """Something listens, accepts and is silent: connecting has its own limit, of two seconds at the least."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql+psycopg://x@127.0.0.1:{silent.getsockname()[1]}/x"
        base = Base(kind="postgres", url=url, count=postgres.count)
        began = time.monotonic()
        with pytest.raises(SourceDown, match=r"cannot be read|did not end"):
            base.source(timeout=0.2).source.probe()
        assert time.monotonic() - began < 4


def test_a_duckdb_that_is_being_written_is_down(tmp_path: Path) -> None:
    file = tmp_path / "busy.duckdb"
    code = f"import duckdb; c = duckdb.connect({str(file)!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
        base = Base(kind="duckdb", url=f"duckdb:///{file}", count=lambda _: 0)
        with pytest.raises(SourceDown, match="another process has the file open for writing"):
            base.source("SELECT 1 AS value").source.probe()
        writer.communicate(b"\n", timeout=20)
    assert base.source("SELECT 1 AS value").last(1) == [1]


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("postgresql+psycopg://x:s3cret@127.0.0.1/x", "the url holds a password; take it out"),
        ("postgresql+psycopg://x@127.0.0.1/x?password=s3cret", "the url holds a password; take it out"),
        ("mysql://127.0.0.1/x", "begins with none of postgresql"),
        ("s3cret", "is not the address of a database"),
    ],
)
def test_an_address_that_can_never_work_is_refused_without_showing_it(url: str, because: str) -> None:
    with pytest.raises(PermanentError, match=because) as failure:
        SqlSource("orders", url=url, query="SELECT 1 AS value", clock=ManualClock(START))
    assert "s3cret" not in repr(failure.value)


class _more:  # noqa: N801 - it reads as a statement
    """One more row in the SQLite base, for the length of a block."""

    def __init__(self, base: Base, at: datetime, value: float, shop: str = "blue") -> None:
        self._file = base.url.removeprefix("sqlite:///")
        self._row = (at.strftime("%Y-%m-%d %H:%M:%S"), value, shop)

    def __enter__(self) -> None:
        self._do("INSERT INTO orders VALUES (?, ?, ?)")

    def __exit__(self, *_: object) -> None:
        self._do("DELETE FROM orders WHERE time = ? AND value = ? AND shop = ?")

    def _do(self, statement: str) -> None:
        with closing(sqlite3.connect(self._file)) as owner, owner:
            owner.execute(statement, self._row)
        owner.close()
