"""The one formula: how far an estimate is from a reference, in a currency that survives being looked at all the time.

`evidence` is a normal-mixture e-value: if the reference is true, the chance that it ever reaches 1/alpha, however often
one looks, is at most alpha. `interval` is its inversion, so it covers at every look at once with chance 1 - alpha.
Source: Robbins (1970), "Statistical methods related to the law of the iterated logarithm"; Johari et al. (2022),
"Always valid inference"; Waudby-Smith et al. (2024), "Time-uniform central limit theory and asymptotic confidence
sequences". All of the validity rests on a right `se`: see `inference.levels`.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGEST = 1e300  # an e-value is capped here, so that it stays a number that can be stored and printed
_STEEPEST = 1e150  # standard errors beyond which nothing changes, and whose square is still a number
_FAR = -25.0  # left of this the tail of the normal is taken from its asymptotic series


def evidence(estimate: float, reference: float, se: float, tau: float, *, one_sided: bool) -> float:
    """The e-value against "the truth is `reference`", or with `one_sided` against "the truth is at most `reference`".

    estimate, reference, se, tau   all in the unit of the estimate; `tau` is the size of effect that is looked for
    Returns a number in (0, LARGEST]; act when it is at least 1/alpha. Raises ValueError for an se or tau that is not
    above zero, and for anything that is not a finite number.
    """
    return math.exp(min(log_evidence(estimate, reference, se, tau, one_sided=one_sided), math.log(LARGEST)))


def log_evidence(estimate: float, reference: float, se: float, tau: float, *, one_sided: bool) -> float:
    """The natural logarithm of `evidence`, without its cap. The same arguments and errors."""
    _check(se, tau, estimate, reference)
    ratio = tau / se
    length = math.hypot(1.0, ratio)  # sqrt(1 + r), also where r alone would overflow
    pull = (estimate - reference) / se * (ratio / length)
    pull = max(-_STEEPEST, min(pull, _STEEPEST))
    half_log = math.log(length)
    if not one_sided:
        return 0.5 * pull**2 - half_log
    return _tilted_tail(pull) - half_log


def log_evidences(estimates: Floats, references: Floats, se: Floats, tau: float) -> Floats:
    """`log_evidence`, one-sided, for many looks at once: all [L] but `tau`, all finite, `se` above zero."""
    lengths = np.hypot(1.0, tau / se)
    pulls = np.clip((estimates - references) / se * (tau / se / lengths), -_STEEPEST, _STEEPEST)
    return np.array([_tilted_tail(pull) for pull in pulls.tolist()]) - np.log(lengths)


def interval(estimate: float, se: float, tau: float, alpha: float) -> tuple[float, float]:
    """The two-sided always-valid interval at level 1 - alpha, in the unit of the estimate: (low, high).

    With one-sided evidence at level a, the interval at alpha = 2a tells the same story. Raises ValueError as `evidence`
    does, and for an alpha outside (0, 1).
    """
    _check(se, tau, estimate)
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha!r}")
    length = math.hypot(1.0, tau / se)  # sqrt(1 + r)
    radius = se * math.hypot(1.0, se / tau) * math.sqrt(2.0 * (math.log(length) - math.log(alpha)))
    return estimate - radius, estimate + radius


def _check(se: float, tau: float, *numbers: float) -> None:
    """Refuse what the formula has no answer for."""
    if not (math.isfinite(se) and math.isfinite(tau) and se > 0.0 and tau > 0.0):
        raise ValueError(f"a standard error and a tau must be finite and above zero, got se={se!r}, tau={tau!r}")
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"an estimate and its reference must be finite, got {numbers!r}")


def _tilted_tail(pull: float) -> float:
    """`ln(exp(pull² / 2) · 2Φ(pull))`, safe at both ends."""
    if pull < _FAR:  # the two factors overflow and underflow; their product is a plain series in 1/pull²
        inverse = 1.0 / pull**2
        return math.log(math.sqrt(2.0 / math.pi) / -pull) + math.log1p(-inverse + 3.0 * inverse**2)
    return 0.5 * pull**2 + math.log(math.erfc(-pull / math.sqrt(2.0)))
