"""Characters that a reader does not see, taken out: what a human would not find in a text must not reach a model."""

import re
import unicodedata

_TERMINAL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor moves
    r"|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)"  # titles and links
    r"|\x1b[ -/]*[0-~]"  # the other escapes
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_BREAKS = {"\r\n": "\n", "\r": "\n", "\u2028": "\n", "\u2029": "\n", "\x85": "\n"}
_BREAK = re.compile("\r\n|\r|\u2028|\u2029|\x85")
_PLAIN = re.compile(r"[\n\t -~]*")
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def visible(text: str) -> str:
    """The text without terminal escapes, control, zero-width, direction, filler and half characters."""
    if _PLAIN.fullmatch(text):
        return text
    text = _BREAK.sub(lambda found: _BREAKS[found.group()], _TERMINAL.sub("", text))
    return "".join(character for character in text if character in "\n\t" or _shows(character))


def _shows(character: str) -> bool:
    if unicodedata.category(character) in _HIDDEN or character in _FILLERS:
        return False
    return not any(ord(character) in selectors for selectors in _SELECTORS)
