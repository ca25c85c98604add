"""The stretches of a series around a deploy, and the comparison of what came after with what was before."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.evidence import evidence, interval
from inference.interruption import Interruption, ItsSettings
from inference.levels import Floats, Level, Noise, learn_noise, level

FEWEST_NORMAL = 30  # fewer normal readings say too little about the noise
FEWEST_ANOMALOUS = 3
_QUARTER = 0.25
_RESOLUTIONS = 10.0  # the margin of a series that never moved, in steps of what it is read to
_DRIFTING = 2.0  # standard errors of its speed at which an anomaly is taken to be getting worse by itself
_REACH = 0.5  # how far past the warm-up a history speaks, as a share of its own length: a short one knows no season
_LONG_ENOUGH = 16  # anomalous readings that can be halved


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretch:
    """A part of the readings: ascending epoch ms and finite values, float64 [T]."""

    times: Floats
    values: Floats

    def of(self, mask: npt.NDArray[np.bool_]) -> "Stretch":
        """The readings under the mask."""
        return Stretch(times=self.times[mask], values=self.values[mask])

    def first(self, count: int) -> "Stretch":
        """The first `count` readings."""
        return Stretch(times=self.times[:count], values=self.values[:count])

    def level(self, noise: Noise) -> Level:
        """Where the stretch lies."""
        return level(self.times, self.values, noise)

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How fast a stretch moves, and the standard error of that, in units a ms; 0 and 0 where it is too short to say."""

    speed: float = 0.0
    se: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What is known before any effect is looked at. Levels, `tau` and `margin` are in the series' unit.

    sign       +1 where up is harm, -1 where down is
    normal     the level without the anomaly; `anomalous` the one with it, None unless it was active at the deploy
    lasted     the anomalous readings (the ramp left out) until the deploy
    after      the readings after the warm-up, as far as the history can speak for them
    since      all readings since the deploy, the warm-up too
    drift      how fast the anomaly was moving
    """

    event: Interruption
    settings: ItsSettings
    sign: float
    noise: Noise
    normal: Level
    anomalous: Level | None
    lasted: Stretch
    after: Stretch
    since: Stretch
    drift: Drift

    @property
    def reference(self) -> Level:
        """What the deploy is compared with."""
        return self.anomalous or self.normal

    @property
    def tau(self) -> float:
        """The size of effect that is looked for.

        Normal readings that never moved give no scale. It is then the scatter of the anomaly and of the first readings
        that may be judged by: their scatter, never where they lie, and never a later one's, so that the evidence holds
        however often one looks.
        """
        scatter = self.noise.sd
        if self.noise.constant:
            first = self.after.first(self.settings.min_samples)
            seen = [stretch.level(self.noise).sd for stretch in (self.lasted, first) if len(stretch)]
            scatter = max(scatter, *seen) if seen else scatter
        return self.settings.tau * scatter

    @property
    def margin(self) -> float:
        """The smallest harm that counts."""
        if self.settings.margin is not None:
            return self.settings.margin
        return self.noise.sd * (_RESOLUTIONS if self.noise.constant else _QUARTER)

    @property
    def midpoint(self) -> float:
        """Half of the gap between normal and anomalous; readings beyond it are on the anomalous side."""
        return (self.normal.mean + self.reference.mean) / 2.0

    def worsening(self, after: Stretch) -> float:
        """How much worse the anomaly was getting by itself, at its fastest, by the middle of `after`; at least 0."""
        return self.fastest * float(np.mean(after.times) - np.mean(self.lasted.times)) if self.fastest else 0.0

    @property
    def fastest(self) -> float:
        """How fast the anomaly was getting worse by itself, at the most, in units a ms; 0 where it was not."""
        if not 0.0 < _DRIFTING * self.drift.se <= self.sign * self.drift.speed:
            return 0.0
        return self.sign * self.drift.speed + self.drift.se

    def easing(self, until: float) -> bool:
        """Whether the anomaly was on its way back, so that it would have been half back at `until` (epoch ms)."""
        if not 0.0 < self.drift.se <= -self.sign * self.drift.speed:
            return False
        there = self.reference.mean + self.drift.speed * (until - float(np.mean(self.lasted.times)))
        return self.sign * (there - self.midpoint) < 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The comparison at one moment. `closed`: the interval excludes that half of the gap remains."""

    after: Level
    effect: float
    low: float
    high: float
    harm: float
    closing: float
    closed: bool


