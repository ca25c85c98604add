"""The contract of `Measures`: the reader of PostgreSQL, SQLite and DuckDB and the stand-in keep the same suite."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from cases.errors import PermanentError, SourceDown
from cases.measure import EVERYBODY, Tally, Users
from config.experiments import MeasureSettings
from signals.measures.recorded import RecordedMeasures
from tests.parts.exposing import (
    DAY,
    HOUR,
    WANTED,
    Shop,
    at,
    did,
    in_duckdb,
    in_memory,
    in_postgres,
    in_sqlite,
    measure,
    saw,
)  # fmt: skip
from tests.parts.postgres import RunningPostgres, running_postgres

MEAN = measure("mean")


@pytest.fixture(scope="module")
def server() -> Generator[RunningPostgres]:
    with running_postgres() as running:
        yield running


def _made(request: pytest.FixtureRequest, folder: Path) -> Shop:
    match request.param:
        case "recorded":
            return in_memory(folder)
        case "sqlite":
            return in_sqlite(folder)
        case "duckdb":
            return in_duckdb(folder)
        case _:
            return in_postgres(folder, request.getfixturevalue("server"))


SLOW = [pytest.param(kind, marks=pytest.mark.long) for kind in ("duckdb", "postgres")]
"""What a database answers is one thing, what is made of it another: of that one database tells enough each time."""


@pytest.fixture(params=["recorded", "sqlite", *SLOW])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    return _made(request, tmp_path)


@pytest.fixture(params=["recorded", "sqlite", "duckdb", "postgres"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    return _made(request, tmp_path)


def of(users: Users, variant: str, segment: str = EVERYBODY, signal: str = "shop/sales") -> Tally:
    return users.tallies[segment, signal, variant]


def known(shop: Shop) -> Shop:
    """Three users a variant: those of the control spend 0, 3 and 5; the treated 2, 2 and 8."""
    shop.expose(
        *(saw(f"c{n}", "control", 1 + n) for n in range(3)), *(saw(f"t{n}", "treated", 1 + n) for n in range(3))
    )
    shop.happen(did("c1", 2.5, 3, 1), did("c2", 4, 1, 2), did("c2", 5, 4, 2))
    shop.happen(did("t0", 1, 2, 1), did("t1", 3, 2, 4), did("t2", 3, 5, 1), did("t2", 9, 3, 1))
    return shop


def test_a_mean_is_of_the_sums_of_users_and_nobody_is_left_out(shop: Shop) -> None:
    users = known(shop).look(MEAN)
    assert users.exposed == {"control": 3, "treated": 3}
    assert of(users, "control").columns == ("value",)
    assert of(users, "control").means == pytest.approx([8 / 3])
    assert of(users, "control").scatter[0] == pytest.approx([38 / 3])  # 0, 3, 5
    assert of(users, "treated").means == pytest.approx([4])
    assert of(users, "treated").scatter[0] == pytest.approx([24])  # 2, 2, 8
    assert (users.first, users.newest, users.crossed) == (at(1), at(9), 0)
    assert users.rows == 13


def test_a_share_counts_each_user_once(shop: Shop) -> None:
    users = known(shop).look(measure("share"))
    assert of(users, "control").means == pytest.approx([2 / 3])
    assert of(users, "control").scatter[0] == pytest.approx([2 / 3])
    assert of(users, "treated").means == pytest.approx([1])
    assert of(users, "treated").scatter[0] == pytest.approx([0])


def test_a_ratio_keeps_both_sums(anywhere: Shop) -> None:
    tally = of(known(anywhere).look(measure("ratio")), "control")
    assert tally.columns == ("value", "base")
    assert tally.means == pytest.approx([8 / 3, 5 / 3])  # 0/0, 3/1, 5/4
    assert tally.scatter[0] == pytest.approx([38 / 3, 29 / 3])
    assert tally.scatter[1] == pytest.approx([29 / 3, 26 / 3])


def test_revenue_is_cut_at_a_quantile_of_both_arms(shop: Shop) -> None:
    users = known(shop).look(measure("revenue", winsorise=0.9))
    # Of 0, 2, 2, 3, 5 and 8 the quantile 0.9 is half way between 5 and 8.
    assert of(users, "treated").means == pytest.approx([10.5 / 3])
    assert of(users, "control").means == pytest.approx([8 / 3])


def test_several_metrics_are_read_of_the_same_users(shop: Shop) -> None:
    known(shop)
    shop.happen(did("t0", 2), did("t0", 2), signal="shop/orders")
    users = shop.look(MEAN, measure("share", "shop/orders"))
    assert of(users, "treated", signal="shop/orders").means == pytest.approx([1 / 3])
    assert of(users, "treated").means == pytest.approx([4])


def test_what_came_before_the_first_exposure_does_not_count(shop: Shop) -> None:
    shop.expose(saw("a", "control", 2), saw("a", "control", 1), saw("b", "treated", 1), saw("b", "treated", 3))
    shop.happen(did("a", 0.5, 100), did("a", 1, 1), did("a", 1.5, 2), did("nobody", 2, 50))
    users = shop.look(MEAN)
    assert of(users, "control").means == pytest.approx([3])
    assert users.exposed == {"control": 1, "treated": 1}


def test_what_came_before_is_known_of_a_stretch(anywhere: Shop) -> None:
    anywhere.expose(saw("a", "control", 1), saw("b", "treated", 4), saw("c", "control", 4))
    anywhere.happen(
        did("a", -2, 7), did("a", -0.5, 3), did("a", 0.5, 1), did("b", 2.5, 5), did("b", 1, 9), did("c", 6, 2)
    )
    users = anywhere.look(measure("mean", before="2d"))
    assert of(users, "control").columns == ("value", "before")
    assert of(users, "control").means == pytest.approx([1, 2])  # c: 2 now; a: 3 and 1 before
    assert of(users, "control").scatter[0] == pytest.approx([2, -4])
    assert of(users, "treated").means == pytest.approx([0, 5])


def test_who_saw_two_variants_is_counted_and_left_out(shop: Shop) -> None:
    known(shop).expose(saw("c1", "treated", 8), saw("t0", "of another test", 8), saw("d", "nothing known", 2))
    users = shop.look(MEAN)
    assert users.crossed == 2
    assert users.exposed == {"control": 2, "treated": 2}
    assert of(users, "control").means == pytest.approx([2.5])


def test_closed_cohorts_count_each_user_for_as_long(shop: Shop) -> None:
    known(shop).expose(saw("late", "control", 9))
    shop.happen(did("late", 9.1, 1000))
    users = shop.look(MEAN, cohort=2 * DAY)
    assert users.exposed == {"control": 3, "treated": 3}
    assert of(users, "control").means == pytest.approx(
        [4 / 3]
    )  # c1: 3, c2: 1 within two days, the 4 at two days is out
    assert of(users, "treated").means == pytest.approx([(2 + 2 + 5) / 3])


def test_nothing_is_known_before_anybody_came(shop: Shop) -> None:
    users = shop.look(measure("ratio", before="1d"), by="country")
    assert (users.exposed, users.crossed, users.first, users.newest) == ({"control": 0, "treated": 0}, 0, None, None)
    assert of(users, "control").users == 0
    assert of(users, "control").means == (0, 0, 0)


def test_a_variant_without_users_has_an_empty_tally(shop: Shop) -> None:
    shop.expose(saw("a", "control", 1))
    users = shop.look(MEAN)
    assert users.exposed == {"control": 1, "treated": 0}
    assert of(users, "treated").users == 0


def test_exposures_that_name_variants_otherwise_are_refused(shop: Shop) -> None:
    shop.expose(*(saw(f"u{n}", "A" if n % 2 else "B\n", 1) for n in range(100)))
    with pytest.raises(PermanentError, match=r"nobody saw control, treated of button, and 100 users .* \(A, B\)"):
        shop.look(MEAN)


def test_rows_twice_are_one_user_and_events_twice_are_two(shop: Shop) -> None:
    shop.expose(saw("a", "control", 1), saw("a", "control", 1), saw("b", "treated", 1))
    shop.happen(did("a", 2, 5), did("a", 2, 5))
    users = shop.look(MEAN)
    assert users.exposed == {"control": 1, "treated": 1}
    assert of(users, "control").means == pytest.approx([10])


def test_what_lies_ahead_counts_when_it_has_come(shop: Shop) -> None:
    known(shop).expose(saw("soon", "control", 11))
    shop.happen(did("soon", 12, 1))
    assert shop.look(MEAN).exposed["control"] == 3
    assert shop.look(MEAN, until=at(13)).exposed["control"] == 4


def test_other_flags_are_not_this_one(shop: Shop) -> None:
    known(shop).expose(saw("x", "control", 2, flag="other"), saw("c1", "treated", 2, flag="other"))
    assert shop.look(MEAN).exposed == {"control": 3, "treated": 3}
    assert shop.look(MEAN, flag="other").exposed == {"control": 1, "treated": 1}


def test_exposures_from_before_do_not_count(shop: Shop) -> None:
    known(shop)
    users = shop.look(MEAN, since=at(1.5))
    assert users.exposed == {"control": 2, "treated": 2}
    assert users.first == at(2)


def test_who_is_shown_the_other_variant_because_a_share_grew_did_not_cross(shop: Shop) -> None:
    known(shop).expose(saw("grown", "control", 1.2), saw("grown", "treated", 2.5))
    users = shop.look(MEAN, since=at(1.5))
    assert (users.exposed, users.crossed) == ({"control": 2, "treated": 3}, 0)
    assert shop.look(MEAN).crossed == 1


def test_a_segment_is_of_users_as_they_were_first_seen(shop: Shop) -> None:
    shop.expose(saw("a", "control", 2, "fr"), saw("a", "control", 1, "de"), saw("b", "treated", 1, "fr"))
    shop.expose(saw("c", "treated", 1, "de"), saw("d", "control", 3, "us"))
    shop.expose(saw("x", "control", 1, "de"), saw("x", "treated", 2, "us"), saw("y", "control", 1, "us"))
    shop.expose(saw("y", "treated", 2, "de"))
    shop.happen(did("a", 3, 4), did("b", 3, 100), did("d", 4, 2))
    users = shop.look(MEAN, segment={"country": ("de", "us")})
    assert users.exposed == {"control": 2, "treated": 1}
    assert users.crossed == 2
    assert of(users, "control").means == pytest.approx([3])
    assert of(users, "treated").means == pytest.approx([0])
    only = shop.look(MEAN, segment={"country": ("de",)})
    assert (only.exposed, only.crossed) == ({"control": 1, "treated": 1}, 1)


def test_values_of_a_property_are_shown_apart(anywhere: Shop) -> None:
    anywhere.expose(saw("a", "control", 1, "de"), saw("b", "treated", 1, "de"), saw("c", "treated", 1, "a\tb"))
    anywhere.expose(saw("d", "control", 1), saw("e", "control", 1))
    anywhere.happen(did("a", 2, 4), did("c", 2, 8))
    users = anywhere.look(MEAN, by="country")
    assert {segment for segment, _, _ in users.tallies} == {EVERYBODY, "de", "a b", "(none)"}
    assert of(users, "control", "de").means == pytest.approx([4])
    assert of(users, "treated", "a b").means == pytest.approx([8])
    assert (of(users, "control", "(none)").users, of(users, "control", "a b").users) == (2, 0)
    assert of(users, "control").users == 3


def test_twenty_values_at_the_most_and_the_rest_as_one(shop: Shop) -> None:
    for n in range(25):
        shop.expose(*(saw(f"{n}-{m}", "control", 1, f"v{n:02}") for m in range(1 + (n < 20))))
    shop.happen(did("24-0", 2, 10))
    users = shop.look(MEAN, by="country")
    assert {segment for segment, _, _ in users.tallies} == {EVERYBODY, "(others)", *(f"v{n:02}" for n in range(20))}
    assert of(users, "control", "(others)").users == 5
    assert of(users, "control", "(others)").means == pytest.approx([2])


def test_revenue_below_zero_is_refused_and_nobody_is_named(shop: Shop) -> None:
    known(shop).happen(did("secret-user", 6, -3), did("secret-user", 6, -4))
    with pytest.raises(PermanentError, match=r"2 rows below zero, as at 2026-03-07T00:00:00Z") as refused:
        shop.look(measure("revenue"))
    assert "secret-user" not in str(refused.value)
    assert of(shop.look(MEAN), "control").users == 3


def test_what_is_no_number_is_no_event(shop: Shop) -> None:
    known(shop).happen(did("c0", 6, float("nan"), 1), did("c0", 6, float("inf"), 1), did("c0", 6, 1, float("inf")))
    assert of(shop.look(measure("ratio")), "control").means == pytest.approx([8 / 3, 5 / 3])


def test_a_metric_without_a_measure_is_refused(shop: Shop) -> None:
    with pytest.raises(PermanentError, match="no measure of shop/orders"):
        shop.measures(MEAN).look(replace(WANTED, signals=("shop/orders",)))


def test_later_looks_see_what_came_since_and_nothing_twice(shop: Shop) -> None:
    settings: MeasureSettings = measure("mean", before="3d")
    measures = shop.measures(settings)
    for days in (2, 2.05, 6, 10):
        shop.expose(saw(f"c{days}", "control", days - 0.2), saw(f"t{days}", "treated", days - 0.3))
        shop.expose(saw("c2", "control", days - 0.1))
        shop.happen(*(did(f"c{earlier}", days - 0.05, 2) for earlier in (2, 2.05, 6, 10)))
        if isinstance(measures, RecordedMeasures):
            measures = shop.measures(settings)
        users = measures.look(replace(WANTED, until=at(days)))
        fresh = shop.look(settings, until=at(days))
        assert users.exposed == fresh.exposed
        for variant in WANTED.variants:
            assert of(users, variant).means == pytest.approx(of(fresh, variant).means)
            assert of(users, variant).scatter[0] == pytest.approx(of(fresh, variant).scatter[0])
    assert users.exposed == {"control": 4, "treated": 4}


def test_rows_that_come_late_are_still_counted_once(shop: Shop) -> None:
    known(shop)
    measures = shop.measures(MEAN)
    first = measures.look(WANTED)
    shop.expose(saw("late", "control", 9.95))
    shop.happen(did("late", 9.96, 4), did("c0", 9.97, 1))
    if isinstance(measures, RecordedMeasures):
        measures = shop.measures(MEAN)
    for minutes in (5, 60, 240):
        users = measures.look(replace(WANTED, until=WANTED.until + minutes / 60 * HOUR))
        assert users.exposed == {"control": 4, "treated": 3}
        assert of(users, "control").means == pytest.approx([(8 + 5) / 4])
    assert first.exposed == {"control": 3, "treated": 3}


def test_a_look_at_an_earlier_time_is_as_it_was_then(shop: Shop) -> None:
    measures = known(shop).measures(MEAN)
    measures.look(WANTED)
    users = measures.look(replace(WANTED, until=at(4.5)))
    assert of(users, "control").means == pytest.approx([4 / 3])


def test_the_stand_in_can_be_down() -> None:
    measures = RecordedMeasures(measures={"shop/sales": MEAN}, exposures=(), events={})
    measures.down("closed")
    with pytest.raises(SourceDown, match="recorded: closed"):
        measures.look(WANTED)
