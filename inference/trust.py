"""What a run of outcomes is worth: a test martingale for "this does harm too often", looked at after each outcome.

The score starts at 1 and each outcome multiplies it. While the true rate of bad outcomes is `bar.most` or more, its
expectation never grows, so by Ville's inequality it ever reaches `ELIGIBLE` with a chance of at most 1/ELIGIBLE,
however often one looks. Pure Python: an idle daemon asks it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

ELIGIBLE = 20.0
"""The score from which on a class is eligible: one over the chance of an error, 5%."""
WINDOW = 10
"""How many of the newest outcomes are looked at for a demotion."""
TOO_MANY = 2
"""How many bad ones among them demote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What has to be refuted, and what is hoped for: both are shares of bad outcomes, 0 < hoped < most < 1."""

    most: float
    hoped: float

    def __post_init__(self) -> None:
        if not 0 < self.hoped < self.most < 1:
            raise ValueError(f"a bar needs 0 < hoped < most < 1, got {self.hoped} and {self.most}")

    @property
    def good(self) -> float:
        """What a good outcome multiplies the score by."""
        return (1 - self.hoped) / (1 - self.most)

    @property
    def bad(self) -> float:
        """What a bad one does."""
        return self.hoped / self.most


HARM = Bar(most=0.05, hoped=0.01)
"""Of merges: a clean one multiplies by 1.042, a bad one divides by 5; 73 clean ones in a row are eligible."""
REFUSAL = Bar(most=0.5, hoped=0.2)
"""Of proposals: an accepted one multiplies by 1.6, a refused one by 0.4; 7 accepted ones in a row are eligible."""


def after(score: float, bar: Bar, *, good: bool) -> float:
    """The score after one more outcome."""
    return score * (bar.good if good else bar.bad)


def scored(outcomes: Iterable[bool], bar: Bar) -> float:
    """The score of a run of outcomes, oldest first; True is a good one."""
    score = 1.0
    for good in outcomes:
        score = after(score, bar, good=good)
    return score


def wanting(score: float, bar: Bar) -> int:
    """How many good outcomes in a row bring the score to ELIGIBLE; 0 when it is there."""
    if score >= ELIGIBLE:
        return 0
    # A whole number may be missed by the last bit of a float: then one outcome more is asked for, never one less.
    return math.ceil(math.log(ELIGIBLE / score) / math.log(bar.good))


def too_many_bad(outcomes: Iterable[bool]) -> bool:
    """Whether the newest WINDOW outcomes hold TOO_MANY bad ones; oldest first, True is a good one."""
    newest = list(outcomes)[-WINDOW:]
    return newest.count(False) >= TOO_MANY
