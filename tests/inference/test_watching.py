"""A series whose season and noise are known: false alarms, speed, controls, other deploys, gaps, credit."""

from dataclasses import replace

import numpy as np
import pytest

from inference.interruption import DAY, MINUTE, Interruption, ItsReading, ItsSettings, Side
from inference.its import first_ruling, judge, retrace
from inference.kinds import Kind, back, forward
from tests.inference.series import Floats, autocorrelated

STEP = 10 * MINUTE
BEFORE, AFTER = 15 * 144, 2 * 144
SETTINGS = ItsSettings(min_samples=3)
DEPLOY = BEFORE * STEP


def weeks(seed: int, *, phi: float = 0.9, days: int = 15) -> Floats:
    """A daily and a weekly wave of more than a deviation each, and noise of one."""
    count = days * 144 + AFTER
    at = np.arange(count) + (BEFORE - days * 144)
    noise = autocorrelated(count, phi, np.random.default_rng(seed))
    values = noise + 1.5 * np.sin(2 * np.pi * at / 144 + seed) + 0.8 * np.sin(2 * np.pi * at / 1008) + 20.0
    return np.asarray(values, dtype=np.float64)


def lasting(mean: float) -> tuple[float, ...]:
    """Eight durations that scatter as exponential ones do."""
    durations = -np.log((np.arange(8) + 0.5) / 8)
    return tuple((mean * durations / durations.mean()).tolist())


def at(values: Floats) -> Floats:
    return np.asarray((np.arange(len(values)) - len(values) + BEFORE + AFTER) * STEP, dtype=np.float64)


def ruled(
    values: Floats,
    *,
    settings: ItsSettings = SETTINGS,
    controls: tuple[Floats, ...] = (),
    harm: Side = "up",
    others: tuple[float, ...] = (),
    anomaly: tuple[float, float | None] | None = None,
) -> ItsReading:
    event = Interruption(deploy=DEPLOY, harm=harm, ended=True, others=others, anomaly=anomaly)
    return first_ruling(at(values), values, event, settings, controls)


def stepped(seed: int, size: float, *, days: int = 15) -> Floats:
    values = weeks(seed, days=days)
    values[-AFTER:] += size
    return values


def test_a_deploy_that_does_nothing_to_a_season_is_not_called_harmful() -> None:
    for seed in range(12):
        reading = ruled(weeks(seed))
        assert reading.ruling == "inconclusive", seed
        assert "4 daily and 3 weekly harmonics" in reading.method


def test_three_and_five_deviations_are_found_in_time_on_either_side() -> None:
    for seed in range(6):
        up, down = ruled(stepped(seed, 3.0)), ruled(stepped(seed, -5.0), harm="down")
        assert up.ruling == down.ruling == "harmful"
        assert up.decided is not None
        assert down.decided is not None
        assert up.decided - DEPLOY <= 60 * STEP
        assert down.decided - DEPLOY <= 15 * STEP
        assert up.low is not None
        assert up.low > 0.0
    assert ruled(stepped(1, 5.0), harm="down").ruling == "inconclusive"  # an improvement of what was well


def test_a_control_series_finds_what_is_lost_in_noise() -> None:
    common = 3.0 * autocorrelated(BEFORE + AFTER, 0.97, np.random.default_rng(50))
    values, control = (
        stepped(3, 1.5) + common,
        100.0 + 7.0 * common + autocorrelated(BEFORE + AFTER, 0.5, np.random.default_rng(51)),
    )
    assert ruled(values).ruling == "inconclusive"
    found = ruled(values, controls=(control,))
    assert found.ruling == "harmful"
    assert "1 control series" in found.method
    quiet = weeks(3) + common
    assert ruled(quiet, controls=(control,)).ruling == "inconclusive"
    assert ruled(values, controls=(np.full(len(values), np.nan), control)).ruling == "harmful"  # one that is not there


def test_harm_is_laid_to_the_deploy_that_it_began_with_or_to_nobody() -> None:
    later = DEPLOY + 100 * STEP
    values = weeks(4)
    values[-AFTER + 100 :] += 5.0
    assert ruled(values).ruling == "harmful"  # were there no other deploy
    assert ruled(values, others=(later,)).ruling == "inconclusive"
    own = ruled(stepped(4, 5.0), others=(later,))
    assert own.ruling == "harmful"
    both = ruled(stepped(4, 5.0), others=(DEPLOY + MINUTE,))
    assert both.ruling == "inconclusive"
    assert both.contested
    assert "another deploy may as well" in both.because


def anomalous(seed: int, *, gap: float = 8.0, after: float = 0.0) -> Floats:
    values = weeks(seed, phi=0.6)
    values[-AFTER - 36 : -AFTER] += gap
    values[-AFTER:] += after
    return values


