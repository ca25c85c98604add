"""Shifts: how far each metric of each service moved with the incident, and when it began to. Pure numpy.

The score is BARO's (Pham et al., "BARO: robust root cause analysis for microservices", FSE 2024) made steadier: the
median of what came after the onset instead of its maximum, in robust deviations of what was before, and those with a
floor: a metric that never moved would otherwise make any crumb infinite.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cases.bundle import Series
from cases.telemetry import Floats, Millis
from detectors.robust import MAD_TO_SIGMA, median, quantiles

FEWEST = 5
"""Readings that are needed on either side of the onset."""
CLEAR = 4.0
"""Deviations from which on a metric has moved."""

_RUN = 3  # readings in a row that begin a departure
_STILL = 0.6  # of the readings from there to the alert that are out as well
_RELATIVE_FLOOR = 0.02  # of a metric's own level, and of the usual level of that metric over all services
_CALM = 0.6  # of the readings before the alert that the first look takes for normal
_MOST_POINTS = 2_000  # readings of one metric that are looked at, the newest ones
_LARGEST = 1e12  # scores are finite
_TINY = 1e-9
_IQR_IN_SIGMAS = 1.349

Places = npt.NDArray[np.intp]


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
    grids: dict[bytes, list[tuple[str, str]]] = {}
    for key, each in series.items():
        if len(each.times) >= 2 * FEWEST:
            grids.setdefault(each.times[-_MOST_POINTS:].tobytes(), []).append(key)
    usual = _usual(series, grids)
    moved: list[Shift] = []
    for keys in grids.values():
        times = series[keys[0]].times[-_MOST_POINTS:]
        values = np.stack([series[key].values[-_MOST_POINTS:] for key in keys])
        moved += _of_grid(keys, times, values, np.array([usual[metric] for _, metric in keys]), fired)
    return tuple(sorted(moved, key=lambda shift: (-shift.score, shift.service, shift.metric)))


def onset_of(moved: Mapping[tuple[str, str], Shift], service: str, metric: str) -> int | None:
    """When the alert's own metric began to move: of its service any metric will do; epoch ms, None when none moved."""
    own = moved.get((service, metric))
    if own is not None and own.onset is not None:
        return own.onset
    others = [s.onset for s in moved.values() if s.service == service and s.onset is not None]
    return min(others, default=None)


def _usual(series: Series, grids: Mapping[bytes, Sequence[tuple[str, str]]]) -> dict[str, float]:
    """The usual level of each metric over the services that have it: what is much for one that is always zero."""
    found: dict[str, list[float]] = {}
    for keys in grids.values():
        levels = median(np.abs(np.stack([series[key].values[-_MOST_POINTS:] for key in keys])))
        for (_, metric), level in zip(keys, levels, strict=True):
            found.setdefault(metric, []).append(float(level))
    return {metric: float(np.median(values)) for metric, values in found.items()}


def _of_grid(
    keys: Sequence[tuple[str, str]], times: Millis, values: Floats, usual: Floats, fired: int
) -> Iterator[Shift]:
    """The shifts of the metrics that were read at the same moments; values [S, T], usual [S]."""
    calm = max(FEWEST, int(np.searchsorted(times, fired) * _CALM))
    if len(times) < calm + FEWEST:
        return
    level, scale = _normal(values[:, :calm], usual)
    onsets = _onsets(times, (values - level[:, None]) / scale[:, None], fired)
    starts = np.where(onsets >= 0, onsets, int(np.searchsorted(times, fired)))
    starts = np.minimum(np.maximum(starts, FEWEST), len(times) - 1)[:, None]
    places = np.arange(len(times))[None, :]
    before, scale = _normal(np.where(places < starts, values, np.nan), usual)
    after = median(np.where(places >= starts, values, np.nan))
    scores = np.minimum(_LARGEST, np.abs(after - before) / scale)
    step = int(np.median(np.diff(times)))
    for row, (service, metric) in enumerate(keys):
        yield Shift(
            service=service,
            metric=metric,
            score=float(scores[row]),
            up=bool(after[row] > before[row]),
            before=float(before[row]),
            after=float(after[row]),
            onset=int(times[onsets[row]]) if onsets[row] >= 0 else None,
            step=step,
        )


def _normal(values: Floats, usual: Floats) -> tuple[Floats, Floats]:
    """The levels of rows of readings, and their deviations with the floor; NaN is no reading."""
    low, level, high = quantiles(values, 0.25, 0.5, 0.75)
    deviation = MAD_TO_SIGMA * median(np.abs(values - level[:, None]))
    floor = np.maximum(_RELATIVE_FLOOR * np.maximum(np.abs(level), usual), _TINY)
    return level, np.maximum(np.maximum(deviation, (high - low) / _IQR_IN_SIGMAS), floor)


def _onsets(times: Millis, away: Floats, fired: int) -> Places:
    """For each row the first of three readings that are out, if most are out from there until a while after the alert.

    The side must stay the same. Noise that leaves its range now and then does not stay out of it. -1 for none.
    """
    end = min(len(times), int(np.searchsorted(times, fired, side="right")) + FEWEST)
    side = np.where(np.max(away, axis=1) >= -np.min(away, axis=1), 1.0, -1.0)[:, None]
    out = side * away[:, :end] > CLEAR
    share = np.cumsum(out[:, ::-1], axis=1)[:, ::-1] / np.arange(end, 0, -1)
    run = out.copy()
    for later in range(1, min(_RUN, end)):
        run[:, :-later] &= out[:, later:]
    begins = run & (share >= _STILL)
    return np.where(np.any(begins, axis=1), np.argmax(begins, axis=1), -1)
