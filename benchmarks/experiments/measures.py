"""How long a look at many users takes: the first one, which reads everything, and those after it.

    nice python -P -m benchmarks.experiments.measures [--rows 10000000] [--kinds duckdb sqlite postgres] [--signals 1]

A tenth of the rows are exposures, one a user, the rest events of users over 14 days, as many each hour. Rows are
written first; then a process of its own looks, and says wall and processor seconds and the peak of its memory
(`getrusage`). The first look ends an hour before the last row; twelve follow, five minutes apart. Postgres needs
Debian's package.
"""

import argparse
import contextlib
import json
import multiprocessing
import resource
import sqlite3
import tempfile
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from cases.measure import Measured
from config.experiments import ExposuresSettings, MeasureSettings
from signals.measures.databases import DatabaseMeasures
from signals.sql.database import open_database
from tests.parts.postgres import OWNERS_PASSWORD, running_postgres

START, DAYS = datetime(2026, 3, 1, tzinfo=UTC), 14
SPAN = DAYS * 86_400
EXPOSURES = "select unit, variant, time from exposures where flag = :flag and time >= :start and time < :end"
EVENTS = "select unit, time, value from events where time >= :start and time < :end"
KINDS = ("revenue", "mean", "share", "mean")
LOOKS = 12


def rows(users: int, events: int, *, seed: int = 1) -> tuple[Iterator[Any], Iterator[Any]]:
    """(unit, variant, flag, time) and (unit, time, value), by time; times are text in whole seconds."""
    rng = np.random.default_rng(seed)
    coin, who, worth = rng.random(users) < 0.5, rng.integers(0, users, events), rng.lognormal(1, 1.2, events)

    def text(second: float) -> str:
        return (START + timedelta(seconds=int(second))).strftime("%Y-%m-%d %H:%M:%S")

    exposures = (
        (f"user-{n}", "treated" if coin[n] else "control", "button", text(n * SPAN / users)) for n in range(users)
    )
    happened = ((f"user-{who[n]}", text(n * SPAN / events), float(worth[n])) for n in range(events))
    return exposures, happened


_MADE = (
    """CREATE TABLE exposures AS
    SELECT 'user-' || n AS unit, if(hash(n) % 2 = 0, 'control', 'treated') AS variant, 'button' AS flag,
        TIMESTAMPTZ '{start}' + to_seconds(n * {span} // {users}) AS time
    FROM range({users}) t(n)""",
    """CREATE TABLE events AS
    SELECT 'user-' || (hash(n) % {users}) AS unit, TIMESTAMPTZ '{start}' + to_seconds(n * {span} // {events}) AS time,
        exp((hash(n + 7) % 5000) / 1000.0) AS value
    FROM range({events}) t(n)""",
)


@contextlib.contextmanager
def a_duckdb(folder: Path, users: int, events: int) -> Generator[str]:
    """Made in its own words: a Python row at a time would take an hour."""
    file = folder / "shop.duckdb"
    with duckdb.connect(file) as base:
        base.execute("SET TimeZone = 'UTC'")
        for statement in _MADE:
            base.execute(statement.format(start=START, span=SPAN, users=users, events=events))
    yield f"duckdb:///{file}"


@contextlib.contextmanager
def a_sqlite(folder: Path, users: int, events: int) -> Generator[str]:
    file = folder / "shop.db"
    base = sqlite3.connect(file)
    base.execute("CREATE TABLE exposures (unit text, variant text, flag text, time text)")
    base.execute("CREATE TABLE events (unit text, time text, value real)")
    seen, happened = rows(users, events)
    base.executemany("INSERT INTO exposures VALUES (?, ?, ?, ?)", seen)
    base.executemany("INSERT INTO events VALUES (?, ?, ?)", happened)
    base.execute("CREATE INDEX seen ON exposures (flag, time)")
    base.execute("CREATE INDEX happened ON events (time)")
    base.commit()
    base.close()
    yield f"sqlite:///{file}"


@contextlib.contextmanager
def a_postgres(folder: Path, users: int, events: int) -> Generator[str]:
    del folder
    with running_postgres(shared_buffers="64MB", max_wal_size="4GB") as server:
        with server.connect() as base, base.cursor() as cursor:
            base.execute("CREATE TABLE exposures (unit text, variant text, flag text, time timestamptz)")
            base.execute("CREATE TABLE events (unit text, time timestamptz, value double precision)")
            for table, found in zip(("exposures", "events"), rows(users, events), strict=True):
                with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                    for row in found:
                        copy.write_row(row)
            base.execute("CREATE INDEX ON exposures (time)")
            base.execute("CREATE INDEX ON events (time)")
            base.execute("ANALYZE")
        yield server.url()


MADE = {"duckdb": a_duckdb, "sqlite": a_sqlite, "postgres": a_postgres}


def looked(kind: str, url: str, folder: str, signals: int) -> None:
    """What the process of its own does; its figures go to a file."""
    password = (lambda: OWNERS_PASSWORD) if kind == "postgres" else None
    base = open_database("db", url, password=password, timeout=timedelta(seconds=30), max_rows=1)
    names = tuple(f"shop/m{n}" for n in range(signals))
    measures = DatabaseMeasures(
        {"db": base},
        exposures={"shop": ExposuresSettings(source="db", query=EXPOSURES)},
        measures={
            name: MeasureSettings(signal=name, source="db", kind=KINDS[n % 4], query=EVENTS)  # type: ignore[arg-type]
            for n, name in enumerate(names)
        },
        folder=Path(folder) / "kept",
    )
    wanted = Measured(
        service="shop", flag="button", variants=("control", "treated"), signals=names, since=START,
        until=START + timedelta(seconds=SPAN - 3_600),
    )  # fmt: skip
    took: list[tuple[float, float]] = []
    read: list[int] = []
    users = None
    for number in range(1 + LOOKS):
        begun = time.perf_counter(), time.process_time()
        users = measures.look(replace(wanted, until=wanted.until + number * timedelta(minutes=5)))
        took.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
        read.append(users.rows)
    assert users is not None
    later = np.array(took[1:])
    figures = {
        "first look": {"rows": read[0], "seconds": round(took[0][0], 2), "processor seconds": round(took[0][1], 2)},
        "later looks": {
            "rows": round(float(np.median(read[1:]))), "seconds, median": round(float(np.median(later[:, 0])), 3),
            "seconds, most": round(float(later[:, 0].max()), 3),
            "processor seconds, median": round(float(np.median(later[:, 1])), 3),
        },
        "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "MB on disk": round(sum(file.stat().st_size for file in (Path(folder) / "kept").iterdir()) / 2**20),
        "users": dict(users.exposed),
        "mean": {variant: users.tallies["", names[-1], variant].means[0] for variant in wanted.variants},
    }  # fmt: skip
    (Path(folder) / "figures.json").write_text(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--kinds", nargs="+", default=["duckdb", "sqlite", "postgres"], choices=sorted(MADE))
    parser.add_argument("--signals", type=int, default=1)
    wanted = parser.parse_args()
    users = wanted.rows // 10
    events = (wanted.rows - users) // wanted.signals
    for kind in wanted.kinds:
        with tempfile.TemporaryDirectory(prefix="measures-") as folder, MADE[kind](Path(folder), users, events) as url:
            # Spawned: a fork would begin with the memory of whoever wrote the rows.
            alone = multiprocessing.get_context("spawn").Process(
                target=looked, args=(kind, url, folder, wanted.signals)
            )
            alone.start()
            alone.join()
            assert alone.exitcode == 0
            print(kind, (Path(folder) / "figures.json").read_text(), flush=True)


if __name__ == "__main__":
    main()
