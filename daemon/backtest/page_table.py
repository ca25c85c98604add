"""A table of the page."""

from collections.abc import Sequence
from html import escape

MOST_ROWS = 100
_LONGEST = 300


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table of texts, which are escaped."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(f'<td class="what">{escape(cell[:_LONGEST])}</td>' for cell in row) + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = f'<p class="soft">and {len(rows) - MOST_ROWS} more</p>' if len(rows) > MOST_ROWS else ""
    return (
        f'<div class="table"><table><caption>{escape(caption)}</caption><thead><tr class="head">{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}"
    )
