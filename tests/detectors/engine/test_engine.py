"""The engine from outside: what it finds, that it is causal, goes on from a checkpoint, and takes rows again."""

from itertools import pairwise

import numpy as np
import pytest

from cases.telemetry import Floats
from detectors.engine.engine import Engine
from detectors.engine.pace import Pace
from detectors.engine.rows import ROWS, Rows
from detectors.engine.streams import ALERT_FROM, Streams
from tests.detectors.engine.readings import DAY, START_MS, STEP_MS, noise, rhythm, scored, times


def alerts(values: Floats) -> list[int]:
    return np.flatnonzero(scored(values)[:, 0] >= ALERT_FROM).tolist()


def test_incidents_alike_are_each_found_at_their_first_reading() -> None:
    values = noise(1, 5)
    begins = [2 * DAY, 3 * DAY + 100, 4 * DAY + 120]
    for first in begins:
        values[first : first + 12] += 9
    found = alerts(values)
    for first in begins:
        assert any(first <= place < first + 12 for place in found)
    outside = [p for p in found if p > 2 * DAY and not any(first <= p < first + 13 for first in begins)]
    assert len(outside) <= 2  # three days


def test_a_daily_peak_is_expected_and_a_night_at_noon_is_not() -> None:
    values = rhythm(2, 4)[: 3 * DAY + 84]
    values[3 * DAY + 60 :] -= 60  # as low as at night, where the peak should be
    found = [place for place in alerts(values) if place > 2.5 * DAY]
    assert found
    assert found[0] >= 3 * DAY + 60


def test_a_shift_within_what_single_readings_show_is_found() -> None:
    values = noise(3, 3)[: 2 * DAY + 72]
    values[2 * DAY :] += 2.5
    assert any(place >= 2 * DAY for place in alerts(values))


def test_what_was_said_is_not_said_again_for_a_third_of_a_day() -> None:
    values = noise(4, 3)[: 2 * DAY + 60]
    values[2 * DAY :] += 20
    said = np.flatnonzero(scored(values)[2 * DAY :, 0])
    assert said[0] == 0
    assert said[-1] < 20  # while its level still follows


@pytest.mark.parametrize("length", [1, 333])
def test_a_score_depends_on_the_readings_before_it_only(length: int) -> None:
    values = rhythm(5, 2)
    assert np.array_equal(scored(values[:length]), scored(values)[:length])


def test_neighbours_make_no_difference() -> None:
    many = np.concatenate([noise(6, 2), rhythm(7, 2), 1e6 * noise(8, 2)], axis=1)[: DAY + 200]
    together = scored(many)
    for row in range(3):
        assert np.array_equal(scored(many[:, row : row + 1])[:, 0], together[:, row])


def test_a_checkpoint_goes_on_bit_by_bit() -> None:
    values = np.concatenate([noise(9, 2, rows=3), rhythm(10, 2)], axis=1)
    values[350:360, 1] = np.nan
    values[450:470] += 30
    first = Engine(further=True)
    whole = scored(values, first)
    engine = Engine(further=True)
    scored(values[:400], engine)
    again = Engine.from_bytes(engine.to_bytes())
    assert np.array_equal(scored(values[400:], again, times(len(values))[400:]), whole[400:])
    assert again.to_bytes() == first.to_bytes()
    assert whole.any()


def test_a_checkpoint_that_is_none_is_refused() -> None:
    engine = Engine(further=True)
    scored(noise(11, 0.1), engine)
    whole = engine.to_bytes()
    for spoilt in (b"", whole[:-1], b"XXXX" + whole[4:], whole + b"\0"):
        with pytest.raises(ValueError, match="checkpoint"):
            Engine.from_bytes(spoilt)


def test_a_row_that_was_let_go_begins_anew() -> None:
    engine = Engine(further=True)
    rows = engine.claim(3)
    values = noise(12, 1, rows=3)
    for moment, row in zip(times(len(values)), values, strict=True):
        engine.tick(int(moment), row)
    engine.release(rows[1:2])
    again = engine.claim(2)
    assert sorted(again.tolist()) == [1, 3]
    assert len(engine) == 4
    fresh = scored(noise(13, 1))
    row = again[again == 1]
    assert np.array_equal(
        [engine.tick(int(m), v, row).score for m, v in zip(times(len(fresh)), noise(13, 1), strict=True)], fresh
    )


