"""How long anomalies last that nobody touches, from the few on record: what a recovery after a deploy is held against.

Two guesses at the next one's duration, both with the uncertainty of a short record. Were durations exponential, what is
left of one would not depend on its age: n durations of sum S leave (S / (S + t))^n beyond t (Lomax, 1954). Were they
lognormal, the logarithm of the next one follows Student's t, and its age tells: those that usually end after twelve
hours are due then, and of those that mostly end at once an old one goes on. Neither family is known to hold, so the
guess that has it end sooner counts.
"""

import math
from collections.abc import Sequence

FEWEST_ON_RECORD = 5  # durations, without which neither guess is worth much
_LEAST_SPREAD = 0.05  # of the logarithms: no record of a handful shows that durations are more alike than that


def chance_of_ending(record: Sequence[float], age: float, within: float) -> float:
    """The chance that an anomaly of this age ends by itself within so much more: in [0, 1].

    All in one unit of time; `record` has two durations at the least, each above 0, and `age` is above 0. Raises
    ValueError for what is not.
    """
    if len(record) < 2 or not min(record) > 0.0 or not age > 0.0 or not within >= 0.0:  # noqa: PLR2004 - for a spread
        raise ValueError(f"needed: two durations, all above 0; got {record!r}, age {age!r}, within {within!r}")
    return max(_ageless(record, within), _aging(record, age, within))


def _ageless(record: Sequence[float], within: float) -> float:
    return -math.expm1(-len(record) * math.log1p(within / math.fsum(record)))


def _aging(record: Sequence[float], age: float, within: float) -> float:
    from scipy.special import stdtr  # half a second to import, for what is asked after a recovery

    count = len(record)
    logs = [math.log(duration) for duration in record]
    middle = math.fsum(logs) / count
    spread = math.sqrt(math.fsum((one - middle) ** 2 for one in logs) / (count - 1))
    width = max(spread, _LEAST_SPREAD) * math.sqrt(1.0 + 1.0 / count)
    now, then = (float(stdtr(count - 1, (middle - math.log(at)) / width)) for at in (age, age + within))
    return 1.0 - then / now if now > 0.0 else 1.0  # so old that the record says nothing of it
