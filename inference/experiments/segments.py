"""Effects per segment: several looks at the same experiment, so each says less than it would alone.

Which segments moved is told by Holm's steps over always-valid p-values, 1 / evidence, which hold whatever the segments
have to do with each other; their intervals are at the same chance of an error shared out evenly, so that all of them
cover at once and at every look. Whoever is found by an interval is found by the steps; where only the steps find a
segment, it moved, and how far is not known yet. Nothing is said of a segment with too few users to find the effect that
was planned for: "no effect" there would only mean that nobody could see one.
Sources: Holm (1979), "A simple sequentially rejective multiple test procedure"; Johari, Koomen, Pekelis and Walsh
(2022), "Always valid inference: continuous monitoring of A/B tests", for the p-values.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from inference.evidence import evidence
from inference.experiments import sequence
from inference.experiments.arm import Arm
from inference.experiments.lift import Lift, NoLift, lift

POWER = 0.8
"""The chance to find the planned effect at a single look that a segment's users have to give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What is known of one segment.

    found      its lift; None where nothing can be said of it yet, and `because` says why
    low, high  where the lift lies, for all segments at once and at every look; None as above
    evidence   against "no effect in this segment"; 1 where nothing is known
    moved      whether there is an effect, with the shared chance of an error
    needed     the users of both arms that it takes to find the planned effect, as far as is known; None: not known
    """

    found: Lift | None
    low: float | None = None
    high: float | None = None
    evidence: float = 1.0
    moved: bool = False
    needed: int | None = None
    because: str = ""


def effects(
    arms: Mapping[str, tuple[Arm, Arm]], *, planned: sequence.Sequence, effect: float, most: int
) -> dict[str, Segment]:
    """Segment → what is known of it, of (the control, the treated).

    planned  how the whole experiment is looked at; its alpha is shared by all segments
    effect   the least difference worth finding, in the metric's unit, above zero
    most     how many segments may ever be looked at, by the plan: a number that grew with the data would be too kind
    Raises ValueError where there are more segments than `most`, and for an effect that is not above zero.
    """
    if len(arms) > most:
        raise ValueError(f"{len(arms)} segments are more than the {most} that were planned")
    if not (effect > 0 and math.isfinite(effect)):
        raise ValueError(f"the least effect has to be above zero, got {effect!r}")
    own = sequence.Sequence(planned=max(1, planned.planned // most), alpha=planned.alpha / most)
    seen = {name: _seen(control, treated, own, effect) for name, (control, treated) in arms.items()}
    told = [name for name, segment in seen.items() if segment.found is not None]
    moved = holm([seen[name].evidence for name in told], planned.alpha, most)
    return seen | {name: replace(seen[name], moved=yes) for name, yes in zip(told, moved, strict=True)}


def holm(evidences: Sequence[float], alpha: float, most: int) -> list[bool]:
    """Which of several null hypotheses fall, with a chance of `alpha` that any true one does.

    evidences  one e-value each; `most` hypotheses there are in all, those that are not given do not fall
    Raises ValueError where more are given, and for an alpha outside (0, 1).
    """
    if len(evidences) > most or not 0 < alpha < 1:
        raise ValueError(f"at most {most} hypotheses and an alpha between 0 and 1, got {len(evidences)} and {alpha}")
    fallen = [False] * len(evidences)
    order = sorted(range(len(evidences)), key=lambda place: -evidences[place])
    for step, place in enumerate(order):
        if evidences[place] < (most - step) / alpha:
            break
        fallen[place] = True
    return fallen


def _seen(control: Arm, treated: Arm, own: sequence.Sequence, effect: float) -> Segment:
    """A segment by itself, at its share of the chance of an error."""
    fewest = min(control.users, treated.users)
    if fewest < sequence.FEWEST:
        return Segment(found=None, because=f"{fewest} users in the smaller arm, and {sequence.FEWEST} are the least")
    try:
        found = lift(control, treated)
    except NoLift as error:
        return Segment(found=None, because=str(error))
    needed = math.ceil(found.users * (_reach(own.alpha) * found.se / effect) ** 2)
    if found.users < needed:
        because = f"{found.users:,} users, and about {needed:,} are needed to find an effect of {effect:g}"
        return Segment(found=None, needed=needed, because=because)
    low, high = own.of(found)
    against = evidence(found.difference, 0.0, found.se, own.tau(found.se, found.users), one_sided=False)
    return Segment(found=found, low=low, high=high, evidence=against, needed=needed)


def _reach(alpha: float) -> float:
    """How many standard errors an effect has to be for a single look to find it."""
    from scipy.special import ndtri  # an idle daemon looks at no segment

    return float(ndtri(1 - alpha / 2) + ndtri(POWER))
