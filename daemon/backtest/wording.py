"""How anomalies are told of in a backtest's page."""

from cases.anomaly import Anomaly
from cases.telemetry import Direction


def expectation(anomaly: Anomaly) -> str:
    """What was expected, and what was there instead."""
    if anomaly.low == anomaly.high:
        side = "at least" if anomaly.direction is Direction.DOWN else "at most"
        return f"{anomaly.value:.4g} where {side} {anomaly.high:.4g} was expected"
    return f"{anomaly.value:.4g} where {anomaly.low:.4g} to {anomaly.high:.4g} was expected"


def lasted(seconds: float) -> str:
    """A duration, as one reads it."""
    minutes = round(seconds / 60)
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min"
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 1440:.1f} d"


def counted(count: int, noun: str) -> str:
    """As in "1 alert", "2 alerts"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
