"""How well a strategy does, by a hierarchy of Beta-Binomials: what is known widely is the prior of what is narrower.

A strategy's record everywhere pulls on its record for a class of trouble, and that on its record in one service. So one
success in a service moves little where the strategy is well known, and much where it is not. It orders what is tried
first, and is never a reason to do more unasked. Pure Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass

PRIOR = 0.5
"""What is expected of a strategy that was never tried."""
STRENGTH = 4.0
"""How many outcomes the wider level counts for at the narrower one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one level has seen: `tries` weighted outcomes, of which `worked` did."""

    worked: float = 0.0
    tries: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.worked <= self.tries:
            raise ValueError(f"a tally has at most as many successes as tries, got {self.worked} of {self.tries}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The record at one level, with what the wider ones told: a Beta distribution."""

    mean: float
    strength: float  # alpha + beta


def posterior(levels: Sequence[Tally], prior: float = PRIOR, strength: float = STRENGTH) -> Level:
    """The belief at the narrowest of the levels, widest first, each counting only what it saw itself."""
    belief = Level(mean=prior, strength=strength)
    for tally in levels:
        total = strength + tally.tries
        belief = Level(mean=(belief.mean * strength + tally.worked) / total, strength=total)
    return belief
