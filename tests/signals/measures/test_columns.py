"""Times, numbers and texts of any database, as columns."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest

from signals.measures.columns import LONGEST, Unusable, microseconds, names, numbers, places, traits

AT = datetime(2026, 3, 1, 12, 30, 15, 123_457, tzinfo=UTC)
MICROS = 1_772_368_215_123_457


def test_times_are_exact_whatever_zone_they_are_written_in() -> None:
    east = AT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    naive = AT.replace(tzinfo=None)
    assert microseconds([AT, east]).tolist() == [MICROS, MICROS]
    assert microseconds([naive, naive]).tolist() == [MICROS, MICROS]
    assert microseconds([naive, east, AT]).tolist() == [MICROS] * 3
    assert microseconds([str(naive), AT.isoformat(), f" {naive} "]).tolist() == [MICROS] * 3
    assert microseconds([]).tolist() == []


def test_every_microsecond_of_our_age_survives() -> None:
    moments = [AT + n * timedelta(days=37, microseconds=1) for n in range(700)]
    expected = [MICROS + n * (37 * 86_400_000_000 + 1) for n in range(700)]
    assert microseconds(moments).tolist() == expected
    assert microseconds([at.isoformat() for at in moments]).tolist() == expected


def test_times_may_differ_in_kind_from_row_to_row() -> None:
    found = microseconds([date(2026, 3, 1), "2026-03-01", 1_772_323_200, 1_772_323_200_000.0, Decimal(1_772_323_200)])
    assert found.tolist() == [1_772_323_200_000_000] * 5


@pytest.mark.parametrize("value", [None, True, "soon", "", b"2026", -1, float("nan"), 1e300, timedelta(1)])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(Unusable):
        microseconds([AT, value])


def test_numbers_that_are_none_are_nan() -> None:
    found = numbers([1, True, Decimal("2.5"), None, float("inf"), 10**400, Decimal("sNaN")], "value")
    assert np.array_equal(found, [1, 1, 2.5, *[np.nan] * 4], equal_nan=True)
    assert numbers([1.0, 2], "value").tolist() == [1, 2]
    assert numbers(np.array([1.0, None], dtype=object), "value")[0] == 1
    with pytest.raises(Unusable, match="`base` 'much' is not a number"):
        numbers([1.0, "much"], "base")


def test_texts_and_properties() -> None:
    assert names(["a", 5, None, False], "unit") == ["a", "5", "", "false"]
    assert traits({"country": ["de", None], "age": [7, "x" * 999]}) == [("de", "7"), ("", "x" * LONGEST)]
    with pytest.raises(Unusable, match="`unit` is made of bytes"):
        names([b"a"], "unit")


def test_columns_are_found_in_any_letters_and_properties_as_they_are_written() -> None:
    found = places(["Unit", "TIME", "Country", "country", "flag"], ("unit", "time"), ("country",))
    assert found == {"unit": 0, "time": 1, "country": 3, "flag": 4}
    for columns, said in ((["unit"], "no column 'time'"), (["unit", "time", "flag", "Flag"], "'flag' twice")):
        with pytest.raises(Unusable, match=said):
            places(columns, ("unit", "time"))
