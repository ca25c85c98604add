"""Text from outside, made harmless for a line that people read."""

import unicodedata

# Control, format (bidirectional and zero-width marks), surrogate and line or paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
ELLIPSIS = "…"


def one_line(text: str, longest: int) -> str:
    """The text on one line of at most `longest` characters, with every invisible character as a space."""
    plain = " ".join("".join(" " if unicodedata.category(sign) in _UNSEEN else sign for sign in text).split())
    return cut(plain, longest)


def several_lines(text: str, longest: int) -> str:
    """The text of at most `longest` characters, with its line breaks and without any other invisible character."""
    return cut("\n".join(one_line(line, longest) for line in text.splitlines()), longest)


def cut(text: str, longest: int) -> str:
    """The text, or as much of it as fits with an ellipsis at the end."""
    return text if len(text) <= longest else text[: longest - 1] + ELLIPSIS
