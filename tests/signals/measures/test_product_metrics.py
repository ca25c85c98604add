"""The measures that docs/measuring.md shows for what product people count, on users whose figures a hand computes."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from cases.measure import EVERYBODY, Users
from config.experiments import ExposuresSettings, MeasureSettings
from signals.measures.databases import DatabaseMeasures
from signals.sql.database import open_database
from tests.parts.exposing import EXPOSURES, WANTED, at

TEXT = (Path(__file__).parents[3] / "docs" / "measuring.md").read_text()
SHOWN = yaml.safe_load(TEXT.partition("## What product people count")[2].partition("```yaml")[2].partition("```")[0])
MEASURES = {one["signal"]: MeasureSettings.model_validate(one) for one in SHOWN["measures"]}
EVENTS = [
    # what came before anybody was shown anything counts for nobody
    ("c0", "order", 0.5, 1000.0), ("t0", "visit", 0.5, 0.0), ("t0", "search used", 0.5, 0.0),
    # control: 4 users, 5 visits, 1 order of 40; 2 vouchers of 5 and 15; one cancels; nobody searches but c1, twice
    ("c0", "visit", 2, 0.0), ("c0", "visit", 3, 0.0), ("c1", "visit", 2, 0.0), ("c2", "visit", 2, 0.0),
    ("c2", "visit", 4, 0.0), ("c0", "order", 3.1, 40.0), ("c0", "voucher", 3, 5.0), ("c1", "voucher", 3, 15.0),
    ("c1", "search used", 2, 0.0), ("c1", "search used", 3, 0.0), ("c3", "cancelled", 5, 0.0),
    ("c0", "minutes", 3, 10.0), ("c2", "minutes", 4, 20.0),
    # treated: 4 users, 4 visits, 3 orders of 20, 30 and 50; vouchers of 10 and 15; three search; nobody cancels
    ("t0", "visit", 2, 0.0), ("t1", "visit", 2, 0.0), ("t2", "visit", 3, 0.0), ("t3", "visit", 3, 0.0),
    ("t0", "order", 2.1, 20.0), ("t0", "order", 6, 30.0), ("t2", "order", 3.1, 50.0),
    ("t1", "voucher", 2, 10.0), ("t2", "voucher", 3, 15.0),
    ("t0", "search used", 2, 0.0), ("t1", "search used", 2, 0.0), ("t3", "search used", 7, 0.0),
    ("t0", "minutes", 2, 30.0), ("t1", "minutes", 2, 6.0), ("t1", "minutes", 8, 4.0), ("t3", "minutes", 3, 20.0),
]  # fmt: skip
ANSWERS = [
    ("c0", 3, 8, 4), ("c1", 3, 6, 9),  # 8 + 4, and 6
    ("t0", 3, 8, 7), ("t2", 4, 6, 6), ("t2", 5, 4, 9),  # 8 + 1, 6 and 4
]  # fmt: skip
KNOWN = {
    "shop/adoption": (1 / 4, 3 / 4),
    "shop/conversion": (1 / 5, 3 / 4),
    "shop/churn": (1 / 4, 0.0),
    "shop/engagement": (30 / 4, 60 / 4),
    "shop/roi": (40 / 20, 100 / 25),
    "shop/opportunity": (18 / 2, 19 / 3),
}
TABLES = (
    "CREATE TABLE exposures (unit text, variant text, time {moment}, flag text, country text)",
    "CREATE TABLE events (customer text, name text, happened {moment}, amount {number})",
    "CREATE TABLE answers (customer text, happened {moment}, importance {number}, satisfaction {number})",
)


def rows(moment: type) -> Mapping[str, list[tuple[object, ...]]]:
    def when(days: float) -> object:
        found = at(days)
        return found if moment is datetime else f"{found:%Y-%m-%d %H:%M:%S}"

    seen = [(f"{arm[0]}{n}", arm, when(1), "button", None) for arm in WANTED.variants for n in range(4)]
    return {
        "exposures": [*seen],
        "events": [(who, name, when(days), amount) for who, name, days, amount in EVENTS],
        "answers": [(who, when(days), important, pleased) for who, days, important, pleased in ANSWERS],
    }


def in_sqlite(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "shop.db")) as base, base:
        for table in TABLES:
            base.execute(table.format(moment="text", number="real"))
        for name, lines in rows(str).items():
            base.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(lines[0]))})", lines)  # noqa: S608 - our own
    base.close()
    return f"sqlite:///{folder / 'shop.db'}"


def in_duckdb(folder: Path) -> str:
    with duckdb.connect(folder / "shop.duckdb") as base:
        for table in TABLES:
            base.execute(table.format(moment="timestamptz", number="double")).fetchall()
        for name, lines in rows(datetime).items():
            base.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(lines[0]))})", lines)  # noqa: S608 - our own
    return f"duckdb:///{folder / 'shop.duckdb'}"


@pytest.mark.parametrize("made", [in_sqlite, in_duckdb])
def test_each_is_what_a_hand_computes(tmp_path: Path, made: Callable[[Path], str]) -> None:
    database = open_database("shop-db", made(tmp_path), password=None, timeout=timedelta(seconds=20), max_rows=10)
    measures = DatabaseMeasures(
        {"shop-db": database},
        exposures={"shop": ExposuresSettings(source="shop-db", query=EXPOSURES)},
        measures=MEASURES,
        folder=tmp_path / "kept",
    )
    users = measures.look(replace(WANTED, signals=tuple(MEASURES)))
    assert users.exposed == {"control": 4, "treated": 4}
    levels = {signal: (level(users, signal, "control"), level(users, signal, "treated")) for signal in MEASURES}
    assert levels == {signal: pytest.approx(known) for signal, known in KNOWN.items()}


def level(users: Users, signal: str, variant: str) -> float:
    means = users.tallies[EVERYBODY, signal, variant].means
    return means[0] / means[1] if MEASURES[signal].kind == "ratio" else means[0]
