"""What is said when a configuration cannot be used: where, which key, what is wrong, and what would be right.

A value is echoed only through `shown`, so that a secret in the wrong place is not printed back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cases.errors import PermanentError

_LONGEST_ECHO = 60
_SECRET_LENGTH = 20  # tokens, keys and webhook paths are at least this long; our own words are shorter


class Unusable(PermanentError):  # noqa: N818 - it is a state of the value, and reads as one where it is caught
    """One value that cannot be used: `problem` says what is wrong with it, `hint` what would be right."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(f"{problem}; {hint}")
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong in a file. `line` counts from 1; 0 and an empty `key` mean the file as a whole.

    `file` is the included file that it stands in, or "" for the one that was named.
    """

    file: str = ""
    line: int = 0
    key: str = ""
    problem: str
    hint: str

    def sentence(self, file: str) -> str:
        """`trackwalker.yaml:12: watch[0].harm: "sideways" is not up or down; write harm: up`."""
        file = self.file or file
        where = f"{file}:{self.line}" if self.line else file
        return ": ".join(part for part in (where, self.key, f"{self.problem}; {self.hint}") if part)


class ConfigError(PermanentError):
    """A file cannot be used. `mistakes` are all of them, by line; its text has one a line.

    `line`, `key`, `problem` and `hint` are those of the first. None of them holds a secret.
    """

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        self.file = file
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line)))
        super().__init__("\n".join(mistake.sentence(file) for mistake in self.mistakes))

    @property
    def line(self) -> int:
        """The line of the first mistake, from 1; 0 for the file as a whole."""
        return self.mistakes[0].line

    @property
    def key(self) -> str:
        """The key of the first mistake, as in `watch[0].harm`."""
        return self.mistakes[0].key

    @property
    def problem(self) -> str:
        """What is wrong first."""
        return self.mistakes[0].problem

    @property
    def hint(self) -> str:
        """What would be right there."""
        return self.mistakes[0].hint


def shown(value: object) -> str:
    """A value as a message may repeat it: short, printable, and nothing that may be a credential."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str() if _may_be_secret(value):
            return "the value"
        case str():
            return f'"{printable(value)}"'
        case list() | tuple():
            return "a list"
        case _:
            return "a group of keys"


def printable(text: str) -> str:
    """The text with control, bidi and zero-width characters written as escapes, cut at 60 characters."""
    cut = text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in cut)


def named(key: str) -> str:
    """A key as a message may repeat it: a credential can end up as a key, as in `forge: {ghp_…}`."""
    return "…" if _may_be_secret(key) else printable(key)


def _may_be_secret(text: str) -> bool:
    """Whether it has the look of one: credentials in a URL or address, or a long word of letters and digits."""
    return "@" in text or any(
        len(word) >= _SECRET_LENGTH and any(letter.isdigit() for letter in word) for word in text.split()
    )
