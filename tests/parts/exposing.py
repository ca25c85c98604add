"""Databases in which users see variants and do things: real ones, and rows in memory, behind one port."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from cases.measure import Measured, Measures, Users
from config.experiments import ExposuresSettings, MeasureSettings
from signals.measures.databases import DatabaseMeasures
from signals.measures.recorded import Did, Exposed, RecordedMeasures
from signals.sql.database import open_database
from tests.parts.postgres import OWNERS_PASSWORD, RunningPostgres

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WANTED = Measured(
    service="shop",
    flag="button",
    variants=("control", "treated"),
    signals=("shop/sales",),
    since=START,
    until=START + 10 * DAY,
)
EXPOSURES = (
    "select unit, variant, time, flag, country from exposures where time >= :start and time < :end and flag = :flag"
)
EVENTS = "select unit, time, value, base from {} where time >= :start and time < :end"
SIGNALS = ("sales", "orders", "clicks")


def at(days: float) -> datetime:
    """So many days after the start, on a whole second."""
    return START + timedelta(seconds=round(86_400 * days))


def saw(unit: str, variant: str, days: float, country: str = "", flag: str = "button") -> Exposed:
    return Exposed(unit=unit, variant=variant, at=at(days), flag=flag, traits={"country": country})


def did(unit: str, days: float, value: float = 1.0, base: float = 0.0) -> Did:
    return Did(unit=unit, at=at(days), value=value, base=base)


def measure(kind: str, signal: str = "shop/sales", **more: object) -> MeasureSettings:
    query = EVENTS.format(signal.partition("/")[2])
    return MeasureSettings.model_validate({"signal": signal, "source": "db", "kind": kind, "query": query, **more})


@dataclass(slots=True, kw_only=True)
class Shop:
    """One place where rows are written, and how they are read."""

    kind: str
    url: str
    write: Callable[[str, Sequence[tuple[object, ...]]], None]
    folder: Path
    exposed: tuple[Exposed, ...] = ()
    happened: Mapping[str, tuple[Did, ...]] | None = None

    def expose(self, *rows: Exposed) -> None:
        """More exposures."""
        self.exposed += rows
        if self.kind != "recorded":
            found = [(row.unit, row.variant, row.at, row.flag, row.traits.get("country") or None) for row in rows]
            self.write("exposures", found)

    def happen(self, *rows: Did, signal: str = "shop/sales") -> None:
        """More events."""
        held = dict(self.happened or {})
        self.happened = held | {signal: (*held.get(signal, ()), *rows)}
        if self.kind != "recorded":
            self.write(signal.partition("/")[2], [(row.unit, row.at, row.value, row.base) for row in rows])

    def measures(self, *measured: MeasureSettings, exposures: str = EXPOSURES) -> Measures:
        """What reads it."""
        found = {one.signal: one for one in measured}
        if self.kind == "recorded":
            return RecordedMeasures(measures=found, exposures=self.exposed, events=self.happened or {})
        password = (lambda: OWNERS_PASSWORD) if self.kind == "postgres" else None
        database = open_database("db", self.url, password=password, timeout=timedelta(seconds=20), max_rows=10)
        return DatabaseMeasures(
            {"db": database},
            exposures={"shop": ExposuresSettings(source="db", query=exposures)},
            measures=found,
            folder=self.folder,
        )

    def look(self, *measured: MeasureSettings, **wanted: object) -> Users:
        """One look by something that reads it for the first time."""
        signals = tuple(one.signal for one in measured)
        asked: Measured = replace(WANTED, **{"signals": signals, **wanted})  # type: ignore[arg-type]
        return self.measures(*measured).look(asked)


def _tables(moment: str, number: str) -> list[str]:
    events = [f"CREATE TABLE {name} (unit text, time {moment}, value {number}, base {number})" for name in SIGNALS]
    return [f"CREATE TABLE exposures (unit text, variant text, time {moment}, flag text, country text)", *events]


def _insert(table: str, mark: str) -> str:
    marks = ", ".join([mark] * (5 if table == "exposures" else 4))
    return f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - a test's own tables


def in_memory(folder: Path) -> Shop:
    return Shop(kind="recorded", url="", write=lambda _table, _rows: None, folder=folder)


def in_sqlite(folder: Path) -> Shop:
    file = folder / "shop.db"

    def write(table: str, rows: Sequence[tuple[object, ...]]) -> None:
        owner = sqlite3.connect(file)
        texts = [
            tuple(value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value for value in row)
            for row in rows
        ]
        with owner:
            owner.executemany(_insert(table, "?"), texts)
        owner.close()

    owner = sqlite3.connect(file)
    owner.executescript(";".join(_tables("text", "real")))
    owner.close()
    return Shop(kind="sqlite", url=f"sqlite:///{file}", write=write, folder=folder / "kept")


def in_duckdb(folder: Path) -> Shop:
    file = folder / "shop.duckdb"

    def write(table: str, rows: Sequence[tuple[object, ...]]) -> None:
        with duckdb.connect(file) as owner:
            owner.begin()
            for row in rows:
                owner.execute(_insert(table, "?"), row).fetchall()
            owner.commit()

    with duckdb.connect(file) as owner:
        for statement in _tables("timestamptz", "double"):
            owner.execute(statement).fetchall()
    return Shop(kind="duckdb", url=f"duckdb:///{file}", write=write, folder=folder / "kept")


def in_postgres(folder: Path, server: RunningPostgres) -> Shop:
    """In tables of its own, emptied: a server is shared."""

    def write(table: str, rows: Sequence[tuple[object, ...]]) -> None:
        with server.connect() as owner, owner.cursor() as cursor:
            cursor.executemany(_insert(table, "%s").encode(), rows)

    with server.connect() as owner:
        for table in ("exposures", *SIGNALS):
            owner.execute(f"DROP TABLE IF EXISTS {table}".encode())
        for statement in _tables("timestamptz", "double precision"):
            owner.execute(statement.encode())
    return Shop(kind="postgres", url=server.url(), write=write, folder=folder / "kept")
