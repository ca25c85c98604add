"""Shifts: how far each metric of each service moved with the incident, and when it began to. Pure numpy.

The score is BARO's (Pham et al., "BARO: robust root cause analysis for microservices", FSE 2024) made steadier: the
median of what came after the onset instead of its maximum, in robust deviations of what was before, and those with a
floor: a metric that never moved would otherwise make any crumb infinite.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cases.bundle import Readings, Series
from cases.telemetry import Floats, Millis
from detectors.robust import MAD_TO_SIGMA, median

FEWEST = 5
"""Readings that are needed on either side of the onset."""
CLEAR = 4.0
"""Deviations from which on a metric has moved."""

_RUN = 3  # readings in a row that begin a departure
_STILL = 0.6  # of the readings from there to the alert that are out as well
_RELATIVE_FLOOR = 0.02  # of a metric's own level, and of the usual level of that metric over all services
_CALM = 0.6  # of the readings before the alert that the first look takes for normal
_MOST_POINTS = 4_000  # readings of one metric that are looked at, the newest ones
_LARGEST = 1e12  # scores are finite
_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How one metric moved: `score` in deviations (0 or more), `up`, from what level to what; `onset` epoch ms.

    `onset` is None where it did not clearly leave its range and stay out of it. `step` is the grid, in ms.
    """

    service: str
    metric: str
    score: float
    up: bool
    before: float
    after: float
    onset: int | None
    step: int


def shifts(series: Series, fired: int) -> tuple[Shift, ...]:
    """The shift of every metric that has readings enough on both sides, the farthest first. `fired` is epoch ms."""
    levels = _levels(series)
    moved = [shift for key, each in series.items() if (shift := _shift(key, each, fired, levels[key[1]])) is not None]
    return tuple(sorted(moved, key=lambda shift: (-shift.score, shift.service, shift.metric)))


def onset_of(moved: Mapping[tuple[str, str], Shift], service: str, metric: str) -> int | None:
    """When the alert's own metric began to move: of its service any metric will do; epoch ms, None when none moved."""
    own = moved.get((service, metric))
    if own is not None and own.onset is not None:
        return own.onset
    others = [s.onset for s in moved.values() if s.service == service and s.onset is not None]
    return min(others, default=None)


def _levels(series: Series) -> dict[str, float]:
    """The usual level of each metric over the services that have it: what is much for one that is always zero."""
    found: dict[str, list[float]] = {}
    for (_, metric), each in series.items():
        found.setdefault(metric, []).append(
            float(np.median(np.abs(each.values[:_MOST_POINTS]))) if len(each.values) else 0
        )
    return {metric: float(np.median(values)) for metric, values in found.items()}


def _shift(key: tuple[str, str], each: Readings, fired: int, usual: float) -> Shift | None:
    times, values = each.times[-_MOST_POINTS:], each.values[-_MOST_POINTS:]
    calm = max(FEWEST, int(np.searchsorted(times, fired) * _CALM))
    if len(times) < calm + FEWEST:
        return None
    low, scale = _normal(values[:calm], usual)
    away = (values - low) / scale
    onset = _onset(times, away, fired)
    start = int(np.searchsorted(times, fired if onset is None else onset))
    start = min(max(start, FEWEST), len(times) - 1)
    before, scale = _normal(values[:start], usual)
    after = float(np.median(values[start:]))
    return Shift(
        service=key[0],
        metric=key[1],
        score=min(_LARGEST, abs(after - before) / scale),
        up=after > before,
        before=before,
        after=after,
        onset=onset,
        step=int(np.median(np.diff(times))),
    )


def _normal(values: Floats, usual: float) -> tuple[float, float]:
    """The level of the readings, and their deviation with its floor."""
    level = float(median(values))
    deviation = MAD_TO_SIGMA * float(median(np.abs(values - level)))
    low, high = np.quantile(values, [0.25, 0.75])
    return level, max(deviation, float(high - low) / 1.349, _RELATIVE_FLOOR * max(abs(level), usual), _TINY)


def _onset(times: Millis, away: Floats, fired: int) -> int | None:
    """The first of three readings in a row that are out, if most are out from there until the alert and a while after.

    The side must stay the same. Noise that leaves its range now and then does not stay out of it.
    """
    end = min(len(times), int(np.searchsorted(times, fired, side="right")) + FEWEST)
    for side in (1.0, -1.0) if np.max(away) >= -np.min(away) else (-1.0, 1.0):
        out = side * away[:end] > CLEAR
        if not np.any(out):
            continue
        share = np.cumsum(out[::-1])[::-1] / np.arange(end, 0, -1)
        run = np.convolve(out, np.ones(_RUN), mode="full")[_RUN - 1 :][:end] >= min(_RUN, end)
        begins = np.flatnonzero(run & (share >= _STILL))
        if len(begins):
            return int(times[begins[0]])
    return None
