"""Foreign text in our messages."""

_LONGEST_QUOTE = 240


def quoted(text: str) -> str:
    """Foreign text made fit for a message: one line, printable, short."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _LONGEST_QUOTE]).split())
    return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE] + "…"
