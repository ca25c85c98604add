"""The lift: how much the treated users differ from the control, with its standard error.

A mean, a share, or a ratio of two sums over users, which is made linear by the delta method (Deng, Knoblich and Lu
2018, "Applying the delta method in metric analytics"). Where each user's value before the experiment is known, what it
explains is taken out (Deng, Xu, Kohavi and Walker 2013, "Improving the sensitivity of online controlled experiments by
utilizing pre-experiment data"): that moves no estimate in the long run, and narrows it.
"""

import math
from dataclasses import dataclass

from inference.experiments.arm import BASE, BEFORE, VALUE, Arm


class NoLift(ValueError):  # noqa: N818 - it is an answer, and reads as one where it is raised
    """Nothing can be said of these arms yet; the text is one sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """How the treated differ from the control.

    control, treated   the level of each arm, in the metric's unit
    difference, se     treated minus control, and its standard error
    relative, relative_se   the difference as a share of the control's level; None where that is no share
    users              of both arms
    explained          the share of the variance that the values from before took out, 0 without any
    """

    control: float
    treated: float
    difference: float
    se: float
    relative: float | None
    relative_se: float | None
    users: int
    explained: float


def lift(control: Arm, treated: Arm) -> Lift:
    """The lift of `treated` over `control`. Raises NoLift, and ValueError where they have other columns."""
    if control.columns != treated.columns:
        raise ValueError(f"arms of {control.columns} and of {treated.columns} cannot be compared")
    for name, arm in (("control", control), ("treated", treated)):
        if arm.users < 2:  # noqa: PLR2004 - one user has no variance
            raise NoLift(f"the {name} arm has {arm.users} users, and two are the least")
        if BASE in arm.columns and arm.mean(BASE) <= 0:
            raise NoLift(f"what the {name} arm's values are divided by is not above zero")
    lines = _Line(control), _Line(treated)
    slope = _slope(*lines)
    middle = _middle(control, treated)
    levels = [line.level - slope * (line.before - middle) for line in lines]
    squares = [line.variance(slope) / line.arm.users for line in lines]
    plain = [line.variance(0.0) / line.arm.users for line in lines]
    total = sum(squares)
    if not total > 0:
        raise NoLift("the values of neither arm differ among each other")
    level, other = levels
    relative = relative_se = None
    if level > 0:
        relative = other / level - 1
        relative_se = math.sqrt(squares[1] + (other / level) ** 2 * squares[0]) / level
    return Lift(
        control=level,
        treated=other,
        difference=other - level,
        se=math.sqrt(total),
        relative=relative,
        relative_se=relative_se,
        users=control.users + treated.users,
        explained=max(0.0, 1 - total / sum(plain)),
    )


class _Line:
    """An arm made linear: each user's part in the level of the arm."""

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self._by = arm.mean(BASE) if BASE in arm.columns else 1.0
        self.level = arm.mean(VALUE) / self._by
        self.before = arm.mean(BEFORE) if BEFORE in arm.columns else 0.0
        self.own = arm.between(VALUE, VALUE)
        if BASE in arm.columns:
            crossed, base = arm.between(VALUE, BASE), arm.between(BASE, BASE)
            self.own = max(0.0, self.own - 2 * self.level * crossed + self.level**2 * base) / self._by**2

    @property
    def with_before(self) -> float:
        """The covariance of a user's part with their value before."""
        if BEFORE not in self.arm.columns:
            return 0.0
        found = self.arm.between(VALUE, BEFORE)
        if BASE in self.arm.columns:
            found -= self.level * self.arm.between(BASE, BEFORE)
        return found / self._by

    def variance(self, slope: float) -> float:
        """Of a user's part, less `slope` times their value before."""
        if not slope:
            return self.own
        before = self.arm.between(BEFORE, BEFORE)
        return max(0.0, self.own - 2 * slope * self.with_before + slope**2 * before)


def _slope(*lines: _Line) -> float:
    """How much of a value before there is in a value now, over both arms."""
    if BEFORE not in lines[0].arm.columns:
        return 0.0
    weights = [line.arm.users - 1 for line in lines]
    spread = sum(weight * line.arm.between(BEFORE, BEFORE) for weight, line in zip(weights, lines, strict=True))
    crossed = sum(weight * line.with_before for weight, line in zip(weights, lines, strict=True))
    return crossed / spread if spread > 0 else 0.0


def _middle(*arms: Arm) -> float:
    """The mean of the values before, over both arms."""
    if BEFORE not in arms[0].columns:
        return 0.0
    return sum(arm.users * arm.mean(BEFORE) for arm in arms) / sum(arm.users for arm in arms)
