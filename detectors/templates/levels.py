"""How bad a log line says it is."""

import re
from enum import StrEnum


class Level(StrEnum):
    """What a line was logged at; `UNKNOWN` when it does not say."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"
    UNKNOWN = "unknown"


_WITHIN = 200  # characters of a line: a level stands in its head
_NAMES = {
    Level.FATAL: "fatal critical crit emergency emerg panic alert severe",
    Level.ERROR: "error err",
    Level.WARNING: "warning warn",
    Level.INFO: "info notice information log",
    Level.DEBUG: "debug trace verbose fine",
}
_BY_NAME = {name: level for level, names in _NAMES.items() for name in names.split()}
WORDS = frozenset(_BY_NAME)
# As a field (level=error, "severity": "ERROR"), in capitals, in brackets, or before a colon; klog's E0512.
_FIELD = re.compile(r'(?i)\b(?:level|lvl|severity|levelname|loglevel)"?\s?[=:]\s?"?([a-z]{3,11})\b')
_MARKED = re.compile(r"\b([A-Z]{3,11})\b|[\[<(]([A-Za-z]{3,11})[\])>]|\b([a-z]{3,8}|[A-Z][a-z]{2,10}):? ")
_KLOG = re.compile(r"[FEWID]\d{4} \d\d:")
_BY_LETTER = {"F": Level.FATAL, "E": Level.ERROR, "W": Level.WARNING, "I": Level.INFO, "D": Level.DEBUG}


def level_of(text: str) -> Level:
    """The level that a line names, first by a field, then by a word of its head."""
    head = text[:_WITHIN]
    if _KLOG.match(head):
        return _BY_LETTER[head[0]]
    field = _FIELD.search(head)
    if field is not None and field[1].lower() in _BY_NAME:
        return _BY_NAME[field[1].lower()]
    for found in _MARKED.finditer(head):
        word = next(group for group in found.groups() if group)
        if word.lower() in _BY_NAME:
            return _BY_NAME[word.lower()]
    return Level.UNKNOWN
