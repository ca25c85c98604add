"""Levels of a series with honest standard errors, by an AR(1) noise that is learnt on normal readings.

A reading that follows closely on another says little that is new. The noise of the normal readings is learnt as an
AR(1) process; a level is then the generalised least-squares mean of a stretch, from innovations that are clipped so
that one wild reading moves it little. Missing readings only lengthen the lag between two innovations. The model is
charged for what it does not know: for a short history (an upper limit of the variance instead of the variance), and
for its misfit (blocks of innovations that sum up to more than the model says, as a season or a drift makes them).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CLIP = 4.0  # innovations beyond this many standard deviations count as this many
_MAD = 1.4826  # median absolute deviation → standard deviation of a normal
_LARGEST_PHI = 0.995
_LOW_NORMAL = -1.645  # the 5% point: the variance is taken at its upper 95% limit
_FEWEST_FOR_OWN_SPREAD = 8
_SHORTEST_BLOCK = 8
_FEWEST_BLOCKS = 16
_RESOLUTION = 1e-6  # of the largest reading: what a constant series is taken to be read to
_TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How the readings of a series scatter when nothing is wrong, all in the series' unit.

    sd        marginal standard deviation, robust against outliers; never 0
    phi       lag-1 autocorrelation, in [0, 0.995], for readings `step` milliseconds apart
    charge    the factor (at least 1) on every standard error, for short history and for misfit
    constant  whether the readings did not move at all, so that `sd` is only the resolution they are read to
    """

    sd: float
    phi: float
    step: float
    charge: float
    samples: int
    constant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Where a stretch of readings lies, the variance of that estimate (unit squared), and the scatter it comes from."""

    mean: float
    variance: float
    samples: int
    sd: float


def learn_noise(times: Floats, values: Floats) -> Noise:
    """Learn the noise from normal readings: `times` ascending epoch ms, `values` finite, both of length T ≥ 3.

    Raises ValueError for fewer readings.
    """
    count = len(values)
    if count < 3:  # noqa: PLR2004 - two readings have a spread, and no autocorrelation
        raise ValueError(f"noise needs at least 3 readings, got {count}")
    gaps = np.diff(times)
    step = float(np.median(gaps))
    off = values - np.median(values)
    spread = _MAD * float(np.median(np.abs(off))) or float(np.std(off))
    off = np.clip(off, -CLIP * spread, CLIP * spread)
    off = off - float(np.mean(off))
    floor = max(_RESOLUTION * float(np.max(np.abs(values))), _TINY)
    variance = float(np.mean(off**2))
    if variance <= floor**2:
        return Noise(sd=floor, phi=0.0, step=step, charge=1.0, samples=count, constant=True)
    phi = _autocorrelation(off, _lags(times, step))
    fresh = max(count * (1 - phi) / (1 + phi), 2.0)  # as many independent readings as the mean is worth
    variance /= 1.0 - 1.0 / fresh
    freedom = max(count * (1 - phi**2) / (1 + phi**2) - 1.0, 2.0)
    misfit = _misfit(off, _lags(times, step), phi)
    charge = float(np.sqrt(misfit * freedom / _low_chi_square(freedom)))
    return Noise(sd=float(np.sqrt(variance)), phi=phi, step=step, charge=charge, samples=count, constant=False)


def level(times: Floats, values: Floats, noise: Noise) -> Level:
    """The level of a stretch: `times` ascending epoch ms, `values` finite, of equal length T.

    The stretch is never taken to be quieter than the noise; if its own innovations are wilder, theirs count. Raises
    ValueError for T = 0.
    """
    if len(values) == 0:
        raise ValueError("a level needs at least one reading")
    centre = float(np.median(values))
    off = values - centre
    carried = noise.phi ** _lags(times, noise.step)
    fresh = 1.0 - carried**2  # the share of the variance that is new in each innovation
    innovations = off[1:] - carried * off[:-1]
    sd = noise.sd
    if len(values) >= _FEWEST_FOR_OWN_SPREAD:
        sd = max(sd, _MAD * float(np.median(np.abs(innovations) / np.sqrt(fresh))))
    limit = CLIP * sd * np.sqrt(fresh)
    weights = (1.0 - carried) / fresh
    pull = float(np.clip(off[0], -CLIP * sd, CLIP * sd) + np.sum(weights * np.clip(innovations, -limit, limit)))
    information = 1.0 + float(np.sum(weights * (1.0 - carried)))
    return Level(
        mean=centre + pull / information,
        variance=(sd * noise.charge) ** 2 / information,
        samples=len(values),
        sd=sd,
    )


def _lags(times: Floats, step: float) -> Floats:
    """How many steps lie between each reading and the next, at least one: float64 [T - 1]."""
    return np.maximum(np.round(np.diff(times) / step), 1.0)


def _autocorrelation(off: Floats, lags: Floats) -> float:
    """Lag-1 autocorrelation of centred readings, corrected for its downward bias in short series (Kendall, 1954)."""
    neighbours = lags == 1.0
    count = len(off)
    pairs = int(neighbours.sum())
    if pairs == 0:
        return 0.0
    raw = float(np.sum(off[:-1][neighbours] * off[1:][neighbours])) / pairs / float(np.mean(off**2))
    return float(np.clip(raw + (1.0 + 3.0 * max(raw, 0.0)) / count, 0.0, _LARGEST_PHI))


def _misfit(off: Floats, lags: Floats, phi: float) -> float:
    """How many times more blocks of innovations vary than independent ones would, at the worst block length; ≥ 1."""
    carried = phi**lags
    innovations = (off[1:] - carried * off[:-1]) / np.sqrt(1.0 - carried**2)
    nominal = float(np.mean(innovations**2))
    worst = 1.0
    length = _SHORTEST_BLOCK
    while len(innovations) // length >= _FEWEST_BLOCKS:
        blocks = len(innovations) // length
        sums: Floats = innovations[-blocks * length :].reshape(blocks, length).sum(axis=1)
        worst = max(worst, float(np.mean(sums**2)) / (length * nominal))
        length *= 2
    return worst


def _low_chi_square(freedom: float) -> float:
    """The 5% quantile of chi-square, by Wilson and Hilferty (1931): 23% too low at 2 degrees of freedom, then exact."""
    part = 2.0 / (9.0 * freedom)
    return freedom * float(1.0 - part + _LOW_NORMAL * np.sqrt(part)) ** 3
