"""Threshold: the operator said where harm begins. No history is needed and none is used."""

from collections.abc import Mapping

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import from_milliseconds
from cases.telemetry import Direction, Floats, Mask, SeriesBlock
from detectors.runs import Run, onset_bound_s, runs, score


def beyond(block: SeriesBlock) -> Mask:
    """Where the readings [S, T] are past the signal's threshold, on its harm side (up when none is said).

    The threshold itself is still allowed. Raises ValueError for a signal that has none.
    """
    signal = block.signal
    if signal.threshold is None:
        raise ValueError(f"{signal.key} has no threshold")
    with np.errstate(invalid="ignore"):
        past = block.values < signal.threshold if signal.harm is Direction.DOWN else block.values > signal.threshold
    return past & ~block.missing


def detect_threshold(block: SeriesBlock, *, confirm: int, ongoing: bool = True) -> tuple[Anomaly, ...]:
    """One anomaly for each series with `confirm` consecutive samples past the threshold, none from a partial block.

    Dated at the first of them, detected at the last of the `confirm`. With `ongoing` (what a poll wants) only what
    still holds at the series' newest sample; without it (what a backtest wants) every run in the block, in order.
    """
    past = beyond(block)
    if block.partial:
        return ()
    return tuple(
        _anomaly(block, labels, block.values[row], run)
        for row, labels in enumerate(block.labels)
        for run in runs(past[row], block.missing[row], block.times, confirm=confirm, ongoing=ongoing)
    )


def _anomaly(block: SeriesBlock, labels: Mapping[str, str], values: Floats, run: Run) -> Anomaly:
    threshold = block.signal.threshold
    if threshold is None:
        raise ValueError(f"{block.signal.key} has no threshold")
    value = float(values[run.confirmed])
    distance = abs(value - threshold) / max(abs(threshold), abs(value))  # the two differ, so one of them is not zero
    return Anomaly(
        signal=block.signal,
        labels=labels,
        detector="threshold",
        kind=AnomalyKind.THRESHOLD,
        direction=block.signal.harm or Direction.UP,
        onset=from_milliseconds(int(block.times[run.first])),
        onset_bound_s=onset_bound_s(run, block.times),
        detected=from_milliseconds(int(block.times[run.confirmed])),
        value=value,
        # Nothing is forecast: the band is the threshold itself.
        expected=threshold,
        low=threshold,
        high=threshold,
        score=float(score(np.asarray(1.0 + distance))),
    )
