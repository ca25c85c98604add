"""Whether a recovery may be credited to the deploy, or would have come by itself."""

import math

import numpy as np
import numpy.typing as npt

from inference.scene import Scene
from inference.unattended import FEWEST_ON_RECORD, chance_of_ending
from inference.words import figure, span

WORKS = 0.95  # the chance that a change which mends the cause is followed by recovery in time
BY_CHANCE = 0.01  # how often a change that does nothing may be credited
ENOUGH = 10.0  # the Bayes factor against self-recovery that credits the change


def credit(scene: Scene, *, by_timing: bool = True) -> tuple[bool, str]:
    """Whether the change gets the credit for a gap that closed, and why or why not.

    The anomaly must have been there without a break before the deploy, must not have been on its way back already, and
    must have ended for good soon after the deploy. Where it is on record how long such anomalies last unattended, the
    Bayes factor against self-recovery must be 10 at the least (0.95 over the chance that one of this age ends in the
    time allowed), and the chance that it came back as soon as it did by itself at most 1%. Nobody knows at which end of
    its step a reading is stamped, so it is taken to have come back a step later than the stamp says. Where too little
    is on record, only `by_timing` credits.
    """
    settings, deploy = scene.settings, scene.event.deploy
    shortly = scene.lasted.of(scene.lasted.times >= deploy - settings.recovery)
    if len(shortly) < settings.min_samples:
        return (
            False,
            f"only {len(shortly)} readings of the anomaly just before the deploy, {settings.min_samples} needed",
        )
    if _first_run(_back(scene, shortly.values), settings.holds) is not None:
        return False, f"it had come back by itself for a while in the {span(settings.recovery)} before the deploy"
    first = _for_good(_back(scene, scene.since.values), settings.holds)
    delay = math.inf if first is None else float(scene.since.times[first]) - deploy
    if delay > settings.recovery:
        late = "never for long" if math.isinf(delay) else f"{span(delay)} after the deploy"
        return False, f"it came back {late}; {span(settings.recovery)} is as far as a recovery is credited"
    if scene.easing(deploy + delay):
        return False, f"it was on its way back before the deploy, and back {span(delay)} after it"
    lasted = span(float(shortly.times[-1] - shortly.times[0]))
    timing = f"anomalous without a break for the last {lasted} before the deploy, back {span(delay)} after it"
    known = len(settings.unattended) >= FEWEST_ON_RECORD
    if not known and not by_timing:
        return False, f"{timing}, but fewer than {FEWEST_ON_RECORD} such anomalies are on record that nobody touched"
    if not known:
        return True, f"{timing}; recovered, attribution by timing only"
    record, age = settings.unattended, scene.event.age
    factor = WORKS / chance_of_ending(record, age, settings.recovery)
    usual = f"such anomalies last {span(float(np.mean(record)))} by themselves: Bayes factor {figure(factor)}"
    if factor < ENOUGH:
        return False, f"{timing}, but {usual}, under {ENOUGH:.0f}"
    chance = chance_of_ending(record, age, delay + scene.noise.step)
    if chance > BY_CHANCE:
        return False, f"{timing}, but {usual}, and {chance:.1%} of them at that age end so soon by themselves"
    return True, f"{timing}; {usual}"


def _back(scene: Scene, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which readings are on the normal side of the gap's middle."""
    return scene.sign * (values - scene.midpoint) < 0.0


def _for_good(back: npt.NDArray[np.bool_], length: int) -> int | None:
    """Where the first `length` readings in a row begin that are back, none of as many that are not coming later.

    Noise that dips for a while at the deploy is no recovery, if the anomaly then goes on.
    """
    away = _last_run(~back, length)
    rest = 0 if away is None else away + length
    first = _first_run(back[rest:], length)
    return None if first is None else rest + first


def _last_run(flags: npt.NDArray[np.bool_], length: int) -> int | None:
    """Where the last `length` true flags in a row begin."""
    first = _first_run(flags[::-1], length)
    return None if first is None else len(flags) - first - length


def _first_run(flags: npt.NDArray[np.bool_], length: int) -> int | None:
    """Where the first `length` true flags in a row begin."""
    if len(flags) < length:
        return None
    full = np.flatnonzero(np.convolve(flags, np.ones(length), mode="valid") >= length)
    return int(full[0]) if len(full) else None
