"""What an anomaly shows, in words for people: one form for each kind, wherever it is told."""

from cases.anomaly import OPPORTUNITIES, Anomaly, AnomalyKind
from cases.moments import iso

OWN_WORDS = frozenset({AnomalyKind.ABSENCE, AnomalyKind.SATURATION, *OPPORTUNITIES})
"""The kinds of which a value and a band say nothing that a reader could use."""

_DAY_HOURS = 48.0


def symptom(anomaly: Anomaly) -> str:
    """What was seen, as the rest of a sentence that begins with the signal: `reads 0.31; 0 to 0.05 was expected`."""
    value, expected = f"{anomaly.value:.4g}", f"{anomaly.expected:.4g}"
    match anomaly.kind:
        case AnomalyKind.ABSENCE:
            return f"is gone since {iso(anomaly.onset)}: it was there at {anomaly.expected:.0%} of all points before"
        case AnomalyKind.SATURATION if anomaly.ahead is not None:
            return f"reads {value}, and is at its limit of {expected} in {_between(*anomaly.ahead)} if it goes on so"
        case AnomalyKind.DRIFT:
            return f"went from {expected} to {value} little by little since {_day(anomaly)}"
        case AnomalyKind.LAGGARD:
            return f"reads {value} where its siblings read {expected}, day after day since {_day(anomaly)}"
        case AnomalyKind.WASTE:
            return f"has {value} set aside and used at most {expected} of it since {_day(anomaly)}"
        case AnomalyKind.GOAL:
            return f"reads {value}, and {expected} is wanted"
        case _:
            return f"reads {value}; {anomaly.low:.4g} to {anomaly.high:.4g} was expected"


def headline(anomaly: Anomaly) -> str:
    """What is the matter, in two or three words: `is up`, `is gone`, `fills up`."""
    match anomaly.kind:
        case AnomalyKind.ABSENCE:
            return "is gone"
        case AnomalyKind.SATURATION:
            return "fills up" if anomaly.direction == "up" else "runs out"
        case AnomalyKind.DRIFT:
            return "gets slowly worse"
        case AnomalyKind.LAGGARD:
            return "is worse than its siblings"
        case AnomalyKind.WASTE:
            return "is set aside and not used"
        case AnomalyKind.GOAL:
            return "is to be moved"
        case _:
            return f"is {anomaly.direction}"


def _day(anomaly: Anomaly) -> str:
    return anomaly.onset.date().isoformat()


def _between(soonest: float, latest: float) -> str:
    """A span of hours: `7 to 11 hours`, `3 to 5 days`."""
    unit, size = ("days", 24.0) if soonest >= _DAY_HOURS else ("hours", 1.0)
    first, last = (f"{hours / size:.0f}" if hours >= 2 * size else f"{hours / size:.1f}" for hours in (soonest, latest))
    return f"about {first} {unit}" if first == last else f"{first} to {last} {unit}"
