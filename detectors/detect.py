"""Which detector speaks for a signal, and why."""

from dataclasses import dataclass
from typing import Literal

from cases.anomaly import Anomaly
from cases.telemetry import SeriesBlock
from detectors.baseline import Baseline
from detectors.seasonal import coverage, detect_seasonal
from detectors.threshold import detect_threshold

Choice = Literal["auto", "threshold", "seasonal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What one look at a signal found.

    detector  which one looked, or "none"
    reason    why that one, and what it could not say, in words
    warming   nothing could be judged, for want of history: the signal's sight is WARMING
    """

    anomalies: tuple[Anomaly, ...]
    detector: Literal["threshold", "seasonal", "burn rate", "none"]
    reason: str
    warming: bool = False


def detect(
    recent: SeriesBlock, baseline: Baseline | None, *, confirm: int, choice: Choice = "auto", ongoing: bool = True
) -> Detection:
    """Look at the recent readings of one signal, with `confirm` consecutive samples as proof.

    With "auto" a threshold that the operator gave decides, and the forecast band where there is none. See
    `detect_threshold` and `detect_seasonal` for `ongoing`. Raises ValueError when a threshold is asked for that the
    signal does not have.
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
    found = detect_seasonal(baseline, recent, confirm=confirm, ongoing=ongoing)
    remarks = [why]
    if covered.newcomers:
        remarks.append(f"{len(covered.newcomers)} series without enough history")
    if covered.vanished:
        remarks.append(f"{len(covered.vanished)} series with history and no sample now")
    return Detection(anomalies=found, detector="seasonal", reason="; ".join(remarks), warming=covered.warming)
