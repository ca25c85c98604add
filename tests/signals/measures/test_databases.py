"""Measures of databases: answers that are no good, sources that are gone, and what is kept."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from cases.errors import PermanentError, SourceDown, TemporaryError
from config.experiments import ExposuresSettings
from inference.experiments.arm import Arm
from signals.measures import databases
from signals.measures.databases import DatabaseMeasures
from signals.measures.recorded import Did, Exposed
from signals.sql.database import open_database
from tests.parts.exposing import (
    EXPOSURES,
    WANTED,
    Shop,
    at,
    did,
    in_duckdb,
    in_sqlite,
    measure,
    saw,
)  # fmt: skip

MEAN = measure("mean")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Two users a variant; c0 came to 3 on the second day."""
    made = in_sqlite(tmp_path)
    made.expose(*(saw(f"c{n}", "control", 1) for n in range(2)), *(saw(f"t{n}", "treated", 1) for n in range(2)))
    made.happen(did("c0", 2, 3))
    return made


def refused(shop: Shop, *, exposures: str = EXPOSURES, events: str = "", **kind: str) -> str:
    """What is said of the queries."""
    asked = measure(kind.get("kind", "mean"))
    asked = asked.model_copy(update={"query": events}) if events else asked
    with pytest.raises(PermanentError) as error:
        shop.measures(asked, exposures=exposures).look(WANTED)
    return str(error.value)


@pytest.mark.parametrize(
    ("exposures", "said"),
    [
        ("select unit, time from exposures where flag = :flag", "no column 'variant' (there are: unit, time)"),
        ("select unit, variant, time, time as Time from exposures where flag = :flag", "the column 'time' twice"),
        ("select unit, variant, null as time from exposures where flag = :flag", "a row without a time"),
        ("select unit, variant, 'soon' as time from exposures where flag = :flag", "'soon'\" is no time"),
        ("select unit, variant, 1e300 as time from exposures where flag = :flag", "neither epoch seconds nor"),
        ("select variant, unit, time from exposures where flag = :flags", ":flags; only :start, :end and :flag"),
        ("select x'00' as unit, variant, time from exposures where flag = :flag", "`unit` is made of bytes"),
        ("select unit, variant, time from gone where flag = :flag", "refuses the query: no such table: gone"),
        ("delete from exposures where flag = :flag", "would do more than read"),
    ],
)
def test_exposures_that_are_no_good_are_refused(shop: Shop, exposures: str, said: str) -> None:
    assert said.replace("'\"", "'") in refused(shop, exposures=exposures).replace("'\"", "'")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("select unit, time from sales", "no column 'value'"),
        ("select unit, time, 'much' as value from sales", "`value` \"'much'\" is not a number".replace('"', "")),
        ("select unit, time, value from sales where :flag = 1", ":flag; only :start and :end are given"),
    ],
)
def test_events_that_are_no_good_are_refused(shop: Shop, events: str, said: str) -> None:
    assert said in refused(shop, events=events).replace('"', "")


def test_a_ratio_needs_a_base_and_a_share_no_value(shop: Shop) -> None:
    assert "no column 'base'" in refused(shop, events="select unit, time, value from sales", kind="ratio")
    share = measure("share").model_copy(update={"query": "select unit, time from sales"})
    assert shop.measures(share).look(WANTED).tallies["", "shop/sales", "control"].means == (0.5,)


def test_a_segment_by_an_unknown_property_is_refused(shop: Shop) -> None:
    with pytest.raises(PermanentError, match="no column 'plan'"):
        shop.look(MEAN, by="plan")


def test_a_query_that_gives_everything_is_read_stretch_by_stretch_all_the_same(shop: Shop) -> None:
    everything = measure("mean").model_copy(update={"query": "select unit, time, value from sales"})
    exposures = "select unit, variant, time from exposures where flag = :flag"
    for until in (at(10), at(10.5)):
        users = shop.measures(everything, exposures=exposures).look(replace(WANTED, until=until))
        assert users.tallies["", "shop/sales", "control"].means == (1.5,)
        assert users.rows == 5


@pytest.mark.parametrize(
    "moment",
    ["1772496000", "1772496000000", "'2026-03-03T01:00:00+01:00'", "'2026-03-03'", "'2026-03-03T00:00:00.000000Z'"],
)
def test_times_are_read_as_every_other_of_a_database(shop: Shop, moment: str) -> None:
    events = MEAN.model_copy(update={"query": f"select 'c0' as UNIT, {moment} as Time, 7 as value"})
    users = shop.measures(events).look(WANTED)
    assert users.newest == at(2)
    assert users.tallies["", "shop/sales", "control"].means == (3.5,)


