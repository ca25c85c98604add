"""Departures: what the engine and the forecast band see together, and how much each is worth.

Two witnesses look at every reading. The engine (`detectors.engine`) says how unheard of it is for its series, the band
(`detectors.seasonal`) whether it is out of what two weeks make normal. A departure is a stretch of consecutive readings
of which each is noticed by one of them, on one side. It is worth the most that the engine said of it, and `AGREE` more
once the band has confirmed it: what both see is hardly ever noise, so half as loud a voice is enough. While the engine
has nothing to go by yet, the band alone decides. It is worth nothing before `confirm` readings in a row were clearly
away by themselves: what an odd scrape leaves behind in the engine's levels is no trouble.

A departure is told when it is worth as much as the service's alert budget asks for (`detectors.allowance`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import from_milliseconds
from cases.telemetry import Direction, Floats, Mask, SeriesBlock
from detectors.baseline import Baseline
from detectors.engine.judged import Judged
from detectors.runs import Run, onset_bound_s, onset_late_s, runs, walked_back
from detectors.seasonal import DEPARTING, EDGE, band, scores, sides

Places = npt.NDArray[np.intp]

UNUSUAL, ALONE = 0.3, 0.5
"""The engine's score from which a reading may be part of a departure, and from which it would raise an alert alone."""

NEAR, CLEAR = 0.5, 1.5
"""How many mean distances from its forecast a reading of a departure must be, and from which on it is clearly away: of
Gaussian noise one reading in three and one in nine are, on either side."""

AGREE = 0.2
"""What the band's word adds: of made-up incidents three in four are then found at 0.1 false alerts a series and week
(`benchmarks/detection/witnesses.py`)."""

WORTH = 0.55
"""What a departure must be worth until a service's budget says otherwise."""

_MOST = 0.99
_FIRST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """What the engine made of the readings of a block, each as it came: float64 [S, T].

    raw       in [0, 1], before de-duplication; 0 where nothing is said
    expected  the forecast that the reading was held against, in the signal's unit; NaN where there was none
    spread    the mean distance of the series' readings from it, likewise
    """

    raw: Floats
    expected: Floats
    spread: Floats

    @classmethod
    def nothing(cls, shape: tuple[int, int]) -> Self:
        """Nothing said of a block of that shape."""
        return cls(raw=np.zeros(shape), expected=np.full(shape, np.nan), spread=np.full(shape, np.nan))

    @classmethod
    def of(cls, judged: Judged, shape: tuple[int, int]) -> Self:
        """What the engine said of a stretch of readings of that shape."""
        return cls(**{name: getattr(judged, name).reshape(shape[::-1]).T for name in _NAMES})

    def part(self, rows: Places, columns: Places) -> Self:
        """What was said of some series at some times."""
        return type(self)(**{name: getattr(self, name)[np.ix_(rows, columns)] for name in _NAMES})

    def put(self, rows: Places, columns: Places, said: "Trace") -> None:
        """Note what was said of some series at some times."""
        for name in _NAMES:
            getattr(self, name)[np.ix_(rows, columns)] = getattr(said, name)


_NAMES = ("raw", "expected", "spread")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Departure:
    """One stretch of one series, on one side.

    row     of the block
    run     where it began, was confirmed, and ends
    places  columns [K] of its readings from the run's first on
    worths  float64 [K], climbing: what it was worth by then; 0 before it was confirmed
    """

    row: int
    direction: Direction
    run: Run
    places: tuple[int, ...]
    worths: Floats
    agreed: Mask

    @property
    def peak(self) -> float:
        """The most that it was worth."""
        return float(self.worths[-1])

    def told(self, worth: float) -> int | None:
        """The column at which it was worth that much; None when it never was."""
        over = np.flatnonzero(self.worths >= max(worth, _FIRST))
        return self.places[int(over[0])] if len(over) else None


def departures(
    recent: SeriesBlock, trace: Trace, baseline: Baseline | None, *, confirm: int, ongoing: bool = True
) -> tuple[Departure, ...]:
    """The departures of at least `confirm` consecutive readings, by series; none from a partial block.

    With `ongoing` only those that hold at the series' newest sample. Raises ValueError for a trace of another block.
    """
    if trace.raw.shape != recent.values.shape:
        raise ValueError(f"a trace of {trace.raw.shape} belongs to no block of {recent.values.shape}")
    if recent.partial:
        return ()
    return tuple(
        departure
        for side in sides(recent)
        for departure in _on_side(recent, trace, baseline, side, confirm=confirm, ongoing=ongoing)
    )


