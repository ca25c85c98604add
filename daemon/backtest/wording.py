"""How spans and counts are told of in a backtest's page."""


def lasted(seconds: float) -> str:
    """A duration, as one reads it."""
    minutes = round(seconds / 60)
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min"
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 1440:.1f} d"


def counted(count: int, noun: str) -> str:
    """As in "1 alert", "2 alerts"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
