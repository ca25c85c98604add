"""One series under watch: its season and noise are known, and every reading after the warm-up is a look.

The ruling at a look rests on the last few of them (`ItsSettings.holds`), and on nothing that came later.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from inference.avits import Plan, Track, track
from inference.credit import credit
from inference.evidence import interval, log_evidences
from inference.grid import DAY, Grid, lay
from inference.interruption import Interruption, ItsReading, ItsSettings
from inference.kinds import back, forward, nearest_of
from inference.plain import confidence, too_few, undecided
from inference.scene import Scene, Stretch, set_scene
from inference.season import season_of
from inference.words import figure, odds, signed, span

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

APART = 3.0  # how much likelier (ln) this deploy must be than another one to be blamed
OTHERS_BACK = 2 * DAY  # deploys before this one by more than that are part of the history
MOST_OTHERS = 6
_QUARTER = 0.25
_DEPLOY, _ANOMALY = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watched:
    """The looks of one series. Arrays are [L], on the even scale; `sign` is +1 where up is harm, -1 where down is.

    effect, se     what the deploy did, beside the other deploys; `whole` the effect with nothing clipped
    harm           ln of the evidence against "no harm beyond the margin"
    harmful        looks that say harm of this deploy, `contested` those that say harm of this or another one
    closed         looks that exclude that half of the anomaly's gap remains; `theta` its height
    """

    event: Interruption
    settings: ItsSettings
    grid: Grid
    track: Track
    sign: float
    nearest: float
    margin: float
    effect: Floats
    se: Floats
    whole: Floats
    harm: Floats
    harmful: Mask
    contested: Mask
    closed: Mask
    closing: Floats
    theta: Floats
    scene: Scene | None

    def __len__(self) -> int:
        return len(self.track)

    @property
    def times(self) -> Floats:
        """When each look fell, epoch ms."""
        return self.grid.times[self.track.places]

    @property
    def method(self) -> str:
        """How it is judged, in words."""
        known = self.track
        parts = [
            f"{known.season}",
            f"{known.controls} control series" if known.controls else "",
            f"AR({known.order})",
            f"misfit charged {figure(known.charge)}",
            f"as a {self.settings.kind}" if self.settings.kind != "gauge" else "",
        ]
        return f"always-valid interrupted time series with {', '.join(filter(None, parts))}"

    def look(self, place: int) -> ItsReading:
        """What look number `place` says, from everything up to it."""
        reading = self._levels(place)
        if place + 1 < max(self.settings.min_samples, self.settings.holds):
            return undecided(replace(reading, because=too_few(place + 1, self.settings)), self.event)
        effect = self._words(reading)
        now = float(self.times[place])
        if self._held(self.harmful, place):
            held = f"evidence {odds(reading.evidence or 0.0)} held for {self.settings.holds} readings"
            worse = f"worse than {_before(reading)} by {effect}; {figure(reading.margin or 0.0)} is the margin; {held}"
            return replace(reading, ruling="harmful", because=worse, decided=now)
        if self._held(self.closed, place):
            return self._recovered(reading, place)
        if self._held(self.contested, place):
            both = f"worse than {_before(reading)}, and another deploy may as well have done it: {effect}"
            return undecided(replace(reading, contested=True, because=both), self.event)
        margin = reading.margin or 0.0
        if self.event.ended and _within(reading, margin):
            same = f"within the margin of {figure(margin)} of {_before(reading)}: {effect}"
            return replace(reading, ruling="unchanged", because=same, decided=now)
        needed = f"{1.0 / self.settings.alpha:,.0f}:1"
        evidence = f"evidence of harm {odds(reading.evidence or 0.0)} of {needed}"
        so_far = f"against {_before(reading)} the effect is {effect}; {evidence}"
        return undecided(replace(reading, because=so_far), self.event)

    def first(self) -> ItsReading:
        """The first ruling that a watch of these readings would have come to, or else what its last look says."""
        needed = max(self.settings.min_samples, self.settings.holds) - 1
        worse = _first_held(self.harmful, self.settings.holds, needed)
        better = _first_held(self.closed, self.settings.holds, needed)
        if better is not None and (worse is None or better < worse):
            reading = self.look(better)
            if reading.ruling == "worked":
                return reading
        if worse is not None:
            return self.look(worse)
        return self.look(len(self) - 1)

    def _held(self, flags: Mask, place: int) -> bool:
        return bool(flags[place + 1 - self.settings.holds : place + 1].all())

    def _recovered(self, reading: ItsReading, place: int) -> ItsReading:
        scene = self.scene
        if scene is None:
            raise ValueError("a gap cannot close where there was no anomaly")
        until = self.times[place]
        then = replace(scene, since=scene.since.of(scene.since.times <= until))
        credited, why = credit(then, by_timing=False)
        reading = replace(reading, recovered=True)
        if not credited:
            return undecided(replace(reading, because=f"recovered, not attributable: {why}"), self.event)
        closing = math.exp(min(float(self.closing[place]), 690.0))
        normal, worst, now = reading.normal or 0.0, reading.anomalous or 0.0, reading.after or 0.0
        share = (worst - now) / (worst - normal) if worst != normal else 1.0
        closed = (
            f"{share:.0%} of the gap is closed: {figure(worst)} to {figure(now)}, normal is {figure(normal)}; "
            f"evidence {odds(closing)} that less than half remains"
        )
        return replace(
            reading, ruling="worked", evidence=closing, because=f"{closed}; {why}", decided=float(self.times[place])
        )

    def _levels(self, place: int) -> ItsReading:
        """Levels, effect and interval at a look, in the series' own unit."""
        normal = float(np.mean(self.track.base[: place + 1]))
        worst = normal + float(self.theta[place])
        effect, se = float(self.effect[place]), float(self.se[place])
        low, high = interval(effect, se, self.settings.tau * self.track.sd, 2.0 * self.settings.alpha)
        more = float(self.whole[place]) - effect  # a real step is clipped as a wild reading is: it may be that large
        low, high = low + min(more, 0.0) * (effect < 0.0), high + max(more, 0.0) * (effect > 0.0)
        unit = [self._unit(at) for at in (normal, worst, worst + effect, worst + low, worst + high)]
        bar = abs(self._unit(worst + self.sign * self.margin) - unit[1])
        scatter = abs(self._unit(worst + self.track.sd) - unit[1])
        return ItsReading(
            ruling=None,
            because="",
            samples=place + 1,
            confidence=confidence(self.settings),
            normal=unit[0],
            anomalous=unit[1] if self.track.anomalous else None,
            reference=unit[1],
            after=unit[2],
            effect=unit[2] - unit[1],
            low=unit[3] - unit[1],
            high=unit[4] - unit[1],
            evidence=math.exp(min(float(self.harm[place]), 690.0)),
            margin=bar,
            sd=scatter,
            method=self.method,
        )

    def _unit(self, scaled: float) -> float:
        return float(back(np.array([scaled]), self.settings.kind)[0])

    def _words(self, reading: ItsReading) -> str:
        level = f"always-valid {100 * reading.confidence:.3g}% interval"
        low, high = signed(reading.low or 0.0), signed(reading.high or 0.0)
        return f"{signed(reading.effect or 0.0)} ({level} {low} to {high})"


