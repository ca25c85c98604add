"""What kind of number a series holds, and the scale on which its noise is about the same at every level."""

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Kind: TypeAlias = Literal["gauge", "count", "latency", "ratio"]
"""gauge: as it is. count: events a reading, by square root (Anscombe, 1948). latency: above 0, by logarithm.
ratio: a share in [0, 1], by logit."""

KINDS: tuple[Kind, ...] = ("gauge", "count", "latency", "ratio")
LARGEST = 1e100  # readings beyond this count as this: squares of them are still numbers
_ANSCOMBE = 0.375
_NEAREST = 1e-4  # how near to 0 and 1 a share may come, at the least: beyond, the logit runs away


def forward(values: Floats, kind: Kind, *, nearest: float = _NEAREST) -> Floats:
    """Readings on the even scale; NaN for what such a series cannot hold (a latency that is not above 0)."""
    bounded = np.clip(values, -LARGEST, LARGEST)
    if kind == "gauge":
        return bounded
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "count":
            return np.where(bounded >= 0.0, 2.0 * np.sqrt(np.maximum(bounded, 0.0) + _ANSCOMBE), np.nan)
        if kind == "latency":
            return np.where(bounded > 0.0, np.log(np.maximum(bounded, np.finfo(np.float64).tiny)), np.nan)
        share = np.clip(bounded, nearest, 1.0 - nearest)
        return np.where((bounded >= 0.0) & (bounded <= 1.0), np.log(share / (1.0 - share)), np.nan)


def back(scaled: Floats, kind: Kind) -> Floats:
    """From the even scale to the series' own unit."""
    if kind == "gauge":
        return scaled
    if kind == "count":
        return np.maximum((np.maximum(scaled, 0.0) / 2.0) ** 2 - _ANSCOMBE, 0.0)
    if kind == "latency":
        return np.exp(np.clip(scaled, -230.0, 230.0))
    return 1.0 / (1.0 + np.exp(-np.clip(scaled, -230.0, 230.0)))


def nearest_of(values: Floats) -> float:
    """How near to 0 and 1 the shares of a history come: half of the smallest distance that is there, within bounds."""
    apart = np.minimum(values, 1.0 - values)
    apart = apart[(apart > 0.0) & (apart <= 0.5)]  # noqa: PLR2004 - a half is as far as a share can be from both
    return float(np.clip(np.percentile(apart, 1) / 2.0, _NEAREST, 0.05)) if len(apart) else _NEAREST
