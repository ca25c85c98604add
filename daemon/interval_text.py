"""An experiment's intervals as lines of text: one line a look, beside the bar that the whole interval has to clear."""

from collections.abc import Sequence
from datetime import datetime

from cases.events import Looked
from inference.words import figure, signed

WIDTH = 56
"""Letters of the picture, without what stands beside it."""
_BAR, _NOTHING, _LINE, _LOW, _HIGH, _MIDDLE = "┃", "╎", "─", "├", "┤", "●"


def interval_text(looks: Sequence[tuple[datetime, Looked]], bar: float) -> str:
    """The picture; "" where no look could say anything.

    looks  when, and what it showed, in the order of time; those without an interval are left out
    bar    the least gain that counts; more is better
    """
    said = [(at, look, look.low, look.lift, look.high) for at, look in looks]
    known = [
        (at, look, low, lift, high)
        for at, look, low, lift, high in said
        if low is not None and lift is not None and high is not None
    ]
    if not known:
        return ""
    least = min(0.0, bar, *(low for _, _, low, _, _ in known))
    most = max(0.0, bar, *(high for _, _, _, _, high in known))
    began = looks[0][0]

    def place(value: float) -> int:
        return round((value - least) / (most - least) * (WIDTH - 1))

    lines = [f"{'':>20}{_edges(least, most)}"]
    for at, look, low, lift, high in known:
        row = [" "] * WIDTH
        row[place(low) : place(high) + 1] = _LINE * (place(high) + 1 - place(low))
        row[place(low)], row[place(high)] = _LOW, _HIGH
        row[place(0.0)], row[place(bar)] = _NOTHING, _BAR
        row[place(lift)] = _MIDDLE
        users = f"{sum(look.users):,} users"
        lines.append(f"{(at - began).total_seconds():>4.0f} s {users:>13}{''.join(row)}  {signed(lift)}")
    lines.append(f"{'':>20}{_NOTHING} no gain   {_BAR} the bar, {figure(bar)}   {_LOW}{_MIDDLE}{_HIGH} what is known")
    return "\n".join(lines)


def _edges(least: float, most: float) -> str:
    left, right = signed(least), signed(most)
    return f"{left}{right:>{WIDTH - len(left)}}"
