r"""Regular expressions as Go's regexp has them, in time that grows with the text and the expression, and no faster.

Python's own go back over the text: `(a+)+$` takes longer than a night over forty letters, and whoever may write a
silence could stop the daemon with one. Here all ways through are walked at once (Thompson's construction). What Go's
syntax has and this has not (`\b`, `\\pN`, `[[:alpha:]]`) is refused by name, never guessed.

Syntax: https://github.com/google/re2/wiki/Syntax
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

MOST_STATES = 2_000
LONGEST_TEXT = 2_000
DEEPEST = 50

_CLASSES = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 10), (12, 13), (32, 32)),
}
_CONTROLS = {"t": 9, "n": 10, "r": 13, "f": 12, "v": 11, "a": 7}
_LAST = 0x10FFFF
_NEWLINE = 10


class Unreadable(ValueError):  # noqa: N818 - it is what the expression is, and reads as one where it is caught
    """The expression is none, or has something that is not known here: what, in words."""


@dataclass(frozen=True, slots=True)
class _Letters:
    """One letter out of ranges of code points; with `fold` in either case."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False
    fold: bool = False

    def has(self, letter: str) -> bool:
        forms = {letter, letter.lower(), letter.upper()} if self.fold else {letter}
        inside = any(low <= ord(form) <= high for form in forms if len(form) == 1 for low, high in self.ranges)
        return inside is not self.negated


@dataclass(frozen=True, slots=True)
class _End:
    """The beginning or the end of the text."""

    first: bool


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: "tuple[_Node, ...]"


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: "tuple[_Node, ...]"


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: "_Node"
    least: int
    most: int | None


_Node: TypeAlias = _Letters | _End | _Sequence | _Choice | _Repeat


