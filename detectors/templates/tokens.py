"""Tokens: a masked line cut into words and signs, and how much each word looks like a value."""

import re
from collections.abc import Sequence

from detectors.templates.mask import VALUE
from detectors.templates.vocabulary import WORDS

Tokens = tuple[str, ...]

MOST = 120
"""Tokens of a line that are looked at."""

_TOKEN = re.compile(r"\x00|[^\W\d](?:[\w.$@\\/~+*'-]*\w)?|[^\s\w]|\w+")
_FORM_OF_VERB = re.compile(r"(?:ed|ing|able|ible|ly)$")
_OPENING = {"(": ")", "[": "]", "'": "'", '"': '"', "{": "}", "<": ">", "`": "`"}

STRONG = 0.7
"""From this weight on a word is an identifier, whatever stands around it."""

# After these a value is likely: what it is the name of, or what it belongs to.
_NAMED = frozenset(
    {
        "account", "class", "cluster", "container", "database", "db", "device", "directory", "domain", "file",
        "function", "group", "host", "hostname", "id", "image", "instance", "interface", "job", "key", "login",
        "member", "method", "module", "name", "node", "package", "path", "plugin", "pod", "queue", "role",
        "service", "table", "task", "topic", "user", "username", "volume",
    }
)  # fmt: skip
_LEADING = frozenset(
    {
        "as", "at", "by", "for", "from", "in", "into", "of", "on", "to", "via", "with",
    }
)  # fmt: skip


def tokens_of(masked: str) -> Tokens:
    """The tokens of a masked line: words with what holds them together, single signs, values."""
    return tuple(_TOKEN.findall(masked)[:MOST])


def gaps_of(masked: str) -> tuple[bool, ...]:
    """Whether a space stands before each token of a masked line."""
    places = [found.start() for found in _TOKEN.finditer(masked)][:MOST]
    return tuple(place > 0 and masked[place - 1] == " " for place in places)


def text_of(tokens: Sequence[str], gaps: Sequence[bool]) -> str:
    """The tokens as a template is shown, with `<*>` for a value, spaced as a line of it was when they match."""
    parts = ["<*>" if token == VALUE else token for token in tokens]
    if len(gaps) != len(parts):
        return " ".join(parts)
    return "".join(f" {part}" if gap else part for gap, part in zip(gaps, parts, strict=True)).lstrip()


def is_word(token: str) -> bool:
    """Whether it may be a value at all: a sign is not."""
    return token == VALUE or token[0].isalpha() or token[0] == "_"


def weight(token: str) -> float:
    """How much a word looks like a value by itself, from 0 (a word of the vocabulary) to 1.2 (one was masked there)."""
    if token == VALUE:
        return 1.2
    lower = token.lower()
    if lower in WORDS:
        return 0.0
    inner = token[1:]
    if token.isupper() or token.rpartition(".")[2].isupper():
        found = 0.4  # a constant of the code: TIME_TICK, intent.action.TIME_TICK
    elif any(sign in token for sign in "._@/\\$~*+"):
        found = 0.8
    elif inner.lower() != inner:
        found = STRONG if token[0].isupper() else 0.5  # aMethod is named by the code, AThing by its data
    elif "-" in token:
        found = 0.4
    else:
        found = 0.1 if _FORM_OF_VERB.search(lower) else 0.5
    return found


def context(tokens: Sequence[str], place: int) -> float:
    """What stands around a place, as an addition to the weight of the words in it."""
    before = tokens[place - 1].lower() if place else ""
    after = tokens[place + 1] if place + 1 < len(tokens) else ""
    found = 0.0
    if before in _NAMED:
        found = 0.45
    elif before in _LEADING or (before in _OPENING and _OPENING[before] == after):
        found = 0.3
    elif before in {":", "="}:
        found = 0.1
    said = sum(1 for at, token in enumerate(tokens) if at != place and token != VALUE and is_word(token))
    if place == 0:
        found -= 0.3  # a line begins with what it is about
    if said == 0:
        found -= 0.8
    elif said == 1:
        found -= 0.3
    elif said >= 4:  # noqa: PLR2004 - a sentence
        found += 0.1
    return found
