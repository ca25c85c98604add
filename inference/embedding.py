"""Texts as vectors: near where their letters are, so that spelling variants, compounds and inflections find each other.

A word is its stem and the 3- and 4-grams of its letters with its ends marked (Bojanowski et al. 2017, "Enriching word
vectors with subword information"), hashed with a sign into `WIDTH` places (Weinberger et al. 2009, "Feature hashing
for large scale multitask learning"). A text weighs its words by the logarithm of their count; what is looked for weighs
them by their rarity besides (`lnc.ltc` of Salton's SMART; Manning et al. 2008, §6.4.3), so that what is stored of one
text does not change when others come.

It knows letters, not the world: "slow" is not near "latency". No model is asked: nothing leaves the machine, nothing is
downloaded, no key is needed, and the same text is the same vector wherever and whenever it is made.
"""

import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

WIDTH = 512
"""Places of a vector. Two texts that share nothing have a cosine of 0 ± 1/√WIDTH: 0.04."""
VERSION = f"letters-1/{WIDTH}"
"""Which way vectors are made: those of another one cannot be compared."""
FLOOR = 0.07
"""The cosine from which on two texts may have something in common. Chance gives one in twenty as much: see `alike`."""
ALIKE = 0.35
"""From which share of common letters on two words are one (Dice's coefficient of their 3-grams)."""
MOST_WORDS = 2000
"""Different words of a text that count; the rest of a longer one is left out."""

Vector = npt.NDArray[np.float32]
Words = Sequence[str]

_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORD = 60  # characters: what is longer is a digest or garbage, and known by its beginning
_SHORTEST_STEM = 4
_GRAMS = (3, 4)
_STEM_WEIGHT = 2.0  # beside 1 of each gram
_ENDINGS = ("ations", "ation", "ings", "ions", "ing", "ion", "ies", "ers", "ed", "er", "es", "ly", "s", "y", "e")
_SPREAD, _BITS = 2_654_435_761, 0xFFFF_FFFF  # Knuth's multiplier: a CRC alone keeps what its text has in common


def words_of(text: str) -> Words:
    """The words of a text in their order, folded: without case, accents and punctuation."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text).casefold()
        text = "".join(part for part in parts if not unicodedata.combining(part))
    return [word[:_LONGEST_WORD] for word in _WORD.findall(text.lower())]


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The word without the commonest English ending, where enough is left of it."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def rarity(wanted: Words, texts: Sequence[Words]) -> Mapping[str, float]:
    """What each wanted word tells: the logarithm of how few of the texts have its stem."""
    having = Counter[str]()
    for words in texts:
        having.update(set(words))
    by_stem = Counter[str]()
    for word, count in having.items():
        by_stem[stem(word)] += count
    n = len(texts)
    return {word: math.log1p(max(n, 1) / (1 + min(n, by_stem[stem(word)]))) for word in wanted}


def embed(words: Words, weights: Mapping[str, float] | None = None) -> Vector:
    """The vector of a text by its words: `WIDTH` places, length 1; all zeros for a text without words.

    `weights` says what each word tells (see `rarity`), for what is looked for; without it each tells the same.
    """
    made = np.zeros(WIDTH)
    for word, count in Counter(words).most_common(MOST_WORDS):
        places, values = _places(word)
        weight = 1.0 if weights is None else weights.get(word, 1.0)
        np.add.at(made, places, (1.0 + math.log(count)) * weight * values)
    length = float(np.linalg.norm(made))
    return (made / length if length else made).astype(np.float32)


def alike(wanted: Words, words: Words) -> bool:
    """Whether one of the words is spelt much as a wanted one: that sets what is near apart from what looks so.

    Different letters may meet in one place of a vector; here they are held against each other themselves.
    """
    there = [_threes(word) for word in set(words)]
    return any(
        2 * len(mine & theirs) >= ALIKE * (len(mine) + len(theirs))
        for mine in map(_threes, set(wanted))
        for theirs in there
    )


@lru_cache(maxsize=4096)
def _threes(word: str) -> frozenset[str]:
    marked = f"<{word}>"
    return frozenset(marked[start : start + 3] for start in range(len(marked) - 2))


@lru_cache(maxsize=4096)
def _places(word: str) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Where a word stands in a vector, and with which sign and weight; it has the length 1 before places meet."""
    marked = f"<{word}>"
    weights = {f"={stem(word)}": _STEM_WEIGHT}
    for size in _GRAMS:
        for start in range(len(marked) - size + 1):
            weights.setdefault(marked[start : start + size], 1.0)
    hashes = [_spread(feature) for feature in weights]
    signs = np.array([1.0 if number >> 31 else -1.0 for number in hashes])
    values = signs * np.array(list(weights.values()))
    return np.array([number % WIDTH for number in hashes], dtype=np.intp), values / np.linalg.norm(values)


def _spread(feature: str) -> int:
    number = (zlib.crc32(feature.encode("utf-8", "replace")) * _SPREAD) & _BITS
    return number ^ (number >> 15)
