"""Series are taken through many readings at once: what is said of them and what they learn is the same."""

import numpy as np
import pytest

from cases.telemetry import Floats, Millis
from detectors.engine.engine import Engine
from detectors.engine.rows import ROWS
from tests.detectors.engine.readings import DAY, START_MS, STEP_MS, noise, rhythm, times

HOUR_MS = 3_600_000


def incidents() -> tuple[Millis, Floats]:
    values = rhythm(1, 3)[:, 0]
    for first in (DAY + 5, 2 * DAY + 100):
        values[first : first + 12] += 40
    values[2 * DAY :] += 3
    return times(len(values)), values


def hourly_for_weeks() -> tuple[Millis, Floats]:
    """Long enough to be old, with missing readings, one that is endless, and two that are too great."""
    values = noise(2, 2)[:, 0] + 10 * (np.arange(576) % 24 > 12)
    values[[300, 301, 410]] = np.nan
    values[350], values[360], values[361] = np.inf, 1e300, -1e25
    values[500:505] -= 30
    return times(len(values), HOUR_MS), values


def out_of_step() -> tuple[Millis, Floats]:
    """Gaps and other steps, readings that come twice or late, a long silence, and a still longer one."""
    rng = np.random.default_rng(3)
    gaps = rng.choice([STEP_MS, STEP_MS, STEP_MS, STEP_MS + 40_000, 2 * STEP_MS, 60_000, 0, -STEP_MS], 600)
    gaps[300:] = STEP_MS // 5
    gaps[400], gaps[500] = 5 * HOUR_MS, 20 * 24 * HOUR_MS
    return START_MS + np.cumsum(gaps), 50 + rng.standard_normal(600)


SERIES = {
    "incidents": incidents,
    "hourly for weeks": hourly_for_weeks,
    "out of step": out_of_step,
}


@pytest.mark.parametrize("name", SERIES)
def test_one_reading_after_the_other_is_the_same_as_ticks(name: str) -> None:
    moments, values = SERIES[name]()
    ticked, alone = Engine(further=True), Engine(further=True)
    rows = ticked.claim(2)[1:]
    alone.claim(2)
    said = [ticked.tick(int(at), np.array([value]), rows) for at, value in zip(moments, values, strict=True)]
    found: list[Floats] = []
    for cut in np.array_split(np.arange(len(values)), [1, 2, 50, 400]):
        judged = alone.stretch(rows, moments[cut], values[cut][None])
        found.append(np.array([judged.score, judged.rarity]))
    assert np.array_equal(np.concatenate(found, axis=1), np.array([[j.score[0], j.rarity[0]] for j in said]).T)
    assert alone.to_bytes() == ticked.to_bytes()


def test_counters_alone() -> None:
    totals = np.cumsum(np.random.default_rng(4).poisson(300, DAY)).astype(float)
    totals[200:] -= totals[200]
    ticked, alone = Engine(counters=True), Engine(counters=True)
    ticked.claim(1)
    alone.claim(1)
    said = [ticked.tick(int(at), np.array([value])).score[0] for at, value in zip(times(DAY), totals, strict=True)]
    assert np.array_equal(alone.stretch(np.array([0]), times(DAY), totals[None]).score, said)
    assert alone.to_bytes() == ticked.to_bytes()


def test_series_that_come_and_go_together() -> None:
    """Five rows of two blocks: one begins late, one misses readings, one is passed over for a day."""
    values = np.stack([noise(seed, 12)[:, 0] for seed in range(5)])[:, ::4]
    values[1, :50] = np.nan
    values[2, [40, 41, 300]] = np.nan
    values[3, 400:472] = np.inf
    values[4, 500:520] += 40
    moments = times(values.shape[1], 4 * STEP_MS)
    ticked, stretched = Engine(), Engine()
    rows = np.array([0, 3, 7, ROWS + 2, ROWS + 5])
    for engine in (ticked, stretched):
        engine.claim(ROWS + 8)
    said = [ticked.tick(int(at), column, rows, explain=True) for at, column in zip(moments, values.T, strict=True)]
    judged = stretched.stretch(rows, moments, values, explain=True)
    for name in ("score", "rarity", "raw", "expected", "spread"):
        one_by_one = np.concatenate([getattr(one, name) for one in said])
        assert np.array_equal(getattr(judged, name), one_by_one, equal_nan=True), name
    assert float(judged.score.max()) > 0.5
    assert stretched.to_bytes() == ticked.to_bytes()


def test_a_stretch_of_another_shape_is_refused() -> None:
    engine = Engine()
    engine.claim(2)
    with pytest.raises(ValueError, match="2 rows at 3 times"):
        engine.stretch(np.array([0, 1]), times(3), np.zeros((2, 4)))
