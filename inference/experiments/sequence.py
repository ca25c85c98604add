"""The confidence sequence of an experiment: an interval that covers at every look at once, however often one looks.

It is the one formula of `inference.evidence` with the width of its mixture tied to the users that were planned, so that
it is narrowest there. The variance is the one that is seen: the guarantee is of large samples, so nothing is said of
few users.
Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 52.
"""

import math
from dataclasses import dataclass

from inference.evidence import evidence, interval
from inference.experiments.lift import Lift

FEWEST = 100
"""Users an arm needs before anything is said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """How an experiment is looked at.

    planned  the users of both arms that its plan asks for
    alpha    the chance that the interval ever misses the truth
    """

    planned: int
    alpha: float

    def __post_init__(self) -> None:
        if self.planned < 1 or not 0 < self.alpha < 1:
            raise ValueError(f"a plan needs users and an alpha between 0 and 1, got {self.planned} and {self.alpha}")

    @property
    def mixing(self) -> float:
        """The variance of the mixture, a user: that which makes the interval narrowest at the planned users."""
        twice = -2 * math.log(self.alpha)
        return (twice + math.log1p(twice)) / self.planned

    def tau(self, se: float, users: int) -> float:
        """The size of effect that is looked for, in the unit of `se`, which holds for `users`."""
        return se * math.sqrt(users * self.mixing)

    def around(self, estimate: float, se: float, users: int) -> tuple[float, float]:
        """The two-sided interval now: (low, high). Raises ValueError for an `se` that is not above zero."""
        return interval(estimate, se, self.tau(se, users), self.alpha)

    def above(self, bar: float, estimate: float, se: float, users: int) -> float:
        """The evidence that the truth lies above `bar`: at least 1/alpha with a chance of alpha where it does not."""
        return evidence(estimate, bar, se, self.tau(se, users), one_sided=True)

    def below(self, bar: float, estimate: float, se: float, users: int) -> float:
        """The evidence that the truth lies below `bar`."""
        return evidence(-estimate, -bar, se, self.tau(se, users), one_sided=True)

    def of(self, found: Lift) -> tuple[float, float]:
        """The interval of a lift's difference."""
        return self.around(found.difference, found.se, found.users)


def planned_users(effect: float, deviation: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """The users of both arms, in halves, that a single look needs to find `effect` with that `power`.

    effect, deviation  the least difference worth finding and a user's standard deviation, in the metric's unit
    Raises ValueError unless both are above zero.
    """
    if not (effect > 0 and deviation > 0):
        raise ValueError(f"an effect and a deviation above zero are needed, got {effect} and {deviation}")
    from scipy.special import ndtri  # an idle daemon plans nothing

    reach = float(ndtri(1 - alpha / 2) + ndtri(power))
    return 2 * math.ceil(2 * (reach * deviation / effect) ** 2)


def least_effect(users: int, deviation: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The least difference that a single look at `users`, in halves, finds with that `power`: its inverse."""
    if not (users > 1 and deviation > 0):
        raise ValueError(f"users and a deviation above zero are needed, got {users} and {deviation}")
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2) + ndtri(power)) * deviation * math.sqrt(4 / users)
