"""How alike descriptions of a few fields are: words by how rare they are, labels in common, numbers by how near.

No model of language: a word counts as itself, by its stem, so that synonyms are strangers. In exchange the same
descriptions are as alike tomorrow as today, on any machine, and it can be said which field made them so.

- **Words** (texts): the cosine of the words' weights, ln((1 + n) / (1 + n with it)) + 1 over all n descriptions: the
  inverse document frequency of Sparck Jones (1972), smoothed.
- **Labels** (sets): the share that both have of what either has (Jaccard).
- **Numbers** by name: 1 - |a - b| / max(|a|, |b|) of each that both have, zero for one that only one has.

A description's likeness is the mean of its fields by their weight, over the fields that either has.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """
    the and for with that this from who are not but their they have has was were its into than then them when which
    what where how many much more most very also only often our your you all any can will would
""",
    )
)
_ENDINGS = ("ings", "ing", "ies", "ed", "es", "s", "ly", "ion", "er")
_LEAST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is known of something, in fields that are named alike in others of its kind."""

    words: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    numbers: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """How alike two are, in [0, 1], and each field's own likeness."""

    score: float
    fields: Mapping[str, float]


def alike(one: Described, others: Sequence[Described], weights: Mapping[str, float]) -> list[Alike]:
    """The likeness of one to each of the others. A field without a weight counts once."""
    rare = _rarity([one, *others])
    return [_alike(one, other, rare, weights) for other in others]


def _alike(
    one: Described, other: Described, rare: Mapping[str, Mapping[str, float]], weights: Mapping[str, float]
) -> Alike:
    fields: dict[str, float] = {}
    for name in sorted({*one.words, *other.words}):
        mine, theirs = stems(one.words.get(name, "")), stems(other.words.get(name, ""))
        if mine or theirs:
            fields[name] = _cosine(mine, theirs, rare[name])
    for name in sorted({*one.labels, *other.labels}):
        own, given = one.labels.get(name, frozenset()), other.labels.get(name, frozenset())
        if own or given:
            fields[name] = len(own & given) / len(own | given)
    for name in sorted({*one.numbers, *other.numbers}):
        left, right = one.numbers.get(name, {}), other.numbers.get(name, {})
        if left or right:
            keys = sorted({*left, *right})
            fields[name] = sum(_near(left[key], right[key]) for key in keys if key in left and key in right) / len(keys)
    whole = sum(weights.get(name, 1.0) for name in fields)
    score = sum(weights.get(name, 1.0) * value for name, value in fields.items()) / whole if whole > 0 else 0.0
    return Alike(score=score, fields=fields)


def stems(text: str) -> frozenset[str]:
    """The words of a text without those that every text has, each without its ending."""
    return frozenset(_stem(word) for word in _WORD.findall(text.casefold()) if word not in _COMMON)


def _stem(word: str) -> str:
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= _LEAST), "")
    return word.removesuffix(ending).rstrip("ey")


def _rarity(every: Sequence[Described]) -> dict[str, dict[str, float]]:
    """Field → word → its weight."""
    rare: dict[str, dict[str, float]] = {}
    for name in {name for one in every for name in one.words}:
        seen = Counter(word for one in every for word in stems(one.words.get(name, "")))
        rare[name] = {word: math.log((1 + len(every)) / (1 + count)) + 1 for word, count in seen.items()}
    return rare


def _cosine(mine: frozenset[str], theirs: frozenset[str], rare: Mapping[str, float]) -> float:
    if not mine or not theirs:
        return 0.0
    shared = math.fsum(rare[word] ** 2 for word in sorted(mine & theirs))
    sizes = (math.fsum(rare[word] ** 2 for word in sorted(words)) for words in (mine, theirs))
    return shared / math.sqrt(math.prod(sizes))


def _near(one: float, other: float) -> float:
    most = max(abs(one), abs(other))
    return 1.0 if most == 0 else max(0.0, 1 - abs(one - other) / most)
