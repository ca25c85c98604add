"""How long an anomaly lasts that nobody touches: what a recovery after a deploy is held against."""

from collections.abc import Iterable
from datetime import timedelta

from cases.case import Case
from cases.outcome import Ending
from cases.telemetry import Signal


def lasting(signal: Signal, ended: Iterable[Case]) -> tuple[timedelta, ...]:
    """The durations of those anomalies of a signal that ended by themselves."""
    lasted = (
        case.recovered - anomaly.onset
        for case in ended
        if case.recovered is not None and case.outcome is not None and case.outcome.ending is Ending.RECOVERED
        for anomaly in case.anomalies[:1]
        if anomaly.signal.key == signal.key
    )
    return tuple(duration for duration in lasted if duration > timedelta())
