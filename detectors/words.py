"""Words: how a symptom's name and a commit's text are compared. Identifiers are split the way people read them."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SHORTEST = 3

# How things are measured, not what they are about: these name every symptom and so point at no commit.
_MEASURING = frozenset(
    {
        "alert", "anomaly", "avg", "bucket", "code", "count", "counter", "duration", "err", "error", "errors", "fail",
        "failed", "failure", "gauge", "get", "handler", "high", "http", "https", "instance", "job", "label", "level",
        "low", "max", "mean", "method", "metric", "min", "name", "namespace", "node", "number", "ok", "percent", "pod",
        "post", "quantile", "rate", "ratio", "recording", "request", "requests", "response", "route", "rule", "sec",
        "second", "seconds", "service", "status", "sum", "test", "tests", "time", "total", "value", "values",
    }
)  # fmt: skip
# What stands in nearly every source file.
_SYNTAX = frozenset(
    {
        "and", "are", "args", "assert", "bool", "class", "const", "def", "dict", "elif", "else", "except", "false",
        "final", "float", "for", "from", "func", "function", "has", "if", "import", "int", "into", "is", "let", "list",
        "new", "none", "not", "null", "object", "or", "pass", "private", "public", "raise", "return", "self", "set",
        "static", "str", "string", "super", "that", "the", "then", "this", "true", "try", "tuple", "type", "use", "var",
        "void", "when", "while", "with", "yield",
    }
)  # fmt: skip
_K1 = 1.2
_LENGTH = 0.5
_LEAST_TEXTS = 8  # with fewer, how rare a word is cannot be told, and they count as that many


def words_of(text: str) -> Iterator[str]:
    """The words in a text, identifiers split at case, digits, underscores and slashes, plurals made singular."""
    for match in _WORD.finditer(text):
        for part in _PARTS.findall(match.group()):
            word = _stem(part.lower())
            if len(word) >= _SHORTEST and word not in _SYNTAX and not word.isdigit():
                yield word


def telling(texts: Sequence[str], ordinary: Iterable[str]) -> dict[str, float]:
    """The words that name a symptom, with their weight: earlier ones tell more.

    `ordinary` are texts (a service's own name) whose words say nothing here.
    """
    dull = {word for text in ordinary for word in words_of(text)} | {_stem(word) for word in _MEASURING}
    weights: dict[str, float] = {}
    for place, text in enumerate(texts):
        for word in words_of(text):
            if word not in dull:
                weights.setdefault(word, 1.0 / (1.0 + place / 4))
    return weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How strongly one text is about the symptom, and by which words, the strongest first."""

    strength: float
    words: tuple[str, ...]


def matches(symptom: Mapping[str, float], texts: Sequence[Counter[str]]) -> tuple[Match, ...]:
    """Compare the symptom with each text as Okapi BM25 does: rare words count more, repetition ever less.

    `texts` are word counts (weighted as the caller likes). The strength is in [0, 1): it does not depend on how well
    the others do, so that nothing need be strong. A word that most of several texts have tells none from the others.
    """
    usual = sum(counts.total() for counts in texts) / len(texts) if texts else 0.0
    holders = {word: sum(1 for counts in texts if counts[word]) for word in symptom}
    number = max(len(texts), _LEAST_TEXTS)
    return tuple(_match(symptom, counts, holders, number, usual) for counts in texts)


def _match(
    symptom: Mapping[str, float], counts: Counter[str], holders: Mapping[str, int], number: int, usual: float
) -> Match:
    length = 1 - _LENGTH + _LENGTH * counts.total() / usual if usual else 1.0
    found: list[tuple[float, str]] = []
    for word, weight in symptom.items():
        often = counts[word]
        if not often:
            continue
        rarity = math.log(1 + (number - holders[word] + 0.5) / (holders[word] + 0.5))
        found.append((weight * rarity * often * (_K1 + 1) / (often + _K1 * length), word))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    raw = sum(points for points, _ in found)
    return Match(strength=raw / (raw + 2.0), words=tuple(word for _, word in found))


def _stem(word: str) -> str:
    """Without a plural's s: as much as metric and code usually differ in."""
    if len(word) > _SHORTEST and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word
