"""Lengths of time for people."""

from datetime import timedelta


def long(span: timedelta) -> str:
    """How long it is, to the minute: `3 min`, `2 h 5 min`, `4 d 1 h`; what is below nothing is nothing."""
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours = minutes // 1440, minutes // 60 % 24
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
