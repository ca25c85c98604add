"""Groups: which places of lines that are alike hold a value, learnt from the words seen there.

Lines that differ in one place only meet in that place's bin. What the words there look like, what stands around them
and how many there are decides whether the place holds a value; then the lines become one. A line that fits a group
word for word but for names where the group has values joins it. Everything is found by hashes: a line costs its length.
"""

import math
from collections import deque
from dataclasses import dataclass, field

from detectors.templates.mask import VALUE
from detectors.templates.tokens import STRONG, Tokens, context, is_word, weight
from detectors.templates.vocabulary import WORDS

ENOUGH = 0.9
"""The score from which on a place holds a value."""
_VARIETY = 0.18  # of the score, for each doubling of the number of words beyond two
_JOINT_WORDS = 2  # that say something, at least, in lines that become one in several places
_MOST_COMPARED = 50
_LINKS = frozenset(",:;/|#*+-")

_WRAP = (1 << 64) - 1


@dataclass(slots=True)
class Bin:
    """The words seen in one place of lines that are the same elsewhere, with the line of each."""

    place: int
    members: dict[str, int] = field(default_factory=dict[str, int])
    absorbed: int = 0
    weight: float = 0.0


class Groups:
    """Lines by what they say. A line is known by the number it got when it was added; `owner` says whose it is now."""

    def __init__(self) -> None:
        self.tokens: list[Tokens | None] = []
        """By number; None for what was dropped or became part of another."""
        self.owner: list[int] = []
        self._numbers: dict[Tokens, int] = {}
        self._bins: dict[int, Bin] = {}
        self._patterns: dict[Tokens, list[int]] = {}
        self._alike: dict[Tokens, list[int]] = {}
        self._dirty: dict[int, None] = {}
        self._fresh: deque[int] = deque()

    @property
    def size(self) -> int:
        """How many numbers were given."""
        return len(self.owner)

    def add(self, tokens: Tokens) -> int:
        """The number of a line; a new one when its like was never seen."""
        number = self._numbers.get(tokens)
        if number is None:
            number = len(self.tokens)
            self.tokens.append(tokens)
            self.owner.append(number)
            self._numbers[tokens] = number
            self._fresh.append(number)
            self._enter(number, tokens)
        return number

    def settle(self) -> None:
        """Decide about everything that was added since."""
        while self._dirty or self._fresh:
            while self._dirty:
                key = next(iter(self._dirty))
                del self._dirty[key]
                self._decide(self._bins.get(key))
            while self._fresh and not self._dirty:
                self._compare(self._fresh.popleft())

    def drop(self, number: int) -> None:
        """Forget the group of this number."""
        tokens = self.tokens[number]
        if tokens is not None:
            self._leave(number, tokens)

    def find(self, number: int) -> int:
        """Whose line it is now."""
        root = number
        while self.owner[root] != root:
            root = self.owner[root]
        while self.owner[number] != root:
            self.owner[number], number = root, self.owner[number]
        return root

    def _enter(self, number: int, tokens: Tokens) -> None:
        for key, place in _bin_keys(tokens):
            found = self._bins.get(key)
            if found is None:
                found = self._bins[key] = Bin(place)
            found.members[tokens[place]] = number
            if len(found.members) + found.absorbed > 1:
                self._dirty[key] = None
        if VALUE in tokens:
            self._patterns.setdefault(_shape(tokens), []).append(number)
        self._alike.setdefault(_joint(tokens), []).append(number)

    def _leave(self, number: int, tokens: Tokens) -> None:
        for key, place in _bin_keys(tokens):
            found = self._bins.get(key)
            if found is not None and found.members.get(tokens[place]) == number:
                del found.members[tokens[place]]
                if not found.members:
                    del self._bins[key]
        _remove(self._alike, _joint(tokens), number)
        if VALUE in tokens:
            _remove(self._patterns, _shape(tokens), number)
        del self._numbers[tokens]
        self.tokens[number] = None

    def _decide(self, found: Bin | None) -> None:
        """Make one of the lines of a bin, if its place holds a value."""
        if found is None or len(found.members) < 2 - bool(found.absorbed):
            return
        tokens = self.tokens[next(iter(found.members.values()))]
        if tokens is None:
            return
        count = len(found.members) + found.absorbed
        mean = (sum(map(weight, found.members)) + found.weight) / count
        score = mean + context(tokens, found.place) + _VARIETY * (math.log2(max(count, 2)) - 1)
        if score < ENOUGH:
            return
        fresh = [word for word in found.members if word != VALUE]
        if not fresh:
            return
        found.absorbed += len(fresh)
        found.weight += sum(map(weight, fresh))
        merged = (*tokens[: found.place], VALUE, *tokens[found.place + 1 :])
        self._unite(merged, list(found.members.values()))

    def _compare(self, number: int) -> None:
        """Look for a group that this line fits, then for lines that differ from it in identifiers only."""
        tokens = self.tokens[number]
        if tokens is None:
            return
        for pattern in map(self.tokens.__getitem__, self._patterns.get(_shape(tokens), [])[:_MOST_COMPARED]):
            if pattern is not None and pattern != tokens and _fits(tokens, pattern):
                self._unite(pattern, [number])
                return
        key = _joint(tokens)
        alike = self._alike.get(key, [])[:_MOST_COMPARED]
        if len(alike) < 2 or sum(1 for t in key if t != VALUE and is_word(t)) < _JOINT_WORDS:  # noqa: PLR2004
            return
        columns = zip(*(other for each in alike if (other := self.tokens[each]) is not None), strict=True)
        merged = tuple(column[0] if len(set(column)) == 1 else VALUE for column in columns)
        varied = [place for place, column in enumerate(zip(tokens, merged, strict=True)) if column[0] != column[1]]
        if all(STRONG + context(merged, place) >= ENOUGH - _VARIETY for place in varied):
            self._unite(merged, list(alike))

    def _unite(self, merged: Tokens, numbers: list[int]) -> None:
        """Let the lines of these numbers belong to the group that reads `merged`: the oldest number stays."""
        merged = _collapsed(merged)
        there = self._numbers.get(merged)
        everyone = {self.find(each) for each in (*numbers, *([] if there is None else [there]))}
        oldest = min(everyone)
        if there != oldest:  # it enters before the others leave, so that its bins remember their words
            self._enter(oldest, merged)
        for each in everyone:
            tokens = self.tokens[each]
            if tokens is not None and not (each == there == oldest):
                self._leave(each, tokens)
            self.owner[each] = oldest
        self.tokens[oldest] = merged
        self._numbers[merged] = oldest
        if there != oldest:
            self._fresh.append(oldest)


