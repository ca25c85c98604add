"""What an experiment does to users of each value of a property, beside what it does to everybody.

The values share the chance of an error, so each says less than it would alone (`inference.experiments.segments`).
None of it decides anything: a segment that is harmed is told of, and a human decides.
"""

from dataclasses import dataclass

import numpy as np

from cases.goal import Goal
from cases.measure import EVERYBODY, OTHERS, SegmentEffect, Segments, Tally, Users
from config.experiments import ExperimentsSettings
from inference.experiments.arm import Arm
from inference.experiments.segments import Segment, effects
from inference.experiments.sequence import FEWEST, Sequence

_SEVERAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """By which property users are told apart, and how many of its values share the chance of an error."""

    by: str
    most: int


def asked(goal: Goal, wanted: ExperimentsSettings) -> Asked | None:
    """What the configuration says; without a word there, the one property of which the goal names several values."""
    if wanted.by is not None:
        named = goal.segment.get(wanted.by, ())
        return Asked(by=wanted.by, most=len(named) or wanted.by_most)
    several = [(name, len(values)) for name, values in goal.segment.items() if len(values) >= _SEVERAL]
    if len(several) != 1:
        return None
    ((by, most),) = several
    return Asked(by=by, most=most)


def apart(
    users: Users, goal: Goal, variants: tuple[str, str], parts: Asked, planned: Sequence, least: float
) -> Segments:
    """The effects in each segment, by its name. More is better: the sign of a goal that wants less is turned here.

    variants  the control and the treated one
    planned   how the whole experiment is looked at; `least` the difference that is worth finding
    """
    names = sorted({segment for segment, _, _ in users.tallies} - {EVERYBODY, OTHERS})
    arms = {name: pair for name in names if (pair := _arms(users, name, goal.signal, variants)) is not None}
    few = {name: min(pair[0].users, pair[1].users) for name, pair in arms.items()}
    enough = {name: arms[name] for name, count in few.items() if count >= FEWEST}
    if len(enough) > parts.most:
        because = f"{len(enough)} values of {parts.by} have users enough, and {parts.most} share the chance of an error"
        return Segments(by=parts.by, most=parts.most, because=because)
    found = effects(enough, planned=planned, effect=least, most=parts.most)
    too_few = f"fewer than {FEWEST} users in an arm"
    sign = 1.0 if goal.up else -1.0
    return Segments(
        by=parts.by,
        most=parts.most,
        effects=tuple(
            _effect(name, pair, found.get(name) or Segment(found=None, because=too_few), sign)
            for name, pair in arms.items()
        ),
    )


def arm_of(tally: Tally | None) -> Arm | None:
    """The sums as statistics read them."""
    if tally is None:
        return None
    return Arm(
        columns=tally.columns,
        users=tally.users,
        means=np.array(tally.means, dtype=np.float64),
        scatter=np.array(tally.scatter, dtype=np.float64),
    )


def _arms(users: Users, segment: str, signal: str, variants: tuple[str, str]) -> tuple[Arm, Arm] | None:
    control, treated = (arm_of(users.tallies.get((segment, signal, variant))) for variant in variants)
    return None if control is None or treated is None else (control, treated)


def _effect(name: str, pair: tuple[Arm, Arm], known: Segment, sign: float) -> SegmentEffect:
    counts = (pair[0].users, pair[1].users)
    if known.found is None or known.low is None or known.high is None:
        return SegmentEffect(segment=name, users=counts, because=known.because)
    low, high = sorted((sign * known.low, sign * known.high))
    return SegmentEffect(segment=name, users=counts, lift=sign * known.found.difference, low=low, high=high)
