"""The look at a line that is new: what is left of it when its head and its values are taken away."""

from detectors.templates.head import has_head, without_head
from detectors.templates.mask import masked
from detectors.templates.structured import message_of

LONGEST = 4_096
"""Characters of a line, or of its message, that tell its template."""


def looked(line: str) -> str:
    """The masked text of a line, of its message when it is structured, without its head."""
    message = message_of(line)
    text = (line if message is None else message)[:LONGEST]
    plain = masked(text)
    return without_head(plain) if has_head(text) else plain
