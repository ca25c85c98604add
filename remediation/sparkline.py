"""Readings as one line of text, for where no picture is shown."""

import numpy as np

from cases.telemetry import Floats

_BLOCKS = "▁▂▃▄▅▆▇█"
_MISSING = "·"


def sparkline(values: Floats, width: int = 40) -> str:
    """At most `width` characters: the mean of each stretch of readings [T] as a block; a dot where all are missing.

    The lowest block is the lowest mean, not zero. Raises ValueError for a width under 1.
    """
    if width < 1:
        raise ValueError(f"a sparkline is at least one character wide, got {width}")
    means = np.array([_mean(part) for part in np.array_split(values, min(width, len(values)))] if len(values) else [])
    present = np.isfinite(means)
    if not present.any():
        return _MISSING * len(means)
    low, high = float(means[present].min()), float(means[present].max())
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BLOCKS[round((mean - low) * scale)] if np.isfinite(mean) else _MISSING for mean in means)


def _mean(part: Floats) -> float:
    """The mean of the readings that are there; NaN for none."""
    present = part[np.isfinite(part)]
    return float(present.mean()) if len(present) else float("nan")
