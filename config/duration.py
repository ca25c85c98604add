"""Durations as files and commands write them: a whole number and one unit, `500ms`, `30s`, `5m`, `1h`, `7d`."""

import re
from datetime import timedelta

from config.errors import Unusable, shown

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_FORM = re.compile(r"([0-9]{1,12})(ms|s|m|h|d)")
_EXAMPLES = "write a whole number and a unit, as in 30s, 5m, 1h or 7d"
LONGEST = timedelta(days=3660)
"""Longer is a slip of the pen: ten years, and far from where adding it to a date overflows."""


def parse(text: str) -> timedelta:
    """The duration that `text` says: more than nothing, at most ten years. Raises Unusable."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise Unusable(f"{shown(text)} is not a duration", _EXAMPLES)
    number, unit = form.groups()
    if int(number) == 0:
        raise Unusable(f"{shown(text)} is no time at all", _EXAMPLES)
    if int(number) > LONGEST / _UNITS[unit]:
        raise Unusable(f"{shown(text)} is more than ten years", _EXAMPLES)
    return int(number) * _UNITS[unit]


def format(duration: timedelta) -> str:  # noqa: A001 - read as `duration.format`, beside `duration.parse`
    """The shortest text that `parse` reads back as the same, to the millisecond. Raises Unusable for less than that."""
    for unit, length in _UNITS.items():
        if duration >= length and not duration % length:
            return f"{duration // length}{unit}"
    raise Unusable(f"{duration} has no whole number of milliseconds", _EXAMPLES)
