"""Odd readings: each kind has a rule, none a crash, none a score that is not a number."""

import numpy as np
import pytest

from cases.telemetry import Floats
from detectors.engine.engine import Engine
from detectors.engine.rows import Rows
from detectors.engine.samples import counted
from tests.detectors.engine.readings import DAY, START_MS, STEP_MS, noise, scored, times


def test_late_and_duplicate_readings_are_passed_over() -> None:
    values = noise(1, 1)
    plain, odd = Engine(further=True), Engine(further=True)
    plain.claim(1)
    odd.claim(1)
    for number, (moment, value) in enumerate(zip(times(len(values)).tolist(), values, strict=True)):
        assert np.array_equal(plain.tick(moment, value).score, odd.tick(moment, value).score)
        if number % 7 == 3:
            assert odd.tick(moment, value + 1e6).score[0] == 0
            assert odd.tick(moment - STEP_MS, value + 1e6).score[0] == 0
    assert plain.to_bytes() == odd.to_bytes()


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_missing_and_infinite_readings_leave_the_row_as_it_is(missing: float) -> None:
    engine = Engine(further=True)
    scored(noise(2, 1, rows=2), engine)
    before = engine.to_bytes()
    assert engine.tick(START_MS + 3 * DAY * STEP_MS, np.array([missing, missing])).score.tolist() == [0, 0]
    assert engine.to_bytes() == before


def test_one_missing_among_many_is_nobody_elses_matter() -> None:
    values = noise(3, 2, rows=2)
    whole = scored(values)
    values[300:320, 1] = np.nan
    assert np.array_equal(scored(values)[:, 0], whole[:, 0])


def test_a_counter_that_begins_again_is_no_drop() -> None:
    rate = np.random.default_rng(4).poisson(3000, 2 * DAY).astype(float)
    totals = np.cumsum(rate)
    again = totals.copy()
    again[DAY:] -= totals[DAY - 1]  # a restart
    plain, reset = Engine(counters=True, further=True), Engine(counters=True, further=True)
    assert np.array_equal(scored(totals[:, None], plain), scored(again[:, None], reset))


def test_a_counters_rate_is_reckoned_in_double_precision() -> None:
    rows = Rows.empty(1)
    assert np.isnan(counted(rows, np.array([START_MS]), np.array([1e15]))[0])
    rows.newest[:] = START_MS
    assert counted(rows, np.array([START_MS + 60_000]), np.array([1e15 + 60]))[0] == 1.0


def test_after_a_long_gap_a_new_level_is_no_shift_and_after_weeks_the_series_is_new() -> None:
    values = noise(5, 2)
    engine = Engine(further=True)
    scored(values, engine)
    rows = engine._blocks[0].rows  # pyright: ignore[reportPrivateUsage]
    rows.fast[0] += 5
    end = START_MS + len(values) * STEP_MS
    engine.tick(end + 6 * 3_600_000, values[-1])
    assert abs(rows.fast[0] - rows.slow[0]) < 0.5
    engine.tick(end + 16 * 86_400_000, values[-1])
    assert rows.age[0] == 1


ODD: dict[str, Floats] = {
    "ten points": noise(6, 1)[:10, 0],
    "a constant": np.full(DAY, 7.0),
    "zeros and one": np.append(np.zeros(DAY), 1.0),
    "as great as can be": np.tile([1e308, -1e308, 0.0], DAY),
    "greater and greater": np.array(np.logspace(-300, 308, DAY).tolist()),
    "as small as can be": np.array([5e-324 * n for n in range(DAY)]),
    "one spike of all": np.append(noise(7, 1)[:, 0], 1e308),
    "nothing": np.full(DAY, np.nan),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_values_have_a_score_and_no_warning(name: str) -> None:
    scores = scored(ODD[name][:, None])
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    assert (scores <= 1).all()
    if name in {"a constant", "nothing", "ten points"}:
        assert not scores.any()


@pytest.mark.parametrize("name", ["mixed steps", "reversed", "gaps"])
def test_odd_times_have_a_score(name: str) -> None:
    rng = np.random.default_rng(8)
    values = noise(8, 1)
    values[250:255] += 50
    moments = {
        "mixed steps": START_MS + np.cumsum(rng.choice([1_000, 60_000, 3_600_000], len(values))),
        "reversed": times(len(values))[::-1],
        "gaps": times(len(values)) + np.cumsum(rng.random(len(values)) < 0.01) * 40 * STEP_MS,
    }[name]
    scores = scored(values, at=moments)
    assert np.isfinite(scores).all()
    assert scores.any() == (name != "reversed")