def test_what_worked_takes_a_record_of_anomalies_that_nobody_touched() -> None:
    anomaly = (DEPLOY - 36 * STEP, None)
    known = replace(SETTINGS, unattended=lasting(5 * DAY))
    mended = ruled(anomalous(5), settings=known, anomaly=anomaly)
    assert mended.ruling == "worked"
    assert mended.effect == pytest.approx(-8.0, abs=2.5)
    unknown = ruled(anomalous(5), anomaly=anomaly)
    assert unknown.ruling == "inconclusive"
    assert unknown.recovered
    assert "fewer than 5" in unknown.because
    brief = ruled(anomalous(5), settings=replace(SETTINGS, unattended=lasting(60 * MINUTE)), anomaly=anomaly)
    assert "Bayes factor" in brief.because
    assert brief.ruling == "inconclusive"
    seldom = ruled(anomalous(5), settings=replace(SETTINGS, unattended=lasting(1500 * MINUTE)), anomaly=anomaly)
    assert seldom.ruling == "worked"  # it was back with the first reading
    often = ruled(anomalous(5), settings=replace(SETTINGS, unattended=lasting(600 * MINUTE)), anomaly=anomaly)
    assert often.ruling == "inconclusive"  # a reading stands for ten minutes, and more than 1% end within those
    assert "end so soon by themselves" in often.because
    due = ruled(anomalous(5), settings=replace(SETTINGS, unattended=(360 * MINUTE,) * 8), anomaly=anomaly)
    assert due.ruling == "inconclusive"  # each of them lasted as long as this one had
    for seed in range(6):
        assert ruled(anomalous(seed, after=8.0), settings=known, anomaly=anomaly).ruling == "inconclusive"
    assert ruled(anomalous(6, after=14.0), settings=known, anomaly=anomaly).ruling == "harmful"


def test_noise_that_dips_at_the_deploy_is_no_recovery_if_the_anomaly_goes_on() -> None:
    values = anomalous(5, after=8.0)
    values[-AFTER : -AFTER + 4] -= 8.0
    values[-AFTER + 60 :] -= 8.0
    known = replace(SETTINGS, unattended=lasting(5 * DAY))
    reading = ruled(values, settings=known, anomaly=(DEPLOY - 36 * STEP, None))
    assert reading.ruling == "inconclusive"
    assert reading.recovered
    assert "it came back 10 h after the deploy" in reading.because


def test_a_change_that_does_nothing_is_not_credited_with_what_ends_later_by_itself() -> None:
    for seed, later in enumerate((2, 5, 20, 100)):
        values = anomalous(seed, after=8.0)
        values[-AFTER + later :] -= 8.0
        reading = ruled(
            values, settings=replace(SETTINGS, unattended=lasting(1500 * MINUTE)), anomaly=(DEPLOY - 36 * STEP, None)
        )
        assert reading.ruling == "inconclusive", later


@pytest.mark.parametrize(("days", "words"), [(15, "3 weekly"), (8, "0 weekly"), (5, "plain")])
def test_the_history_says_which_terms_there_are(days: int, words: str) -> None:
    reading = ruled(stepped(2, 6.0, days=days))
    assert words in reading.method
    assert reading.ruling == "harmful"


def test_gaps_blips_and_infinities_do_not_make_harm_and_do_not_hide_it() -> None:
    rng = np.random.default_rng(9)
    for size, ruling in ((0.0, "inconclusive"), (6.0, "harmful")):
        values = stepped(7, size)
        values[rng.random(len(values)) < 0.1] = np.nan
        values[200:420] = np.nan
        values[-AFTER - 3 : -AFTER + 2] = np.inf
        values[1000], values[-AFTER + 20] = 1e308, 1e308
        assert ruled(values).ruling == ruling


def test_no_reading_after_the_deploy_is_no_pass() -> None:
    values = weeks(1)
    values[-AFTER:] = np.nan
    reading = ruled(values)
    assert reading.ruling == "inconclusive"
    assert "no traffic is not a pass" in reading.because
    few = weeks(1)
    few[-AFTER + 4 :] = np.nan
    assert "2 of 3 needed readings" in ruled(few).because


@pytest.mark.parametrize("kind", ["count", "latency", "ratio"])
def test_each_kind_is_judged_on_its_scale_and_told_in_its_unit(kind: Kind) -> None:
    rng = np.random.default_rng(3)
    middle = {"count": 8.0, "latency": 3.0, "ratio": -4.0}[kind]
    values = back(middle + 0.3 * (weeks(2) - 20.0), kind)
    if kind == "count":
        values = rng.poisson(values).astype(np.float64)
    settings = replace(SETTINGS, kind=kind)
    assert ruled(values, settings=settings).ruling == "inconclusive"
    values[-AFTER:] *= 2.0
    reading = ruled(values, settings=settings)
    assert reading.ruling == "harmful"
    assert reading.normal is not None
    assert reading.effect is not None
    assert 0.2 < reading.effect / reading.normal < 3.0
    known = np.array([0.2, 0.5, 0.9])
    assert back(forward(known, kind), kind) == pytest.approx(known)


def test_what_a_kind_cannot_hold_is_missing() -> None:
    assert np.isnan(forward(np.array([-1.0]), "count")).all()
    assert np.isnan(forward(np.array([0.0, -1.0]), "latency")).all()
    assert np.isnan(forward(np.array([1.1, -0.1]), "ratio")).all()


def test_each_look_says_what_a_judgement_of_that_moment_would_have() -> None:
    values, times = stepped(5, 3.0), at(weeks(5))
    event = Interruption(deploy=DEPLOY, harm="up")
    moments = [DEPLOY + count * STEP for count in (1, 10, 60)]
    traced = retrace(times, values, event, SETTINGS, moments)
    for moment, reading in zip(moments, traced, strict=True):
        then = judge(times[times <= moment], values[times <= moment], event, SETTINGS)
        assert reading.ruling == then.ruling
        assert (reading.effect or 0.0) == pytest.approx(then.effect or 0.0, rel=1e-6, abs=1e-9)
        assert (reading.high or 0.0) == pytest.approx(then.high or 0.0, rel=1e-6, abs=1e-9)


def test_a_slow_trend_goes_on_and_is_nobodys_harm() -> None:
    values = weeks(8, phi=0.6)
    values += 2.0 * np.arange(len(values)) / len(values)
    assert ruled(values).ruling == "inconclusive"
