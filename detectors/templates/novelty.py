"""Novelty: how much a template that was never seen before matters. Pure.

Rarity is the chance that the next line has a template that is new, after Good and Turing (Good, Biometrika 1953): the
share of lines whose template was seen only once. Where new ones come all the time, one more says nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from detectors.templates.levels import Level
from detectors.templates.mask import VALUE
from detectors.templates.mine import Template
from detectors.templates.tokens import Tokens

WARM_UP_LINES = 10_000
"""Entries before which everything is new, and nothing is told."""

_SURE = 1e-5  # a chance as small as this is as rare as rare gets
_WEIGHTS = {
    Level.FATAL: 1.0,
    Level.ERROR: 1.0,
    Level.WARNING: 0.6,
    Level.UNKNOWN: 0.4,
    Level.INFO: 0.3,
    Level.DEBUG: 0.1,
}
_LEAST_FOR_NEARNESS = 0.4  # an error that is worded like a known one is still new


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """A new template, how much it matters in [0, 1], and why.

    nearest   the known template that is most like it, or None
    distance  the share of words and signs that are not common to both, in [0, 1]
    """

    template: Template
    score: float
    nearest: Template | None
    distance: float
    reasons: tuple[str, ...]


def novelties(
    known: Sequence[Template], fresh: Iterable[Template], *, warm_up: int = WARM_UP_LINES
) -> tuple[Novelty, ...]:
    """Score the templates of `fresh` against those known before, the one that matters most first.

    Nothing before `warm_up` entries of known templates were seen. The score is rarity times the weight of the
    level, times 0.4 to 1 by distance.
    """
    lines = sum(one.count for one in known)
    if lines < warm_up:
        return ()
    chance = (sum(1 for one in known if one.count == 1) + 1) / (lines + 1)
    rarity = min(1.0, math.log(chance) / math.log(_SURE))
    return tuple(
        sorted((_scored(one, known, chance, rarity) for one in fresh), key=lambda one: (-one.score, one.template.id))
    )


def distance(one: Tokens, other: Tokens) -> float:
    """The share of words and signs that are not common to two templates: 0 for the same words, 1 for none."""
    words, others = set(one) - {VALUE}, set(other) - {VALUE}
    either = words | others
    return 1 - len(words & others) / len(either) if either else 0.0


def _scored(one: Template, known: Sequence[Template], chance: float, rarity: float) -> Novelty:
    nearest = min(known, key=lambda other: (distance(one.tokens, other.tokens), other.id), default=None)
    far = 1.0 if nearest is None else distance(one.tokens, nearest.tokens)
    weight = _WEIGHTS[one.level]
    like = "unlike any known" if nearest is None else f"{1 - far:.0%} like #{nearest.id}: {nearest.text}"
    return Novelty(
        template=one,
        score=rarity * weight * (_LEAST_FOR_NEARNESS + (1 - _LEAST_FOR_NEARNESS) * far),
        nearest=nearest,
        distance=far,
        reasons=(f"one line in {round(1 / chance)} has a template that is new", f"its level is {one.level}", like),
    )