def test_rows_that_are_not_there_or_come_twice_are_refused() -> None:
    engine = Engine()
    engine.claim(2)
    for rows in ([0, 2], [-1, 0], [1, 1]):
        with pytest.raises(ValueError, match="row"):
            engine.tick(START_MS, np.zeros(2), np.array(rows))
    with pytest.raises(ValueError, match="2 rows need"):
        engine.tick(START_MS, np.zeros(3))


def test_more_than_a_block_is_scored_as_one() -> None:
    engine = Engine()
    engine.claim(ROWS + 5)
    one = noise(14, 1)
    one[250] += 50
    scores = scored(np.repeat(one, ROWS + 5, axis=1)[200:], engine, times(DAY)[200:])
    assert (scores == scores[:, :1]).all()


def test_a_series_costs_no_more_than_320_bytes_and_with_further_channels_440() -> None:
    assert Rows.empty(1).bytes_a_row <= 320
    assert Rows.empty(1, further=True).bytes_a_row <= 440
    assert len(Rows.empty(100).to_bytes()) <= 320 * 100 + 100


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"fast": 5_000.0}, "must be shorter"), ({"keep": 0.0}, "must be positive"), ({"warm": 0}, "must be positive")],
)
def test_a_pace_that_makes_no_sense_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Pace(**wrong)  # type: ignore[arg-type]


def test_streams_in_any_order_and_cut_are_scored_as_rows() -> None:
    values = np.concatenate([noise(15, 2), rhythm(16, 2)], axis=1)
    values[400:405] += 40
    rows = scored(values)
    names = ["b", "a"] * len(values)
    moments = np.repeat(times(len(values)), 2)
    for cuts in ([0, len(names)], [0, 3, 77, 600, len(names)]):
        streams, found = Streams(), list[float]()
        for first, last in pairwise(cuts):
            found += streams.feed(names[first:last], moments[first:last], values.ravel()[first:last])[0].tolist()
        assert np.array_equal(np.array(found).reshape(-1, 2), rows)


def test_a_score_says_how_rare_it_is_for_its_series() -> None:
    engine = Engine(further=True)
    engine.claim(1)
    values = noise(17, 4)
    values[-1] += 100
    judged = [engine.tick(START_MS + STEP_MS * n, value) for n, value in enumerate(values)]
    assert judged[-1].rarity[0] < 0.15  # the worst of some eight spans
    assert all(0 < j.rarity[0] <= 1 for j in judged)


@pytest.mark.parametrize("counters", [False, True])
def test_what_was_expected_is_said_where_it_is_asked_for(*, counters: bool) -> None:
    values = rhythm(18, 5)[: 4 * DAY + 70]
    values[4 * DAY + 60 :] -= 60
    if counters:
        values = np.cumsum(values * STEP_MS / 1000, axis=0)
    engine, plain = (Engine(counters=counters, further=True) for _ in range(2))
    engine.claim(1)
    plain.claim(1)
    moments = times(len(values))
    said = [engine.tick(int(m), row, explain=True) for m, row in zip(moments, values, strict=True)]
    silent = [plain.tick(int(m), row) for m, row in zip(moments, values, strict=True)]
    assert [j.score[0] for j in said] == [j.score[0] for j in silent]
    assert engine.to_bytes() == plain.to_bytes()
    assert [len(part) for part in (silent[-1].raw, silent[-1].expected, silent[-1].spread)] == [0, 0, 0]
    assert not silent[-1].explained
    assert said[-1].explained
    first = 1 if counters else 0
    assert all(np.isnan(j.expected[0]) and np.isnan(j.spread[0]) and j.raw[0] == 0 for j in said[: first + 1])
    expected = np.array([j.expected[0] for j in said])[3 * DAY : 4 * DAY]
    true = 100 + 30 * np.sin(2 * np.pi * (np.arange(DAY) - 0.5) / DAY)
    assert np.abs(expected - true).mean() < 5
    assert 0.5 < said[-1].spread[0] < 15
    raw, score = (np.array([getattr(j, name)[0] for j in said]) for name in ("raw", "score"))
    assert (raw[score > 0] == score[score > 0]).all()
    low = raw[4 * DAY + 60 :]
    assert low.min() > 0  # not only where it is news


def test_of_a_reading_that_is_passed_over_nothing_was_expected() -> None:
    engine = Engine()
    scored(noise(19, 1, rows=2), engine)
    judged = engine.tick(START_MS + 2 * DAY * STEP_MS, np.array([np.nan, 100.0]), explain=True)
    assert np.isnan(judged.expected).tolist() == [True, False]
    assert abs(judged.expected[1] - 100) < 1