@dataclass(slots=True)
class Regular:
    """A compiled expression."""

    _steps: list[_Letters | _End | None] = field(default_factory=list["_Letters | _End | None"], init=False)
    _ways: list[list[int]] = field(default_factory=list[list[int]], init=False)
    _begin: int = field(default=0, init=False)

    @classmethod
    def of(cls, expression: str) -> "Regular":
        """Compile it. Raises Unreadable."""
        made = cls()
        root = _Parser(expression).whole()
        end = made._state()  # the state 0: everything was read
        made._begin = made._before(root, end)
        return made

    def matches(self, text: str) -> bool:
        """Whether it matches the whole of the text; one that is too long is matched by none."""
        if len(text) > LONGEST_TEXT:
            return False
        states = self._reached([self._begin], first=True, last=not text)
        for place, letter in enumerate(text, start=1):
            after = [
                way
                for state in states
                if isinstance(step := self._steps[state], _Letters) and step.has(letter)
                for way in self._ways[state]
            ]
            states = self._reached(after, first=False, last=place == len(text))
            if not states:
                return False
        return 0 in states

    def _reached(self, states: Iterable[int], *, first: bool, last: bool) -> set[int]:
        """These states, and all that can be reached from them without a letter."""
        found: set[int] = set()
        edge = list(states)
        while edge:
            state = edge.pop()
            if state in found:
                continue
            found.add(state)
            step = self._steps[state]
            if step is None or (isinstance(step, _End) and (first if step.first else last)):
                edge += self._ways[state]
        return found

    def _state(self, step: _Letters | _End | None = None, *ways: int) -> int:
        if len(self._steps) >= MOST_STATES:
            raise Unreadable("it is too long when its repetitions are written out")
        self._steps.append(step)
        self._ways.append(list(ways))
        return len(self._steps) - 1

    def _before(self, node: _Node, after: int) -> int:
        """The state from which the node leads to the one after it."""
        match node:
            case _Letters() | _End():
                return self._state(node, after)
            case _Sequence(parts=parts):
                for part in reversed(parts):
                    after = self._before(part, after)
                return after
            case _Choice(ways=ways):
                return self._state(None, *(self._before(way, after) for way in ways))
            case _Repeat(part=part, least=least, most=most):
                if most is None:
                    again = self._state(None, after)
                    self._ways[again].append(self._before(part, again))
                    after = again
                for _ in range(0 if most is None else most - least):
                    after = self._state(None, after, self._before(part, after))
                for _ in range(least):
                    after = self._before(part, after)
                return after


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._depth = 0
        self._fold = self._newline = False

    def whole(self) -> _Node:
        """The whole of it."""
        node = self._choice()
        if self._place < len(self._text):
            raise Unreadable("a ) closes nothing")
        return node

    def _next(self) -> str:
        return self._text[self._place : self._place + 1]

    def _taken(self, word: str) -> bool:
        if not self._text.startswith(word, self._place):
            return False
        self._place += len(word)
        return True

    def _letter(self) -> str:
        letter = self._next()
        if not letter:
            raise Unreadable("it breaks off")
        self._place += 1
        return letter

    def _choice(self) -> _Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unreadable("its groups are nested too deeply")
        flags = self._fold, self._newline
        ways = [self._sequence()]
        while self._taken("|"):
            ways.append(self._sequence())
        self._fold, self._newline = flags
        self._depth -= 1
        return ways[0] if len(ways) == 1 else _Choice(tuple(ways))

    def _sequence(self) -> _Node:
        parts: list[_Node] = []
        while self._next() not in {"", "|", ")"}:
            part = self._part()
            if part is not None:
                parts.append(self._repeated(part))
        return _Sequence(tuple(parts))

    def _part(self) -> _Node | None:
        """One part; None for flags, which are no part."""
        match letter := self._letter():
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return _Letters(((_NEWLINE, _NEWLINE),) if not self._newline else (), negated=True)
            case "^" | "$":
                return _End(first=letter == "^")
            case "\\":
                return self._escaped()
            case "*" | "+" | "?":
                raise Unreadable(f"{letter} repeats nothing")
            case _:
                return self._literal(ord(letter))

    def _group(self) -> _Node | None:
        fold, newline = self._fold, self._newline
        if self._taken("?P<") or self._taken("?<"):
            name, _, _ = self._text[self._place :].partition(">")
            if not name.isidentifier():
                raise Unreadable("it has a group that is not known here")
            self._place += len(name) + 1
        elif self._taken("?") and not self._taken(":"):
            on = True
            while (letter := self._letter()) not in {":", ")"}:
                if letter not in "is-":
                    raise Unreadable(f"it has a flag that is not known here ({letter})")
                on = on and letter != "-"
                self._fold = on if letter == "i" else self._fold
                self._newline = on if letter == "s" else self._newline
            if letter == ")":
                return None  # from here to the end of the group around it
        node = self._choice()
        if not self._taken(")"):
            raise Unreadable("a ( is not closed")
        self._fold, self._newline = fold, newline
        return node

    def _repeated(self, part: _Node) -> _Node:
        least: int
        most: int | None
        if self._taken("*"):
            least, most = 0, None
        elif self._taken("+"):
            least, most = 1, None
        elif self._taken("?"):
            least, most = 0, 1
        elif self._next() == "{" and (counted := self._counted()):
            least, most = counted
        else:
            return part
        self._taken("?")  # which way is tried first does not matter here
        if self._next() in {"*", "+", "?"}:
            raise Unreadable("a repetition is repeated")
        return _Repeat(part, least, most)

    def _counted(self) -> tuple[int, int | None] | None:
        """What `{2,5}` says; None where the braces are plain letters."""
        inside, closed, _ = self._text[self._place + 1 :].partition("}")
        low, comma, high = inside.partition(",")
        numbers = [low, *([high] if high else [])]
        if not closed or not all(number.isascii() and number.isdecimal() for number in numbers):
            return None
        self._place += len(inside) + 2
        least, most = int(low[:6]), int(high[:6]) if high else None if comma else int(low[:6])
        if most is not None and most < least:
            raise Unreadable("a repetition ends before it begins")
        if max(least, most or 0) > MOST_STATES:
            raise Unreadable("it is too long when its repetitions are written out")
        return least, most

    def _escaped(self) -> _Node:
        letter = self._letter()
        if letter.lower() in _CLASSES:
            return _Letters(_CLASSES[letter.lower()], negated=letter.isupper())
        if letter in {"A", "z"}:
            return _End(first=letter == "A")
        return self._literal(self._code(letter))

    def _code(self, letter: str) -> int:
        """The letter that an escape stands for."""
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter == "x":
            digits = self._digits()
            try:
                code = int(digits, 16)
            except ValueError:
                raise Unreadable("an \\x has no number behind it") from None
            if code > _LAST:
                raise Unreadable("an \\x stands for no letter")
            return code
        if letter.isalnum():
            raise Unreadable(f"it has something that is not known here (\\{letter})")
        return ord(letter)

    def _digits(self) -> str:
        if self._taken("{"):
            digits, _, _ = self._text[self._place :].partition("}")
            self._place += len(digits) + 1
            return digits
        self._place += 2
        return self._text[self._place - 2 : self._place]

    def _literal(self, code: int) -> _Letters:
        return _Letters(((code, code),), fold=self._fold)

    def _class(self) -> _Letters:
        negated = self._taken("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self._taken("]"):
            first = False
            if self._next() == "[" and self._text[self._place + 1 : self._place + 2] == ":":
                raise Unreadable("it has something that is not known here ([:)")
            ranges += self._range()
        return _Letters(tuple(ranges), negated=negated, fold=self._fold)

    def _range(self) -> tuple[tuple[int, int], ...]:
        low = self._one_of_class()
        if isinstance(low, tuple):
            return low
        behind = self._text[self._place + 1 : self._place + 2]
        if self._next() != "-" or behind in {"]", ""}:
            return ((low, low),)
        self._place += 1
        high = self._one_of_class()
        if isinstance(high, tuple) or high < low:
            raise Unreadable("a range of letters ends before it begins")
        return ((low, high),)

    def _one_of_class(self) -> int | tuple[tuple[int, int], ...]:
        letter = self._letter()
        if letter != "\\":
            return ord(letter)
        escaped = self._letter()
        if escaped in _CLASSES:
            return _CLASSES[escaped]
        if escaped.lower() in _CLASSES:
            return _others(_CLASSES[escaped.lower()])
        return self._code(escaped)


def _others(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Every letter that is in none of the ranges."""
    found: list[tuple[int, int]] = []
    begin = 0
    for low, high in ranges:
        if low > begin:
            found.append((begin, low - 1))
        begin = high + 1
    return (*found, (begin, _LAST))
