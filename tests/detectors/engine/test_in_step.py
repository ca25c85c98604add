"""Rows that keep step go a shorter way; what is said, and what is learnt, is the same as on the long one."""

import numpy as np
import pytest

from cases.telemetry import Floats
from detectors.engine.block import Block
from detectors.engine.engine import Engine
from tests.detectors.engine.readings import START_MS

HOUR_MS = 3_600_000
ROWS, HOURS = 300, 420


def readings(seed: int) -> Floats:
    """Hourly readings [HOURS, ROWS]: noise, some with a rhythm, some with incidents, and some that are missing."""
    rng = np.random.default_rng(seed)
    values = 100 + rng.standard_normal((HOURS, ROWS))
    values[:, :100] += 20 * np.sin(2 * np.pi * np.arange(HOURS) / 24)[:, None]
    for row in range(0, ROWS, 3):
        first = int(rng.integers(230, HOURS - 10))
        values[first : first + 6, row] += rng.choice([-9.0, 9.0])
    values[rng.random(values.shape) < 0.002] = np.nan
    values[300, 7] = np.inf
    values[305, 8] = 1e300
    values[310:330, 9] = np.nan
    return values


def both(seed: int) -> tuple[list[Floats], list[Floats], Engine, Engine]:
    """The same readings given as they stand, and in another order of rows: that is the long way."""
    short, long = Engine(), Engine()
    short.claim(ROWS)
    long.claim(ROWS)
    order = np.random.default_rng(seed).permutation(ROWS)
    ways: tuple[list[Floats], list[Floats]] = ([], [])
    for number, row in enumerate(readings(seed)):
        time = START_MS + number * HOUR_MS
        judged, other = short.tick(time, row), long.tick(time, row[order], order)
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
    assert sum(taken) > 150  # once the series are old
    assert np.array_equal(short, long)
    assert engine.to_bytes() == other.to_bytes()
    assert np.sum(np.array(short)[250:, 0] > 0.5) > 50


def test_a_checkpoint_goes_on_from_the_middle_of_keeping_step() -> None:
    values = readings(2)
    whole = Engine()
    whole.claim(ROWS)
    for number, row in enumerate(values[:350]):
        whole.tick(START_MS + number * HOUR_MS, row)
    again = Engine.from_bytes(whole.to_bytes())
    for number, row in enumerate(values[350:], start=350):
        time = START_MS + number * HOUR_MS
        assert np.array_equal(whole.tick(time, row).score, again.tick(time, row).score)
    assert whole.to_bytes() == again.to_bytes()


def test_what_was_expected_is_asked_for_between_times() -> None:
    values = readings(3)
    asked, plain = Engine(), Engine()
    asked.claim(ROWS)
    plain.claim(ROWS)
    for number, row in enumerate(values):
        time = START_MS + number * HOUR_MS
        said = asked.tick(time, row, explain=number % 10 == 0).score
        assert np.array_equal(said, plain.tick(time, row).score)
    assert asked.to_bytes() == plain.to_bytes()


def test_rows_that_come_and_go_are_nobody_elses_matter() -> None:
    values = readings(4)
    engine, plain = Engine(), Engine()
    engine.claim(ROWS)
    plain.claim(ROWS)
    for number, row in enumerate(values):
        time = START_MS + number * HOUR_MS
        if number == 300:
            engine.release(np.array([11, 250]))
        if number == 320:
            assert sorted(engine.claim(3).tolist()) == [11, 250, ROWS]
        given = row if len(engine) == ROWS else np.append(row, row[0])
        score = engine.tick(time, given).score[:ROWS]
        expected = plain.tick(time, row).score
        others = np.delete(np.arange(ROWS), [11, 250])
        assert np.array_equal(score[others], expected[others])
