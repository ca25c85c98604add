"""The chance that an experiment will yet clear its bar by the last user it may have: under 5% it is not worth going on.

The only place where a prior is used, and it can only end an experiment: nothing is ever scaled by it.
Source: Spiegelhalter, Freedman and Blackburn (1986), "Monitoring clinical trials: conditional or predictive power?".
"""

import math

from inference.experiments.sequence import Sequence

HOPELESS = 0.05
"""The chance under which an experiment is given up."""


def chance(
    estimate: float, se: float, users: int, *, bar: float, most: int, expected: float, sequence: Sequence
) -> float:
    """The chance that the sequence's lower end lies above `bar` once `most` users are in.

    estimate, se   now, after `users` of both arms
    expected       how large effects of this kind are: the deviation of a normal prior around zero, above zero
    It looks at the last user only, so it is a little less than the chance at any look before. Raises ValueError for an
    `se` or an `expected` that is not above zero.
    """
    if not (se > 0 and expected > 0):
        raise ValueError(f"a standard error and an expected effect above zero are needed, got {se} and {expected}")
    later = se * math.sqrt(users / max(most, users))
    low = sequence.around(0.0, later, max(most, users))[0]
    if most <= users:
        return float(estimate + low > bar)
    weight = expected**2 / (expected**2 + se**2)
    known, left = users / most, 1 - users / most
    mean = known * estimate + left * weight * estimate
    doubt = left**2 * (weight * se**2 + se**2 * users / (most - users))
    return 0.5 * math.erfc((bar - low - mean) / math.sqrt(2 * doubt))
