"""A plain interrupted time series: what a deploy did to one series, judged anew at each look from all of its readings.

Three levels are compared: normal (no anomaly), anomalous (onset to deploy, without the ramp) and after (from the end of
the warm-up on). The answers hold however often one looks (`inference.evidence`), on autocorrelated readings
(`inference.levels`). This version knows no season and no control series: a season makes it slower rather than wrong,
because the model is charged for its misfit. Times are epoch milliseconds; readings are in the series' own unit.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from inference.credit import credit
from inference.interruption import Interruption, ItsReading, ItsSettings
from inference.scene import Look, Scene, Stretch, compare, set_scene
from inference.words import figure, odds, signed, span


def judge(times: npt.ArrayLike, values: npt.ArrayLike, event: Interruption, settings: ItsSettings) -> ItsReading:
    """Judge one series of T readings: `times` ascending epoch ms, `values` with NaN (or an infinity) where missing.

    Too few readings are never a pass: the ruling stays None, and becomes "inconclusive" once the watch has ended.
    Raises ValueError for columns of different lengths and for times that do not ascend.
    """
    readings = _present(times, values)
    scene = set_scene(readings, event, settings)
    if isinstance(scene, str):
        samples = int(np.sum(readings.times >= event.deploy + settings.warm_up))
        return _undecided(
            ItsReading(ruling=None, because=scene, samples=samples, confidence=_confidence(settings)), event
        )
    samples = len(scene.after)
    if samples < settings.min_samples:
        return _undecided(_levels(scene, _too_few(scene)), event)
    looks = [compare(scene, samples - back) for back in range(settings.holds)]
    return _ruled(scene, looks)


def retrace(
    times: npt.ArrayLike, values: npt.ArrayLike, event: Interruption, settings: ItsSettings, at: Iterable[float]
) -> tuple[ItsReading, ...]:
    """What `judge` said, or would have said, at each of the moments `at` (epoch ms), for a picture of the looks.

    `event.ended` holds for the last moment only. Raises ValueError as `judge` does.
    """
    whole = _present(times, values)
    moments = sorted(at)
    readings: list[ItsReading] = []
    for index, moment in enumerate(moments):
        seen = whole.of(whole.times <= moment)
        then = replace(event, ended=event.ended and index == len(moments) - 1)
        readings.append(judge(seen.times, seen.values, then, settings))
    return tuple(readings)


def _present(times: npt.ArrayLike, values: npt.ArrayLike) -> Stretch:
    """The readings that are there."""
    stamps, numbers = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if stamps.ndim != 1 or stamps.shape != numbers.shape:
        raise ValueError(f"times {stamps.shape} and values {numbers.shape} must be two columns of one length")
    if np.any(np.diff(stamps) <= 0.0):
        raise ValueError("the times of a series must ascend")
    return Stretch(times=stamps, values=numbers).of(np.isfinite(numbers))


def _ruled(scene: Scene, looks: list[Look]) -> ItsReading:
    """The ruling over the last looks; the newest one is first."""
    event, settings, now = scene.event, scene.settings, looks[0]
    closed = all(look.closed for look in looks)
    reading = replace(
        _levels(scene, ""),
        after=now.after.mean,
        effect=now.effect,
        low=now.low,
        high=now.high,
        evidence=now.harm,
        recovered=closed,
    )
    effect = _effect(now, reading.confidence)
    held = f"evidence {odds(now.harm)} held for {settings.holds} readings"
    if all(look.harm >= 1.0 / settings.alpha for look in looks):
        worse = f"worse than {_before(scene)} by {effect}; {figure(scene.margin)} is the margin; {held}"
        return replace(reading, ruling="harmful", because=worse)
    credited, why = credit(scene) if closed else (False, "")
    if credited:
        return replace(reading, ruling="worked", evidence=now.closing, because=f"{_gap_closed(scene, now)}; {why}")
    if closed:
        return _undecided(replace(reading, because=f"recovered, not attributable: {why}"), event)
    if event.ended and -scene.margin < now.low and now.high < scene.margin:
        same = f"within the margin of {figure(scene.margin)} of {_before(scene)}: {effect}"
        return replace(reading, ruling="unchanged", because=same)
    needed = f"{1.0 / settings.alpha:,.0f}:1"
    so_far = f"against {_before(scene)} the effect is {effect}; evidence of harm {odds(now.harm)} of {needed}"
    return _undecided(replace(reading, because=so_far), event)


def _levels(scene: Scene, because: str) -> ItsReading:
    """What is known without an effect."""
    return ItsReading(
        ruling=None,
        because=because,
        samples=len(scene.after),
        confidence=_confidence(scene.settings),
        normal=scene.normal.mean,
        anomalous=scene.anomalous.mean if scene.anomalous else None,
        reference=scene.reference.mean,
        margin=scene.margin,
        sd=scene.noise.sd,
    )


def _undecided(reading: ItsReading, event: Interruption) -> ItsReading:
    """No answer; once the watch has ended that is the answer."""
    if not event.ended:
        return reading
    return replace(reading, ruling="inconclusive", because=f"no verdict: {reading.because}")


def _confidence(settings: ItsSettings) -> float:
    """The level of the printed interval: it excludes the margin about when the evidence reaches 1/alpha."""
    return 1.0 - 2.0 * settings.alpha


def _too_few(scene: Scene) -> str:
    """The sentence for a watch that has too little to judge by."""
    warm_up, needed = span(scene.settings.warm_up), scene.settings.min_samples
    if not len(scene.after):
        return (
            f"no reading since the {warm_up} warm-up after the deploy ({needed} are needed): no traffic is not a pass"
        )
    return f"{len(scene.after)} of {needed} needed readings since the {warm_up} warm-up after the deploy"


def _before(scene: Scene) -> str:
    """The reference in words."""
    return f"{'the anomalous' if scene.anomalous else 'the normal'} {figure(scene.reference.mean)}"


def _effect(look: Look, confidence: float) -> str:
    """The effect with its interval in words."""
    level = f"always-valid {100 * confidence:.3g}% interval"
    return f"{signed(look.effect)} ({level} {signed(look.low)} to {signed(look.high)})"


def _gap_closed(scene: Scene, look: Look) -> str:
    """How much of the gap is closed, in words."""
    share = (scene.reference.mean - look.after.mean) / (scene.reference.mean - scene.normal.mean)
    return (
        f"{share:.0%} of the gap is closed: {figure(scene.reference.mean)} to {figure(look.after.mean)}, "
        f"normal is {figure(scene.normal.mean)}; evidence {odds(look.closing)} that less than half remains"
    )