@pytest.mark.parametrize(
    "moment",
    [
        "TIMESTAMP '2026-03-03'",
        *(pytest.param(t, marks=pytest.mark.long) for t in ("DATE '2026-03-03'", "1772496000", "'2026-03-03'")),
    ],
)
def test_duckdb_gives_times_of_any_type(tmp_path: Path, moment: str) -> None:
    shop = in_duckdb(tmp_path)
    shop.expose(saw("5", "control", 1), saw("6", "control", 1))
    query = f"select 5::int as unit, {moment} as Time, 7::decimal(4, 1) as value, null as value2 -- the end"
    users = shop.measures(MEAN.model_copy(update={"query": query})).look(WANTED)
    assert users.newest == at(2)
    assert users.tallies["", "shop/sales", "control"].means == (3.5,)


def test_nobody_is_no_user_and_nothing_no_event_and_another_flag_not_ours(tmp_path: Path) -> None:
    for made in (in_sqlite, in_duckdb):
        folder = tmp_path / made.__name__
        folder.mkdir()
        shop = made(folder)
        shop.write("exposures", [(None, "control", at(1), "button", None), ("a", None, at(1), "button", None)])
        shop.write("exposures", [("b", "control", at(1), "button", None), ("c", "control", at(1), None, None)])
        shop.write("sales", [(None, at(2), 1.0, 0.0), ("b", at(2), None, 0.0), ("b", at(3), 4.0, None)])
        shop.write("exposures", [("d", "control", at(1), "other", None), ("b", "treated", at(1), "other", None)])
        either = "select unit, variant, time, flag from exposures where flag in (:flag, 'other') or flag is null"
        users = shop.measures(MEAN, exposures=either).look(WANTED)
        assert users.exposed == {"control": 1, "treated": 0}
        assert users.tallies["", "shop/sales", "control"].means == (4,)


def test_a_database_that_is_gone_is_down_and_counts_again_when_it_is_back(shop: Shop) -> None:
    measures = shop.measures(MEAN)
    before = measures.look(WANTED)
    file = Path(shop.url.removeprefix("sqlite:///"))
    file.rename(file.with_suffix(".away"))
    with pytest.raises(SourceDown, match=r"db: .*shop\.db"):
        measures.look(replace(WANTED, until=at(11)))
    file.with_suffix(".away").rename(file)
    assert measures.look(replace(WANTED, until=at(11))).tallies == before.tallies


def test_a_table_that_disappears_is_refused(shop: Shop) -> None:
    measures = shop.measures(MEAN)
    measures.look(WANTED)
    with closing(sqlite3.connect(shop.url.removeprefix("sqlite:///"))) as owner, owner:
        owner.execute("DROP TABLE sales")
    owner.close()
    with pytest.raises(PermanentError, match="no such table: sales"):
        measures.look(replace(WANTED, until=at(11)))


def test_a_source_or_service_that_nobody_knows_is_refused(shop: Shop) -> None:
    with pytest.raises(PermanentError, match=r"no source of signals\.sql is named warehouse"):
        shop.look(measure("mean", source="warehouse"))
    with pytest.raises(PermanentError, match="the service till does not say who saw which variant"):
        shop.look(MEAN, service="till")


def kept(shop: Shop) -> list[Path]:
    return sorted(shop.folder.iterdir())


def test_what_is_kept_names_nobody(tmp_path: Path) -> None:
    shop = in_sqlite(tmp_path)
    people = [f"customer-number-{n}@shop.example" for n in range(3_000)]
    shop.expose(*(saw(unit, "control", 1, "de") for unit in people))
    shop.happen(*(did(unit, 0.5, 3) for unit in people), *(did(unit, 2, 3) for unit in people))
    shop.look(measure("mean", before="3d"), by="country")
    (file,) = kept(shop)
    assert file.stat().st_size > 20_000
    assert b"customer" not in file.read_bytes()
    assert file.parent.stat().st_mode & 0o077 == 0


def _gone(file: Path) -> None:
    file.unlink()


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20_000])


def _rubbish(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 100)


@pytest.mark.parametrize("lost", [_gone, _cut, _rubbish])
def test_what_is_kept_may_be_lost_at_any_moment(shop: Shop, lost: Callable[[Path], None]) -> None:
    measures = shop.measures(MEAN)
    before = measures.look(WANTED)
    lost(kept(shop)[0])
    after = measures.look(replace(WANTED, until=at(10.01)))
    assert after.tallies == before.tallies
    assert after.rows == 5  # all of it, read again
    assert len(kept(shop)) == 1


def test_a_place_that_cannot_be_written_is_said(shop: Shop) -> None:
    shop.folder.parent.mkdir(exist_ok=True)
    measures = shop.measures(MEAN)
    shop.folder.write_text("a file where the folder should be")
    with pytest.raises(TemporaryError, match="cannot be put together in"):
        measures.look(WANTED)


