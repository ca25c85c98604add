"""Which detector speaks for a signal, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cases.anomaly import Anomaly
from cases.telemetry import Direction, SeriesBlock
from detectors.baseline import Baseline, Key, key_of
from detectors.departures import WORTH, Departure, Trace, anomaly_of, departures
from detectors.seasonal import coverage, detect_seasonal
from detectors.threshold import detect_threshold

Choice = Literal["auto", "threshold", "seasonal"]
Needed = Callable[[Key, Direction], float]
"""What a departure of a series on a side must be worth to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What one look at a signal found.

    detector  which one looked, or "none"
    reason    why that one, and what it could not say, in words
    warming   nothing could be judged, for want of history: the signal's sight is WARMING
    departed  every departure that was seen, also those that were not worth an anomaly
    """

    anomalies: tuple[Anomaly, ...]
    detector: Literal["threshold", "seasonal", "streaming", "burn rate", "none"]
    reason: str
    warming: bool = False
    departed: tuple[Departure, ...] = ()


def _anyhow(_series: Key, _side: Direction) -> float:
    return WORTH


def detect(
    recent: SeriesBlock,
    baseline: Baseline | None,
    *,
    confirm: int,
    choice: Choice = "auto",
    ongoing: bool = True,
    trace: Trace | None = None,
    needed: Needed = _anyhow,
) -> Detection:
    """Look at the recent readings of one signal, with `confirm` consecutive samples as proof.

    With "auto" a threshold that the operator gave decides; where there is none, the engine (by its `trace`) and the
    forecast band together, and a departure is an anomaly that is worth what is `needed` of its series on its side.
    Without a trace the band alone. See `detect_threshold` for `ongoing`. Raises ValueError when a threshold is wanted
    and the signal has none.
    """
    threshold = recent.signal.threshold
    if recent.partial:
        return Detection(anomalies=(), detector="none", reason=f"a partial answer proves nothing: {recent.partial}")
    if choice == "threshold" or (choice == "auto" and threshold is not None):
        found = detect_threshold(recent, confirm=confirm, ongoing=ongoing)
        return Detection(anomalies=found, detector="threshold", reason=f"the signal has a threshold, {threshold:g}")
    why = "the forecast band was asked for" if choice == "seasonal" else "the signal has no threshold"
    if baseline is None:
        return Detection(anomalies=(), detector="none", reason=f"{why}, and there is no history yet", warming=True)
    if baseline.partial:
        reason = f"{why}, and the history is partial: {baseline.partial}"
        return Detection(anomalies=(), detector="none", reason=reason, warming=True)
    covered = coverage(baseline, recent)
    remarks = [why]
    if covered.newcomers:
        remarks.append(f"{len(covered.newcomers)} series without enough history")
    if covered.vanished:
        remarks.append(f"{len(covered.vanished)} series with history and no sample now")
    if choice == "seasonal" or trace is None:
        found = detect_seasonal(baseline, recent, confirm=confirm, ongoing=ongoing)
        reason = "; ".join(remarks)
        return Detection(anomalies=found, detector="seasonal", reason=reason, warming=covered.warming)
    departed = departures(recent, trace, baseline, confirm=confirm, ongoing=ongoing)
    asked = [needed(key_of(recent.labels[departure.row]), departure.direction) for departure in departed]
    told = [(each, at) for each, worth in zip(departed, asked, strict=True) if (at := each.told(worth)) is not None]
    if len(told) < len(departed):
        remarks.append(f"{len(departed) - len(told)} departures are not worth {min(asked):.2f}")
    return Detection(
        anomalies=tuple(anomaly_of(departure, recent, trace, baseline, at=at) for departure, at in told),
        detector="streaming",
        reason="; ".join(remarks),
        warming=covered.warming,
        departed=departed,
    )