def anomaly_of(
    departure: Departure, recent: SeriesBlock, trace: Trace, baseline: Baseline | None, *, at: int
) -> Anomaly:
    """The departure as it was told at a column of the block.

    Against the forecast band where that has confirmed it; else against the engine's forecast, give or take about as
    much as is worth one half: where the engine alone would just have raised an alert.
    """
    row, place = departure.row, departure.places.index(at)
    value, worth = float(recent.values[row, at]), float(departure.worths[place])
    by_band = baseline is not None and bool(departure.agreed[place])
    if baseline is not None and by_band:
        low, expected, high = (float(side[row, at]) for side in band(baseline, recent))
    else:
        expected = float(trace.expected[row, at])
        half = abs(value - expected) * (1 - worth) / worth
        low, high = expected - half, expected + half
    return Anomaly(
        signal=recent.signal,
        labels=recent.labels[row],
        detector="seasonal" if by_band else "streaming",
        kind=AnomalyKind.LEVEL,
        direction=departure.direction,
        onset=from_milliseconds(int(recent.times[departure.run.first])),
        onset_bound_s=onset_bound_s(departure.run, recent.times),
        onset_late_s=onset_late_s(departure.run, recent.times),
        detected=from_milliseconds(int(recent.times[at])),
        value=value,
        expected=expected,
        low=low,
        high=high,
        score=min(worth, _MOST),
    )


def _on_side(
    recent: SeriesBlock, trace: Trace, baseline: Baseline | None, side: Direction, *, confirm: int, ongoing: bool
) -> Iterator[Departure]:
    out, departing = _by_band(recent, baseline, side)
    with np.errstate(invalid="ignore"):
        away = recent.values - trace.expected if side is Direction.UP else trace.expected - recent.values
        unusual = (trace.raw >= UNUSUAL) & (away >= NEAR * trace.spread)
        clear = out | (unusual & (away >= CLEAR * trace.spread))
        sure = out | ((trace.raw >= ALONE) & (away > 0))
    noticed = out | unusual
    for row in np.flatnonzero(np.sum(noticed, axis=1) >= confirm).tolist():
        missing = recent.missing[row]
        for run in runs(noticed[row], missing, recent.times, confirm=confirm, ongoing=ongoing):
            places = np.arange(run.first, run.last + 1)
            places = places[~missing[places]]
            said = np.where(away[row, places] > 0, trace.raw[row, places], 0.0)
            agreed = _confirmed(out[row, places], confirm)
            begun = _begun(run, clear[row], sure[row], missing)
            yield Departure(
                row=row,
                direction=side,
                run=walked_back(begun, departing[row], missing),
                places=tuple(places.tolist()),
                worths=_worths(said, agreed, _confirmed(clear[row, places], confirm)),
                agreed=agreed,
            )


def _begun(run: Run, clear: Mask, sure: Mask, missing: Mask) -> Run:
    """The run from its first reading that was clearly away: those before it may be noise, while levels still move.

    For sure it had begun where one alone would have raised an alert; if none would have, where it was confirmed.
    """
    first = run.first + int(np.argmax(clear[run.first : run.last + 1]))  # itself where none was
    loud = np.flatnonzero(sure[first : run.last + 1])
    before = np.flatnonzero(~missing[:first])
    return replace(
        run,
        first=first,
        sure=first + int(loud[0]) if len(loud) else max(first, run.confirmed),
        before=int(before[-1]) if len(before) else None,
    )


def _by_band(recent: SeriesBlock, baseline: Baseline | None, side: Direction) -> tuple[Mask, Mask]:
    """(out of the band, on the way there), each bool [S, T]."""
    if baseline is None or baseline.partial:
        nothing = np.zeros(recent.values.shape, dtype=np.bool_)
        return nothing, nothing
    far = scores(baseline, recent, side)
    with np.errstate(invalid="ignore"):
        return far > EDGE, far > DEPARTING


def _confirmed(out: Mask, confirm: int) -> Mask:
    """Where [K] so many consecutive readings had been out by then."""
    since = np.arange(len(out)) - np.maximum.accumulate(np.where(out, -1, np.arange(len(out))))
    return np.logical_or.accumulate(since >= confirm)


def _worths(said: Floats, agreed: Mask, held: Mask) -> Floats:
    """What a departure [K] was worth by each of its readings; never less than before."""
    loudest = np.maximum.accumulate(said)
    worth = np.where(loudest > 0, loudest + AGREE * agreed, np.where(agreed, 1.0, 0.0))
    return np.maximum.accumulate(np.where(held, worth, 0.0))