def _bin_keys(tokens: Tokens) -> list[tuple[int, int]]:
    """(key, place) of each place that may hold a value: the key is the same for lines that differ only there."""
    parts = [hash((place, token)) for place, token in enumerate(tokens)]
    whole = sum(parts) + hash(len(tokens))
    return [
        (hash(((whole - part) & _WRAP, place)), place)
        for place, (part, token) in enumerate(zip(parts, tokens, strict=True))
        if is_word(token)
    ]


def _shape(tokens: Tokens) -> Tokens:
    """The words of the vocabulary and the signs: lines of another shape cannot be of one group by names alone."""
    return tuple(token if token.lower() in WORDS or not is_word(token) else VALUE for token in tokens)


def _joint(tokens: Tokens) -> Tokens:
    return tuple(VALUE if is_word(token) and weight(token) >= STRONG else token for token in tokens)


def _remove(index: dict[Tokens, list[int]], key: Tokens, number: int) -> None:
    index[key].remove(number)
    if not index[key]:
        del index[key]


def _fits(tokens: Tokens, pattern: Tokens) -> bool:
    """Whether the line reads like the pattern, with a name wherever that has a value."""
    return all(wanted in (token, VALUE) for token, wanted in zip(tokens, pattern, strict=True))


def _collapsed(tokens: Tokens) -> Tokens:
    """Values in a row, with or without one and the same kind of sign between them, are a list: one value."""
    found: list[str] = []
    for token in tokens:
        if token == VALUE and found:
            if found[-1] == VALUE:
                continue
            if found[-1] in _LINKS and len(found) > 1 and found[-2] == VALUE:
                found.pop()
                continue
        found.append(token)
    return tuple(found)
