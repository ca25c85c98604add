"""Figures as a reader has them."""

MINUTES_FROM, HOURS_FROM, DAYS_FROM = 90, 5400, 172_800  # seconds from which a duration reads better so


def figure(value: float) -> str:
    """Three significant digits."""
    return f"{value:.3g}"


def roughly(seconds: float) -> str:
    """A duration for a reader: `42 s`, `9 min`, `3.5 h`, `2.1 days`."""
    if seconds < MINUTES_FROM:
        return f"{seconds:.0f} s"
    if seconds < HOURS_FROM:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < DAYS_FROM else f"{seconds / 86_400:.1f} days"