def observe(readings: Stretch, controls: Sequence[Floats], event: Interruption, settings: ItsSettings) -> Watched | str:
    """Take every look at a series, or say in a sentence why its season and noise cannot be known.

    `readings` are those that are there; `controls` columns beside them, with NaN where missing.
    """
    times, until = readings.times, event.deploy + settings.window
    onset, end = event.anomaly or (event.deploy, event.deploy)
    onset = min(onset, event.deploy)
    calm = times < onset
    if not event.active:
        calm = (times < event.deploy) & ((times < onset) | (times >= (math.inf if end is None else end)))
    if not calm.any():
        return "no reading from before"
    nearest = nearest_of(readings.values[calm])
    even = forward(readings.values, settings.kind, nearest=nearest)
    there = np.isfinite(even)
    grid = lay(times[there], even[there], [control[there] for control in controls], event.deploy, until)
    if grid is None:
        return "too few readings from before"
    season = season_of(onset - float(grid.times[0]), grid.step)
    if season is None:
        return f"only {span(max(onset - float(grid.times[0]), 0.0))} of history"
    active = event.active
    plan = Plan(
        season=season,
        deploy=event.deploy,
        warm=event.deploy + settings.warm_up,
        onset=onset if active else None,
        ramp=min(settings.warm_up, (event.deploy - onset) * _QUARTER),
        masked=() if active or event.anomaly is None else ((onset, math.inf if end is None else end),),
        others=_near(event, float(grid.times[-1])),
    )
    seen = track(grid, plan)
    return seen if isinstance(seen, str) else _watched(grid, seen, event, settings, nearest)


def _near(event: Interruption, newest: float) -> tuple[float, ...]:
    """The other deploys that may have moved what came after this one, the nearest first."""
    near = [other for other in event.others if event.deploy - OTHERS_BACK <= other <= newest]
    return tuple(sorted(near, key=lambda other: abs(other - event.deploy))[:MOST_OTHERS])


