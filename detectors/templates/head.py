"""The head of a line: when, where and who by. Two hosts, threads or programs that say the same share a template."""

import re

from detectors.templates.levels import WORDS
from detectors.templates.mask import VALUE

_LEVEL = "|".join(sorted(WORDS))
_TIME = re.compile(
    r"[^\w\s]{0,2} ?(?:[\w.:-]{0,80}\.log[\w.:-]{0,80} )?[\[(<]?"
    r"(?:(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?"
    r"(?:[A-Z][a-z]{2} {1,2}\d{1,2}|\d{1,2}[ /-][A-Z][a-z]{2}[ /-]\d{2,4})[ :]"
    r"|\d{2,4}[-/.]\d\d[-/.]\d\d(?![\d.])|\d{2}[-/.]\d{2}[-/. ]\d{0,4} ?\d\d:"
    r"|\d{8}[T-]\d\d?[:\d]|\d{6} \d{6} |\d\d:\d\d:\d\d"
    r"|1\d{9}(?:\.\d{1,9}|\d{3})?\b|[IWEF]\d{4} \d\d:)"
)
_FIRST = re.compile(r"[^\x00]{0,80}?\x00[\])>]?[\s|,:-]*")
_PIECE = re.compile(
    rf"(?i:[\[(<]?(?:{_LEVEL})[\])>]?(?=[\s|:,-])|\x00(?=[\s|:,\])-])|(?-i:[VDIWEF])(?= ))[\s|,:-]*"
    r"|[\[(][^\[\]()]{0,300}[\])](?=[\s|:,-])[\s|,:-]*"
)
_PROGRAM = re.compile(
    # host program[17]:
    r"(?:(?:[\w.-]+|\x00)(?:/(?:[\w.-]+|\x00))? )?[\w./-]{1,60}(?:\([\w.-]{1,60}\))?\[\x00\](?: \(\[?\x00\]?\))?: "
    r"|[\w.-]{1,60} [\w./-]{1,60}(?:\([\w.-]{1,60}\))?: "  # host program:
    r"|[A-Za-z_][\w$-]*(?:\.[\w$-]+)+(?:: | - | )"  # a.dotted.Logger
    r"|[A-Z][a-z0-9]+[A-Z]\w*: "  # ALogger:
)
_MOST_PIECES = 8


def has_head(text: str) -> bool:
    """Whether a line (not yet masked) begins with a time."""
    return _TIME.match(text) is not None


def without_head(masked: str) -> str:
    """A masked line without time, level, host, program, process number, logger, thread and brackets of context.

    Only for lines that have a head. A line that is nothing but head stays as it is.
    """
    first = _FIRST.match(masked)
    if first is None:
        return masked
    place = _after_pieces(masked, first.end())
    program = _PROGRAM.match(masked, place)
    if program is not None:
        place = _after_pieces(masked, program.end())
    rest = masked[place:]
    return f"{VALUE} {rest}" if rest.strip(" \x00") else masked


def _after_pieces(masked: str, place: int) -> int:
    for _ in range(_MOST_PIECES):
        piece = _PIECE.match(masked, place)
        if piece is None:
            break
        place = piece.end()
    return place
