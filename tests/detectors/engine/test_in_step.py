"""Rows that keep step go a shorter way; what is said, and what is learnt, is the same as on the long one."""

import time

import numpy as np
import pytest

from cases.telemetry import Floats
from detectors.engine.block import Block
from detectors.engine.engine import Engine
from detectors.engine.rows import ROWS as BLOCK
from tests.detectors.engine.readings import START_MS

HOUR_MS = 3_600_000
ROWS, HOURS = 260, 250


def readings(seed: int) -> Floats:
    """Hourly readings [HOURS, ROWS]: noise, some with a rhythm, some with incidents, and some that are missing."""
    rng = np.random.default_rng(seed)
    values = 100 + rng.standard_normal((HOURS, ROWS))
    values[:, :100] += 20 * np.sin(2 * np.pi * np.arange(HOURS) / 24)[:, None]
    for row in range(0, ROWS, 3):
        first = int(rng.integers(60, HOURS - 10))
        values[first : first + 6, row] += rng.choice([-9.0, 9.0])
    values[rng.random(values.shape) < 0.002] = np.nan
    values[220, 7] = np.inf
    values[225, 8] = 1e300
    values[200:215, 9] = np.nan
    return values


def both(seed: int) -> tuple[list[Floats], list[Floats], Engine, Engine]:
    """The same readings given as they stand, and in another order of rows: that is the long way."""
    short, long = Engine(), Engine()
    short.claim(ROWS)
    long.claim(ROWS)
    order = np.random.default_rng(seed).permutation(ROWS)
    ways: tuple[list[Floats], list[Floats]] = ([], [])
    for number, row in enumerate(readings(seed)):
        moment = START_MS + number * HOUR_MS
        judged, other = short.tick(moment, row), long.tick(moment, row[order], order)
        ways[0].append(np.array([judged.score, judged.rarity]))
        there = np.empty_like(ways[0][-1])
        there[:, order] = [other.score, other.rarity]
        ways[1].append(there)
    return *ways, short, long


def test_the_short_way_is_the_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    together = Block.together

    def watched(*given: object) -> object:
        found = together(*given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        taken.append(found is not None)
        return found

    monkeypatch.setattr(Block, "together", watched)
    short, long, engine, other = both(1)
    assert sum(taken) > 150
    assert np.array_equal(short, long)
    assert engine.to_bytes() == other.to_bytes()
    assert np.sum(np.array(short)[100:, 0] > 0.5) > 20


def test_a_checkpoint_goes_on_from_the_middle_of_keeping_step() -> None:
    values = readings(2)
    whole = Engine()
    whole.claim(ROWS)
    for number, row in enumerate(values[:210]):
        whole.tick(START_MS + number * HOUR_MS, row)
    again = Engine.from_bytes(whole.to_bytes())
    for number, row in enumerate(values[210:], start=210):
        moment = START_MS + number * HOUR_MS
        assert np.array_equal(whole.tick(moment, row).score, again.tick(moment, row).score)
    assert whole.to_bytes() == again.to_bytes()


def test_what_was_expected_is_asked_for_between_times() -> None:
    values = readings(3)
    asked, plain = Engine(), Engine()
    asked.claim(ROWS)
    plain.claim(ROWS)
    for number, row in enumerate(values):
        moment = START_MS + number * HOUR_MS
        said = asked.tick(moment, row, explain=number % 10 == 0).score
        assert np.array_equal(said, plain.tick(moment, row).score)
    assert asked.to_bytes() == plain.to_bytes()


def test_rows_that_come_and_go_are_nobody_elses_matter() -> None:
    values = readings(4)
    engine, plain = Engine(), Engine()
    engine.claim(ROWS)
    plain.claim(ROWS)
    for number, row in enumerate(values):
        moment = START_MS + number * HOUR_MS
        if number == 200:
            engine.release(np.array([11, 250]))
        if number == 215:
            assert sorted(engine.claim(3).tolist()) == [11, 250, ROWS]
        given = row if len(engine) == ROWS else np.append(row, row[0])
        score = engine.tick(moment, given).score[:ROWS]
        expected = plain.tick(moment, row).score
        others = np.delete(np.arange(ROWS), [11, 250])
        assert np.array_equal(score[others], expected[others])


def test_a_tick_takes_no_more_than_some_hundred_passes() -> None:
    """Held against plain passes over as many rows in the same run, so that a busy machine is slow in both."""
    rng = np.random.default_rng(5)
    engine, column = Engine(), np.zeros(BLOCK, dtype=np.float32)
    engine.claim(BLOCK)
    ticks, passes = list[float](), list[float]()
    for number in range(250):
        values = 100 + rng.standard_normal(BLOCK)
        begun = time.process_time()
        engine.tick(START_MS + number * HOUR_MS, values)
        ticks.append(time.process_time() - begun)
        begun = time.process_time()
        for _ in range(100):
            np.add(column, np.float32(1), out=column)
        passes.append((time.process_time() - begun) / 100)
    assert np.median(ticks[220:]) < 1_000 * np.median(passes[220:])  # the long way takes some 1,700
