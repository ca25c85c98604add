"""A table of the page."""

from collections.abc import Sequence
from html import escape

MOST_ROWS = 100
_LONGEST = 300
_WIDE = ' class="what"'
_SHORT = 28  # characters that one line has room for


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table of texts, which are escaped."""
    wide = [any(len(row[place]) > _SHORT for row in rows[:MOST_ROWS]) for place in range(len(columns))]
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(_cell(*cell) for cell in zip(columns, row, wide, strict=True)) + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = f'<p class="soft">and {len(rows) - MOST_ROWS} more</p>' if len(rows) > MOST_ROWS else ""
    return (
        f'<div class="table"><table><caption>{escape(caption)}</caption><thead><tr class="head">{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}"
    )


def _cell(column: str, text: str, wide: bool) -> str:  # noqa: FBT001 - one of a row's triples
    """A cell that has its column's name with it, for a screen too narrow for columns."""
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return f'<td{_WIDE if wide else ""} data-head="{escape(column, quote=True)}">{escape(shown)}</td>'