def test_nothing_of_another_life_is_left(shop: Shop) -> None:
    shop.look(MEAN)
    (left,) = kept(shop)
    spilled = left.with_name(f"{left.name}.tmp")
    spilled.mkdir()
    (spilled / "some").write_text("rows")
    measures = shop.measures(MEAN)
    assert kept(shop) == []
    assert isinstance(measures, DatabaseMeasures)
    measures.look(WANTED)
    measures.close()
    assert kept(shop) == []


def test_few_experiments_are_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MOST_KEPT", 2)
    measures = shop.measures(MEAN)
    for flag in ("button", "other", "third"):
        measures.look(replace(WANTED, flag=flag))
    assert len(kept(shop)) == 2
    assert measures.look(WANTED).rows == 5


def test_what_nobody_asks_for_any_more_is_not_kept(shop: Shop) -> None:
    measures = shop.measures(MEAN)
    for flag in ("button", "other"):
        measures.look(replace(WANTED, flag=flag))
    assert len(kept(shop)) == 2
    measures.look(replace(WANTED, until=WANTED.until + 2 * databases.REMADE))
    assert len(kept(shop)) == 1


def test_more_rows_than_may_be_kept_are_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MOST_ROWS", 3)
    assert "came to more than 3 rows" in refused(shop)


def test_a_look_reads_what_came_since_and_once_a_day_all(shop: Shop) -> None:
    measures = shop.measures(MEAN)
    shop.happen(*(did("c0", 10 - hours / 24, 1) for hours in range(1, 20)))
    assert measures.look(WANTED).rows == 24
    assert measures.look(replace(WANTED, until=at(10) + 5 * databases.OVERLAP / 120)).rows == 2  # OVERLAP is read anew
    shop.happen(did("c1", 3, 100))  # it comes a week late
    much_later = replace(WANTED, until=at(10.9))
    assert measures.look(much_later).tallies["", "shop/sales", "control"].means == ((3 + 19) / 2,)
    after = measures.look(replace(WANTED, until=WANTED.until + databases.REMADE))
    assert after.rows == 25
    assert after.tallies["", "shop/sales", "control"].means == ((3 + 19 + 100) / 2,)


def test_a_property_that_is_asked_for_later_is_read_anew(shop: Shop) -> None:
    measures = shop.measures(MEAN)
    assert measures.look(WANTED).rows == 5
    assert measures.look(replace(WANTED, by="country")).rows == 5
    assert measures.look(replace(WANTED, segment={"country": ("",)}, until=at(10.1))).exposed["control"] == 2
    assert measures.look(replace(WANTED, until=at(10.2))).rows == 0


def test_a_query_that_takes_too_long_is_asked_for_less(tmp_path: Path) -> None:
    """Each row costs some 0.06 s here, there are six in a day, and a question may last 0.3 s."""
    shop = in_sqlite(tmp_path)
    shop.expose(saw("a", "control", 0))
    shop.happen(*(did("a", 0.1 + day / 24, 1) for day in range(6)))
    slow = (
        "select unit, time, value + (with recursive n(i) as (select 1 union all select i + 1 from n where "
        "i < 200000 + 0 * value) select 0 * max(i) from n) as value from sales where time >= :start and time < :end"
    )
    database = open_database("db", shop.url, password=None, timeout=timedelta(seconds=0.3), max_rows=10)
    measures = DatabaseMeasures(
        {"db": database},
        exposures={"shop": ExposuresSettings(source="db", query=EXPOSURES)},
        measures={"shop/sales": MEAN.model_copy(update={"query": slow})},
        folder=shop.folder,
    )
    users = measures.look(replace(WANTED, until=at(1)))
    assert users.tallies["", "shop/sales", "control"].means == (6,)


def test_sums_that_differ_little_lose_no_digits(tmp_path: Path) -> None:
    shop = in_sqlite(tmp_path)
    values = 1e9 + np.random.default_rng(7).normal(0, 1e-2, 500)
    exposed: list[Exposed] = [saw(f"u{n}", "control", 1) for n in range(len(values))]
    events: list[Did] = [did(f"u{n}", 2, float(value)) for n, value in enumerate(values)]
    shop.expose(*exposed)
    shop.happen(*events)
    tally = shop.look(MEAN).tallies["", "shop/sales", "control"]
    arm = Arm.of(values)
    assert tally.means[0] == pytest.approx(arm.means[0], rel=1e-12)
    assert tally.scatter[0][0] == pytest.approx(arm.scatter[0, 0], rel=1e-6)  # 1e9 has seven digits left below 1e-2
