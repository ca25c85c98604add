"""Further evidence: what each channel sees, what it does not, and that a row is its series and nothing else."""

import numpy as np
import pytest

from cases.telemetry import Floats
from detectors.engine.moment import moment
from detectors.engine.novelty import KINDS, evidence, follow_further
from detectors.engine.pace import Pace, Singles, rates
from detectors.engine.rows import Rows
from detectors.engine.samples import pace_kept, relative
from detectors.engine.season import follow, unexpected
from tests.detectors.engine.readings import DAY, STEP_MS, noise, rhythm, times


def shown(values: Floats, rows: Rows | None = None) -> Singles:
    """The natural logs of the channels [T, K, S] of readings [T, S]."""
    pace = Pace()
    kept = Rows.empty(values.shape[1], further=True) if rows is None else rows
    found = np.zeros((len(values), len(KINDS), values.shape[1]), dtype=np.float32)
    work = np.empty((2, values.shape[1]), dtype=np.float32)
    for place, (at, row) in enumerate(zip(times(len(values)).tolist(), values, strict=True)):
        moments = np.full(len(row), at, dtype=np.int64)
        pace_kept(kept, moments)
        reading = relative(kept, row)
        now = moment(kept, moments, pace)
        error = unexpected(kept, reading, now, pace, work)
        evidence(kept, error, work[1], found[place])
        follow_further(kept, error, now)
        follow(kept, error, np.abs(error), now, pace, work)
        kept.newest[:] = moments
        kept.age += np.uint32(1)
    logged: Singles = np.log(found + np.float32(1e-30))
    return logged


def seen_by(values: Floats, begin: int) -> dict[str, float]:
    """How far each channel goes, from there on, beyond the most that it showed in the two days before."""
    channels = shown(values)[:, :, 0]
    before = channels[begin - 2 * DAY : begin].max(axis=0)
    return dict(zip(KINDS, (channels[begin:].max(axis=0) - before).tolist(), strict=True))


def test_a_slow_drift_within_the_noise_is_seen_by_runs_sums_and_long_levels_only() -> None:
    values = noise(1, 4)
    values[3 * DAY :, 0] += 1.2
    beyond = seen_by(values, 3 * DAY)
    assert beyond["drift"] > 1
    assert beyond["long"] > 0.5
    assert max(beyond["plain"], beyond["rise"]) < 0.3


def test_what_falls_does_not_rise() -> None:
    values = noise(2, 4)
    values[3 * DAY : 3 * DAY + 100] -= 20
    beyond = seen_by(values[: 3 * DAY + 100], 3 * DAY)
    assert beyond["plain"] > 1
    assert beyond["long"] > 1
    assert beyond["rise"] < 0.3
    assert beyond["lifted"] < 0.3


def test_a_season_is_no_excuse_for_the_plain_distance() -> None:
    values = rhythm(3, 4)
    channels = shown(values)[3 * DAY :, :, 0]
    assert channels[:, KINDS.index("plain")].max() > channels[:, KINDS.index("rise")].max() + 1


def test_readings_on_one_side_are_counted_until_one_is_on_the_other() -> None:
    values = noise(6, 2)
    values[DAY : DAY + 20] = 110.0
    runs = np.exp(shown(values)[DAY : DAY + 20, KINDS.index("run"), 0])
    assert runs[-1] == pytest.approx(runs[0] + 19)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, 7.0, 1e-300, 1e300])
def test_a_constant_and_what_is_hardly_there_have_finite_channels(value: float) -> None:
    values = np.full((100, 2), value)
    values[50::7, 1] *= 3
    assert np.isfinite(shown(values)).all()


def test_after_a_gap_the_levels_begin_at_the_slow_one() -> None:
    rows = Rows.empty(2, further=True)
    shown(noise(12, 2, rows=2), rows)
    gone = int(rows.newest[0]) + np.array([STEP_MS, 6 * 3_600_000])
    pace_kept(rows, gone)
    assert [level[1] for level in (rows.long, rows.daily)] == [rows.slow[1]] * 2
    assert rows.daily[0] != rows.slow[0]


def test_slow_series_remember_as_long_and_never_less_than_a_reading() -> None:
    both = rates(Pace(), np.array([STEP_MS, 24 * 3_600_000], dtype=np.float32))
    assert both.daily[0] == pytest.approx(1 - 0.5 ** (1 / DAY))
    assert (both.long <= 0.5).all()
