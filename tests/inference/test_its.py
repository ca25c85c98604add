"""The plain interrupted time series: what it finds, what it must not find, and what it says with too little."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference.interruption import Interruption, ItsReading, ItsSettings, describe
from inference.its import judge, retrace
from tests.inference.series import MINUTE, Story, autocorrelated, minutes

SETTINGS = ItsSettings()


def harmful(story: Story, runs: int, every: int) -> int:
    return sum(story.watched(seed, SETTINGS, every)[0].ruling == "harmful" for seed in range(runs))


def test_a_deploy_that_does_nothing_is_hardly_ever_called_harmful_under_repeated_looks() -> None:
    runs = 100
    assert harmful(Story(), runs, every=5) <= 0.02 * runs


@pytest.mark.long
@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("history", [60, 300, 1500])
def test_the_false_alarms_of_many_watches(phi: float, history: int) -> None:
    runs = 500
    assert harmful(Story(phi=phi, history=history, after=420), runs, every=5) <= 0.02 * runs


@pytest.mark.long
def test_an_unknown_season_makes_no_harm() -> None:
    runs, wrong = 60, 0
    deploy, end = 7 * 1440, 8 * 1440
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        values = autocorrelated(end, 0.5, rng) + 2 * np.sin(2 * np.pi * (np.arange(end) + rng.integers(1440)) / 1440)
        event = Interruption(deploy=deploy * MINUTE, harm="up")
        counts = range(deploy + 40, end, 30)
        wrong += any(judge(minutes(n), values[:n], event, SETTINGS).ruling == "harmful" for n in counts)
    assert wrong <= 0.02 * runs


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_a_deploy_that_does_nothing_to_a_lasting_anomaly_never_worked(phi: float) -> None:
    story = Story(anomalous=60, gap=8.0, effect=8.0, phi=phi)
    rulings = {story.watched(seed, SETTINGS, every=10)[0].ruling for seed in range(30)}
    assert rulings <= {"inconclusive", "unchanged"}


@pytest.mark.parametrize("harm", ["up", "down"])
def test_a_recovery_is_found_at_the_first_look_that_may_speak(harm: str) -> None:
    story = Story(anomalous=60, gap=8.0, harm="up" if harm == "up" else "down")
    found = [story.watched(seed, SETTINGS) for seed in range(20)]
    assert {reading.ruling for reading, _ in found} == {"worked"}
    assert max(minute for _, minute in found) <= 40
    reading = found[-1][0]
    assert "timing only" in reading.because
    side = 1.0 if harm == "up" else -1.0
    assert reading.anomalous == pytest.approx(side * 8.0, abs=2.0)
    assert reading.effect == pytest.approx(side * -8.0, abs=2.5)
    assert reading.low is not None
    assert reading.high is not None
    assert reading.low < side * -8.0 < reading.high
    assert reading.evidence is not None
    assert reading.evidence > 20.0


def test_three_deviations_of_harm_are_found() -> None:
    found = [Story(effect=3.0).watched(seed, SETTINGS) for seed in range(30)]
    assert {reading.ruling for reading, _ in found} == {"harmful"}
    assert np.median([minute for _, minute in found]) <= 45
    assert max(minute for _, minute in found) <= 90


def test_harm_below_and_an_improvement_are_told_apart() -> None:
    assert Story(effect=3.0, harm="down").watched(1, SETTINGS)[0].ruling == "harmful"
    better, _ = Story(effect=-3.0).watched(1, SETTINGS)
    assert better.ruling == "inconclusive"  # there was nothing to mend
    assert better.effect == pytest.approx(-3.0, abs=1.0)


def test_making_an_anomaly_worse_is_harm_against_the_anomaly() -> None:
    reading, _ = Story(anomalous=60, gap=8.0, effect=14.0).watched(3, SETTINGS)
    assert reading.ruling == "harmful"
    assert reading.reference == reading.anomalous
    assert reading.effect == pytest.approx(6.0, abs=2.0)


def test_an_anomaly_that_gets_worse_by_itself_is_not_the_deploys_harm() -> None:
    wrong = 0
    for seed in range(20):
        values = autocorrelated(700, 0.3, np.random.default_rng(seed))
        values[300:] += 3.0 + 0.1 * np.arange(400)
        event = Interruption(deploy=400 * MINUTE, harm="up", anomaly=(300 * MINUTE, None))
        looks = retrace(minutes(700), values, event, SETTINGS, [count * MINUTE for count in range(432, 700, 20)])
        wrong += any(reading.ruling == "harmful" for reading in looks)
    assert wrong == 0


def test_a_series_that_stays_is_unchanged_only_when_the_window_ends_and_the_interval_is_narrow() -> None:
    story = Story(history=3000, after=1400, phi=0.0)
    values, times = story.values(1), minutes(4400)
    reading = judge(times, values, story.event(ended=True), SETTINGS)
    assert reading.ruling == "unchanged"
    assert reading.margin is not None
    assert reading.low is not None
    assert reading.high is not None
    assert -reading.margin < reading.low < reading.high < reading.margin
    assert judge(times, values, story.event(), SETTINGS).ruling is None
    short = judge(times[:3040], values[:3040], story.event(ended=True), SETTINGS)
    assert short.ruling == "inconclusive"
    assert "no verdict" in short.because
    assert "interval" in short.because


def silent(seed: int, *, anomalous: float, after: float, shown: int = 150) -> tuple[np.ndarray[Any, Any], Interruption]:
    """An error ratio that was 0 for as long as anybody knows; then it scatters where there are errors."""
    rng = np.random.default_rng(seed)
    values = np.zeros(400 + shown)
    values[300:400] = np.clip(anomalous * (1 + 0.3 * rng.standard_normal(100)), 0, None)
    values[400:] = np.clip(after * (1 + 0.3 * rng.standard_normal(shown)), 0, None)
    anomaly = (300 * MINUTE, None) if anomalous else None
    return values, Interruption(deploy=400 * MINUTE, harm="up", anomaly=anomaly)


def rulings(values: np.ndarray[Any, Any], event: Interruption, *, first: int = 432) -> list[ItsReading]:
    looks = [count * MINUTE for count in range(first, len(values), 4)]
    return list(retrace(minutes(len(values)), values, event, SETTINGS, looks))


def test_harm_to_what_was_always_zero_is_found() -> None:
    for seed in range(4):
        found = rulings(*silent(seed, anomalous=0.0, after=0.6))
        assert found[-1].ruling == "harmful"
        assert found[-1].low is not None
        assert 0.3 < found[-1].low < 0.6


def test_a_recovery_to_zero_is_told_and_one_that_does_not_come_is_not() -> None:
    for seed in range(3):
        assert rulings(*silent(seed, anomalous=0.5, after=0.0))[-1].ruling == "worked"
        assert {reading.ruling for reading in rulings(*silent(seed, anomalous=0.5, after=0.5))} == {None}


def test_what_was_always_zero_and_stays_so_but_for_a_rare_blip_is_not_harmed() -> None:
    for seed in range(10):
        values, event = silent(seed, anomalous=0.0, after=0.0)
        blips = np.random.default_rng(seed).random(len(values)) < 0.02
        values[400:] = np.where(blips[400:], 0.05, 0.0)
        assert "harmful" not in {reading.ruling for reading in rulings(values, event)}


def test_the_margin_is_the_operators_when_there_is_one() -> None:
    story = Story(effect=3.0)
    assert story.watched(1, replace(SETTINGS, margin=1.0))[0].ruling == "harmful"
    lenient, _ = story.watched(1, replace(SETTINGS, margin=6.0))
    assert lenient.ruling == "unchanged"
    assert lenient.margin == 6.0


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(("readings", "words"), [(0, "no traffic is not a pass"), (5, "5 of 12 needed readings")])
def test_too_few_readings_are_never_a_pass(readings: int, words: str, *, ended: bool) -> None:
    story = Story(anomalous=60, gap=8.0)
    values = story.values(1)
    values[story.deploy + 20 + readings :] = np.nan
    reading = judge(minutes(len(values)), values, story.event(ended=ended), SETTINGS)
    assert reading.ruling == ("inconclusive" if ended else None)
    assert reading.samples == readings
    assert words in reading.because
    assert reading.effect is None


def test_without_normal_readings_nothing_is_said() -> None:
    story = Story(history=12, effect=9.0)
    reading, _ = story.watched(1, SETTINGS)
    assert reading.ruling == "inconclusive"
    assert "only 12 normal readings" in reading.because
    brief = Story(anomalous=2, gap=8.0)  # one of the two is the ramp
    assert "only 1 readings from onset to deploy" in brief.watched(1, SETTINGS)[0].because


def test_an_answer_survives_missing_readings() -> None:
    story = Story(anomalous=60, gap=8.0)
    values = story.values(2)
    values[np.random.default_rng(2).random(len(values)) < 0.3] = np.nan
    values[100:140] = np.nan
    values[story.deploy - 3 : story.deploy + 4] = np.inf  # a restart that divides by zero
    reading = judge(minutes(len(values)), values, story.event(), SETTINGS)
    assert reading.ruling == "worked"


def test_an_error_ratio_near_zero_that_jumped_and_fell_worked() -> None:
    rng = np.random.default_rng(3)
    calm, bad, mended = rng.normal(0.005, 0.004, 300), rng.normal(0.3, 0.05, 60), rng.normal(0.005, 0.004, 60)
    values = np.clip(np.concatenate([calm, bad, mended]), 0.0, 1.0)
    seconds = np.arange(420) * 1000.0
    event = Interruption(deploy=360_000.0, harm="up", anomaly=(300_000.0, None))
    settings = replace(SETTINGS, warm_up=5000.0, recovery=60_000.0)
    reading = judge(seconds[:380], values[:380], event, settings)
    assert reading.ruling == "worked"
    assert reading.normal == pytest.approx(0.005, abs=0.002)
    assert reading.anomalous == pytest.approx(0.3, abs=0.03)
    assert reading.after == pytest.approx(0.005, abs=0.003)


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_a_series_that_never_moves_is_unchanged_and_one_that_starts_to_is_not(value: float) -> None:
    event = Interruption(deploy=100 * MINUTE, harm="up", ended=True)
    still = judge(minutes(160), np.full(160, value), event, SETTINGS)
    assert still.ruling == "unchanged"
    assert still.effect == 0.0
    step = np.full(160, value)
    step[100:] += 0.5
    assert judge(minutes(160), step, event, SETTINGS).ruling == "harmful"
    blip = np.full(160, value)
    blip[130] += 0.5
    assert judge(minutes(160), blip, event, SETTINGS).ruling == "unchanged"


def test_evidence_must_hold_for_several_readings() -> None:
    story = Story(effect=3.0)
    values, times = story.values(1), minutes(450)
    first = {
        holds: next(
            count
            for count in range(330, 450)
            if judge(times[:count], values[:count], story.event(), replace(SETTINGS, holds=holds)).ruling == "harmful"
        )
        for holds in (1, 6)
    }
    assert first[1] <= first[6]
    calm = story.values(1)
    calm[300:] -= 3.0
    assert all(
        reading.ruling is None
        for reading in retrace(times, calm, story.event(), SETTINGS, [n * MINUTE for n in range(330, 450, 10)])
    )


def recovered(values: np.ndarray[tuple[int], np.dtype[np.float64]], settings: ItsSettings) -> ItsReading:
    event = Interruption(deploy=360 * MINUTE, harm="up", anomaly=(300 * MINUTE, None), ended=True)
    return judge(minutes(len(values)), values, event, settings)


def test_a_recovery_that_came_before_the_deploy_is_not_credited() -> None:
    values = Story(anomalous=60, gap=8.0).values(4)
    values[350:360] -= 8.0
    reading = recovered(values, SETTINGS)
    assert reading.ruling == "inconclusive"
    assert reading.recovered
    assert "come back by itself" in reading.because


def test_a_recovery_that_comes_late_is_not_credited() -> None:
    values = Story(anomalous=60, gap=8.0, after=600).values(4)
    values[360:420] += 8.0
    reading = recovered(values, replace(SETTINGS, min_samples=12))
    assert reading.ruling == "inconclusive"
    assert "as far as a recovery is credited" in reading.because


@pytest.mark.parametrize(("hours", "ruling"), [(1, "inconclusive"), (12, "worked")])
def test_where_anomalies_pass_by_themselves_quickly_nobody_gets_the_credit(hours: float, ruling: str) -> None:
    settings = replace(SETTINGS, unattended=tuple(share * hours * 60 * MINUTE for share in (0.1, 0.4, 0.8, 1.2, 2.5)))
    reading = recovered(Story(anomalous=60, gap=8.0).values(5), settings)
    assert reading.ruling == ruling
    assert reading.recovered
    assert "Bayes factor" in reading.because
    assert "timing only" not in reading.because


def test_an_anomaly_on_its_way_back_is_hardly_ever_credited() -> None:
    credited = 0
    for seed in range(20):
        values = autocorrelated(600, 0.2, np.random.default_rng(seed))
        values[300:] += 20.0 * np.exp(-np.arange(300) / 60)
        event = Interruption(deploy=340 * MINUTE, harm="up", anomaly=(300 * MINUTE, None), ended=True)
        credited += judge(minutes(600), values, event, SETTINGS).ruling == "worked"
    assert credited <= 2  # a straight line is a rough guess at a decay: this is where the plain version is weak


def test_an_anomaly_that_had_ended_leaves_the_normal_level_as_reference() -> None:
    story = Story(history=300, anomalous=60, gap=8.0, effect=4.0)
    values = story.values(6)
    values[330:360] -= 8.0
    event = replace(story.event(), anomaly=(300 * MINUTE, 330 * MINUTE))
    reading = judge(minutes(len(values)), values, event, SETTINGS)
    assert reading.anomalous is None
    assert reading.ruling == "harmful"
    assert reading.effect == pytest.approx(4.0, abs=1.0)


def test_retracing_gives_what_each_look_said() -> None:
    story = Story(anomalous=60, gap=8.0)
    values, times = story.values(1), minutes(510)
    at = [370 * MINUTE, 400 * MINUTE, 500 * MINUTE]
    looks = retrace(times, values, story.event(ended=True), SETTINGS, at)
    assert looks[0].ruling is None
    assert looks[1] == judge(times[:401], values[:401], story.event(), SETTINGS)
    assert looks[1].ruling == "worked"


def test_columns_that_do_not_fit_are_refused() -> None:
    event = Interruption(deploy=5 * MINUTE, harm="up")
    with pytest.raises(ValueError, match="one length"):
        judge(minutes(10), np.zeros(9), event, SETTINGS)
    with pytest.raises(ValueError, match="ascend"):
        judge(minutes(10)[::-1], np.zeros(10), event, SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0.0},
        {"alpha": 0.5},
        {"tau": 0.0},
        {"holds": 0},
        {"holds": 13},
        {"margin": -1.0},
        {"unattended": (0.0,)},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        replace(SETTINGS, **wrong)


def test_every_setting_is_printed() -> None:
    line = describe(ItsSettings(alpha=0.0025, margin=0.02, holds=4, min_samples=17, unattended=(5 * 60 * MINUTE,) * 5))
    for shown in ("0.0025", "0.05", "tau 2", "0.02", "20 min", "17 readings", "held for 4", "30 min", "5 h"):
        assert shown in line