def _watched(grid: Grid, seen: Track, event: Interruption, settings: ItsSettings, nearest: float) -> Watched:
    sign, tau = 1.0 if event.harm == "up" else -1.0, settings.tau * seen.sd
    anomaly = [_ANOMALY] if seen.anomalous else []
    others = [1 + len(anomaly) + 1 + number for number in range(seen.others)]
    free = [_DEPLOY, *anomaly, *others]
    scene = _scene(grid, seen, event, settings) if anomaly else None
    margin = _margin(seen, settings, sign, nearest)
    bar = margin + _worsening(scene, grid.times[seen.places])
    effect, se = seen.steps(free, [1.0] + [0.0] * (len(free) - 1))
    whole, _ = seen.steps(free, [1.0] + [0.0] * (len(free) - 1), clipped=False)
    harm = log_evidences(sign * effect, bar, se, tau)
    enough = math.log(1.0 / settings.alpha)
    harmful, contested = harm >= enough, np.zeros(len(seen), dtype=np.bool_)
    if others:
        single, single_se = seen.steps([_DEPLOY, *anomaly], [1.0] + [0.0] * len(anomaly))
        alone = log_evidences(sign * single, bar, single_se, tau) >= enough
        ours = seen.likelihood(_DEPLOY, anomaly)
        gaps = np.min([ours - seen.likelihood(other, anomaly) for other in others], axis=0)
        harmful &= gaps >= APART
        contested = alone & ~harmful & (gaps > -APART)
    closed, closing, theta = np.zeros(len(seen), dtype=np.bool_), np.zeros(len(seen)), np.zeros(len(seen))
    if anomaly:
        theta, _ = seen.steps(free, [0.0, 1.0] + [0.0] * len(others))
        closed, closing = _closing(seen, free, sign, margin, settings)
    return Watched(
        event=event, settings=settings, grid=grid, track=seen, sign=sign, nearest=nearest, margin=margin,
        effect=effect, se=se, whole=whole, harm=harm, harmful=harmful, contested=contested,
        closed=closed, closing=closing, theta=theta, scene=scene,
    )  # fmt: skip


def _margin(seen: Track, settings: ItsSettings, sign: float, nearest: float) -> float:
    """The smallest harm that counts, on the even scale: a quarter of a deviation, or the operator's if that is more."""
    least = _QUARTER * seen.sd
    if settings.margin is None:
        return least
    if settings.kind == "gauge":
        return max(settings.margin, least)
    level = back(np.array([seen.level]), settings.kind)
    moved = forward(np.maximum(level + sign * settings.margin, 0.0), settings.kind, nearest=nearest)
    apart = abs(float(moved[0]) - seen.level)
    return max(apart, least) if math.isfinite(apart) else least


def _closing(seen: Track, free: list[int], sign: float, margin: float, settings: ItsSettings) -> tuple[Mask, Floats]:
    """Which looks exclude that half of the gap remains, and ln of the evidence for it."""
    tau, rest = settings.tau * seen.sd, [0.0] * (len(free) - 2)
    gap, gap_se = seen.steps(free, [0.0, 1.0, *rest])
    beyond, se = seen.steps(free, [1.0, 0.5, *rest])
    gaps = zip((sign * gap).tolist(), gap_se.tolist(), strict=True)
    real = np.array([interval(height, error, tau, settings.alpha_worked)[0] > margin for height, error in gaps])
    left = zip((sign * beyond).tolist(), se.tolist(), strict=True)
    gone = np.array([interval(height, error, tau, settings.alpha_worked)[1] < 0.0 for height, error in left])
    return real & gone, log_evidences(-sign * beyond, np.zeros(len(se)), se, tau)


def _scene(grid: Grid, seen: Track, event: Interruption, settings: ItsSettings) -> Scene | None:
    """The stretches of the series without its season, for what the anomaly was like."""
    there = np.isfinite(seen.flat)
    flat = Stretch(times=grid.times[there], values=seen.flat[there])
    scene = set_scene(flat, event, settings)
    return None if isinstance(scene, str) else scene


def _worsening(scene: Scene | None, times: Floats) -> Floats:
    """How much worse the anomaly was getting by itself, by the middle of the readings up to each look."""
    if scene is None or not scene.fastest:
        return np.zeros(len(times))
    middle = np.cumsum(times - times[0]) / np.arange(1, len(times) + 1) + times[0]
    worse: Floats = scene.fastest * (middle - float(np.mean(scene.lasted.times)))
    return worse


def _within(reading: ItsReading, margin: float) -> bool:
    return reading.low is not None and reading.high is not None and -margin < reading.low and reading.high < margin


def _before(reading: ItsReading) -> str:
    what = "the anomalous" if reading.anomalous is not None else "the usual"
    return f"{what} {figure(reading.reference or 0.0)}"


def _first_held(flags: Mask, holds: int, needed: int) -> int | None:
    """The first look at or after `needed` whose last `holds` looks are all flagged."""
    if len(flags) < holds:
        return None
    full = np.flatnonzero(np.convolve(flags, np.ones(holds), mode="valid") >= holds) + holds - 1
    full = full[full >= needed]
    return int(full[0]) if len(full) else None