def set_scene(readings: Stretch, event: Interruption, settings: ItsSettings) -> Scene | str:
    """Part the readings into stretches and learn their levels, or say in a sentence what is missing."""
    times = readings.times
    before = times < event.deploy
    onset, end = event.anomaly or (event.deploy, event.deploy)
    calm = before & ((times < onset) | (times >= (math.inf if end is None else end)))
    normal = readings.of(calm)
    if len(normal) < FEWEST_NORMAL:
        return f"only {len(normal)} normal readings from before; {FEWEST_NORMAL} are needed to know the noise"
    ramp = min(settings.warm_up, (event.deploy - onset) * _QUARTER)
    lasted = readings.of(before & (times >= onset + ramp) & event.active)
    if event.active and len(lasted) < FEWEST_ANOMALOUS:
        return f"only {len(lasted)} readings from onset to deploy; what the anomaly was like is not known"
    noise = learn_noise(normal.times, normal.values)
    return Scene(
        event=event,
        settings=settings,
        sign=1.0 if event.harm == "up" else -1.0,
        noise=noise,
        normal=normal.level(noise),
        anomalous=lasted.level(noise) if event.active else None,
        lasted=lasted,
        after=_within_reach(readings.of(times >= event.deploy + settings.warm_up), normal, event, settings),
        since=readings.of(~before),
        drift=_drift(lasted, noise),
    )


def compare(scene: Scene, count: int) -> Look:
    """Compare the first `count` readings after the warm-up with the reference; `count` is at least 1."""
    stretch = scene.after.first(count)
    after, reference, settings = stretch.level(scene.noise), scene.reference, scene.settings
    effect = after.mean - reference.mean
    se = math.sqrt(after.variance + reference.variance)
    bar = scene.margin + scene.worsening(stretch)
    low, high = interval(effect, se, scene.tau, 2.0 * settings.alpha)
    harm = evidence(scene.sign * effect, bar, se, scene.tau, one_sided=True)
    closing, closed = _closing(scene, after)
    return Look(after=after, effect=effect, low=low, high=high, harm=harm, closing=closing, closed=closed)


def _closing(scene: Scene, after: Level) -> tuple[float, bool]:
    """The e-value against "half of the gap or more remains", and whether the interval excludes it."""
    if scene.anomalous is None:
        return 0.0, False
    settings, normal, anomalous = scene.settings, scene.normal, scene.anomalous
    gap_se = math.sqrt(normal.variance + anomalous.variance)
    gap, _ = interval(scene.sign * (anomalous.mean - normal.mean), gap_se, scene.tau, settings.alpha_worked)
    if gap <= scene.margin:  # there was no gap to speak of
        return 0.0, False
    beyond = scene.sign * (after.mean - scene.midpoint)
    se = math.sqrt(after.variance + (normal.variance + anomalous.variance) * _QUARTER)
    _, worst = interval(beyond, se, scene.tau, settings.alpha_worked)
    return evidence(-beyond, 0.0, se, scene.tau, one_sided=True), worst < 0.0


def _within_reach(after: Stretch, normal: Stretch, event: Interruption, settings: ItsSettings) -> Stretch:
    """The readings that lie at most half as far past the warm-up as the history is long (the fewest needed, always)."""
    reach = event.deploy + settings.warm_up + _REACH * float(normal.times[-1] - normal.times[0])
    return after.first(max(int(np.sum(after.times <= reach)), settings.min_samples))


def _drift(lasted: Stretch, noise: Noise) -> Drift:
    """From the levels of the two halves."""
    if len(lasted) < _LONG_ENOUGH:
        return Drift()
    early = np.arange(len(lasted)) < len(lasted) // 2
    first, second = lasted.of(early), lasted.of(~early)
    one, two = first.level(noise), second.level(noise)
    apart = float(np.mean(second.times) - np.mean(first.times))
    return Drift(speed=(two.mean - one.mean) / apart, se=math.sqrt(one.variance + two.variance) / apart)
