"""Whether a recovery may be credited to the deploy, or would have come by itself."""

import math

import numpy as np
import numpy.typing as npt

from inference.scene import Scene
from inference.words import figure, span

WORKS = 0.95  # the chance that a change which mends the cause is followed by recovery in time
ENOUGH = 10.0  # the Bayes factor against self-recovery that credits the change


def credit(scene: Scene) -> tuple[bool, str]:
    """Whether the change gets the credit for a gap that closed, and why or why not.

    The anomaly must have been there without a break before the deploy, must not have been on its way back already, and
    must have ended soon after the deploy. Where it is known how long such anomalies last unattended, the Bayes factor
    0.95 / (1 - exp(-w/m)) against self-recovery (w the time allowed, m that mean) must be 10 at the least.
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
    first = _first_run(_back(scene, scene.since.values), settings.holds)
    delay = math.inf if first is None else float(scene.since.times[first]) - deploy
    if delay > settings.recovery:
        late = "never for long" if math.isinf(delay) else f"{span(delay)} after the deploy"
        return False, f"it came back {late}; {span(settings.recovery)} is as far as a recovery is credited"
    if scene.easing(deploy + delay):
        return False, f"it was on its way back before the deploy, and back {span(delay)} after it"
    lasted = span(float(shortly.times[-1] - shortly.times[0]))
    timing = f"anomalous without a break for the last {lasted} before the deploy, back {span(delay)} after it"
    if settings.unattended is None:
        return True, f"{timing}; recovered, attribution by timing only"
    factor = WORKS / -math.expm1(-settings.recovery / settings.unattended)
    usual = f"such anomalies last {span(settings.unattended)} by themselves: Bayes factor {figure(factor)}"
    if factor < ENOUGH:
        return False, f"{timing}, but {usual}, under {ENOUGH:.0f}"
    return True, f"{timing}; {usual}"


def _back(scene: Scene, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which readings are on the normal side of the gap's middle."""
    return scene.sign * (values - scene.midpoint) < 0.0


def _first_run(flags: npt.NDArray[np.bool_], length: int) -> int | None:
    """Where the first `length` true flags in a row begin."""
    if len(flags) < length:
        return None
    full = np.flatnonzero(np.convolve(flags, np.ones(length), mode="valid") >= length)
    return int(full[0]) if len(full) else None
