"""A plain interrupted time series, for histories too short to know a season: judged anew at each look.

Three levels are compared: normal (no anomaly), anomalous (onset to deploy, without the ramp) and after (from the end of
the warm-up on). The answers hold however often one looks (`inference.evidence`), on autocorrelated readings
(`inference.levels`). It knows no season and no control series: a season makes it slower rather than wrong, because the
model is charged for its misfit. Times are epoch milliseconds; readings are in the series' own unit.
"""

from dataclasses import replace

import numpy as np

from inference.credit import credit
from inference.interruption import Interruption, ItsReading, ItsSettings
from inference.scene import Look, Scene, Stretch, compare, set_scene
from inference.words import figure, odds, signed, span


def judge_plainly(readings: Stretch, event: Interruption, settings: ItsSettings) -> ItsReading:
    """Judge the readings that are there.

    Too few are never a pass: the ruling stays None, and becomes "inconclusive" once the watch has ended.
    """
    scene = set_scene(readings, event, settings)
    if isinstance(scene, str):
        samples = int(np.sum(readings.times >= event.deploy + settings.warm_up))
        return undecided(
            ItsReading(ruling=None, because=scene, samples=samples, confidence=confidence(settings)), event
        )
    samples = len(scene.after)
    if samples < settings.min_samples:
        return undecided(_levels(scene, too_few(samples, settings)), event)
    looks = [compare(scene, samples - back) for back in range(settings.holds)]
    return _ruled(scene, looks)


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
        return undecided(replace(reading, because=f"recovered, not attributable: {why}"), event)
    if event.ended and -scene.margin < now.low and now.high < scene.margin:
        same = f"within the margin of {figure(scene.margin)} of {_before(scene)}: {effect}"
        return replace(reading, ruling="unchanged", because=same)
    needed = f"{1.0 / settings.alpha:,.0f}:1"
    so_far = f"against {_before(scene)} the effect is {effect}; evidence of harm {odds(now.harm)} of {needed}"
    return undecided(replace(reading, because=so_far), event)


def _levels(scene: Scene, because: str) -> ItsReading:
    """What is known without an effect."""
    return ItsReading(
        ruling=None,
        because=because,
        samples=len(scene.after),
        confidence=confidence(scene.settings),
        normal=scene.normal.mean,
        anomalous=scene.anomalous.mean if scene.anomalous else None,
        reference=scene.reference.mean,
        margin=scene.margin,
        sd=scene.noise.sd,
    )


def undecided(reading: ItsReading, event: Interruption) -> ItsReading:
    """No answer; once the watch has ended that is the answer."""
    if not event.ended:
        return reading
    return replace(reading, ruling="inconclusive", because=f"no verdict: {reading.because}")


def confidence(settings: ItsSettings) -> float:
    """The level of the printed interval: it excludes the margin about when the evidence reaches 1/alpha."""
    return 1.0 - 2.0 * settings.alpha


def too_few(samples: int, settings: ItsSettings) -> str:
    """The sentence for a watch that has too little to judge by."""
    warm_up, needed = span(settings.warm_up), settings.min_samples
    if not samples:
        return (
            f"no reading since the {warm_up} warm-up after the deploy ({needed} are needed): no traffic is not a pass"
        )
    return f"{samples} of {needed} needed readings since the {warm_up} warm-up after the deploy"


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
