"""Recovery: whether the signals of a case are back to normal. Missing, stale or partial readings are not recovery."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np

from cases.anomaly import Anomaly
from cases.case import Case
from cases.moments import from_milliseconds, iso
from cases.telemetry import Direction, Mask, SeriesBlock, Sight
from detectors.baseline import Baseline, Key, key_of
from detectors.seasonal import EDGE, scores
from detectors.sight import sight
from detectors.threshold import beyond

Still: TypeAlias = Callable[[Anomaly, SeriesBlock | None], str | None]
"""Why an anomaly goes on by what its own detector sees, "" where it is over; None where threshold or band tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """Whether one signal of a case is back where it belongs on the side where it left it, and why it is said so."""

    signal: str
    direction: Direction
    back: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What all signals of a case say together: recovered only when each of them is back."""

    signals: tuple[Back, ...]

    @property
    def recovered(self) -> bool:
        """Whether every signal of the case is back."""
        return bool(self.signals) and all(signal.back for signal in self.signals)

    @property
    def because(self) -> str:
        """All the reasons when recovered, else those of the signals that are not back."""
        return "; ".join(signal.because for signal in self.signals if signal.back is self.recovered)


def recovery(
    case: Case,
    recent: Mapping[str, SeriesBlock],
    baselines: Mapping[str, Baseline],
    now: datetime,
    *,
    confirm: int,
    stale_after: timedelta,
    still: Still | None = None,
) -> Recovery:
    """Ask each signal of the case, on the side where it was anomalous.

    `recent` and `baselines` are by `Signal.key`. A signal is back when it is fresh, and the last `confirm` samples of
    every series, those of the anomalies among them, are within the threshold or band, and within what the anomaly was
    held against where the engine alone saw it. A signal that was not read, or has none of these, is not back. Of what
    none of them tells, `still` does.
    """
    asked: dict[tuple[str, Direction], dict[Key, Anomaly]] = {}
    signals: list[Back] = []
    for anomaly in case.anomalies:
        key = anomaly.signal.key
        why = still(anomaly, recent.get(key)) if still is not None else None
        if why is None:
            asked.setdefault((key, anomaly.direction), {}).setdefault(key_of(anomaly.labels), anomaly)
            continue
        over = f"the {anomaly.kind} of {key} is over"
        signals.append(Back(signal=key, direction=anomaly.direction, back=not why, because=why or over))
    for (key, direction), series in asked.items():
        block = recent.get(key)
        if block is None:
            reason = f"{key} was not read"
        else:
            reason = _not_back(block, baselines.get(key), direction, series, now, confirm, stale_after)
        back = f"the last {confirm} samples of {key} are back within what is expected"
        signals.append(Back(signal=key, direction=direction, back=not reason, because=reason or back))
    return Recovery(signals=tuple(signals))


def _not_back(
    block: SeriesBlock,
    baseline: Baseline | None,
    direction: Direction,
    series: Mapping[Key, Anomaly],
    now: datetime,
    confirm: int,
    stale_after: timedelta,
) -> str:
    """Why the signal is not back, or "" when it is."""
    key = block.signal.key
    state = sight(block, now, stale_after)
    if state.sight is not Sight.FRESH:
        return f"{key} is {state.sight}: {state.because}"
    verdicts = _out(block, baseline, direction, series)
    if verdicts is None:
        return f"nothing is known of what is normal for {key}"
    out, judged = verdicts
    gone = series.keys() - {key_of(labels) for labels in block.labels}
    if gone:
        return f"{key} has no samples any more of {_words(min(gone))}, where the anomaly was"
    for row, labels in enumerate(block.labels):
        name = key_of(labels)
        last = np.flatnonzero(judged[row])[-confirm:]
        if not len(last) and name not in series:
            continue  # it has no samples, or is too new to be judged, and it was not part of the anomaly
        if len(last) < confirm or now - from_milliseconds(int(block.times[last[-1]])) > stale_after:
            return f"{key} has fewer than {confirm} fresh samples of {_words(name)}"
        if bool(np.any(out[row, last])):
            return (
                f"{key} is still {direction} at {_words(name)} ({iso(from_milliseconds(int(block.times[last[-1]])))})"
            )
    return ""


def _out(
    block: SeriesBlock, baseline: Baseline | None, direction: Direction, series: Mapping[Key, Anomaly]
) -> tuple[Mask, Mask] | None:
    """(out of what is expected, can be judged), each bool [S, T]; None when nothing says what is expected."""
    if block.signal.threshold is not None:
        return beyond(block), ~block.missing
    known = baseline is not None and not baseline.partial
    far = scores(baseline, block, direction) if baseline and known else np.full(block.values.shape, np.nan)
    out: Mask = far > EDGE
    judged: Mask = ~np.isnan(far)
    for row, labels in enumerate(block.labels):
        anomaly = series.get(key_of(labels))
        if anomaly is not None and anomaly.detector == "streaming":
            values = block.values[row]
            out[row] |= values > anomaly.high if direction is Direction.UP else values < anomaly.low
            judged[row] |= ~block.missing[row]
    return (out, judged) if bool(np.any(judged)) else None


def _words(key: Key) -> str:
    return ", ".join(f"{name}={value}" for name, value in key if name != "__name__") or "its only series"
