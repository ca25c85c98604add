"""Entries of several lines: which lines of a block go on with the one before, as a stack trace does."""

import re
from collections.abc import Sequence

from detectors.blocks import State, joined, state_of

_LONGEST = 1_000  # bytes of a line that say whether it is part of a trace

# The line between a message and its frames, as the JVM and .NET have it.
_NAMES_EXCEPTION = re.compile(
    rb"(?:[a-z_]\w*\.){1,20}[A-Z]\w*(?:\$\w+)?(?::|\s*$)|[A-Z]\w*(?:Exception|Error)(?::|\s*$)"
)


class Wholes:
    """Remembers between blocks whether a trace is still open."""

    def __init__(self) -> None:
        self._state: State | None = None

    @property
    def is_open(self) -> bool:
        """Whether a trace has begun that the next block may go on with by more than its form."""
        return self._state not in {None, State.PLAIN, State.RAISED}

    def end(self, text: str) -> None:
        """Say how a block ended in which nothing goes on."""
        self._state = state_of(text)

    def parts(self, lines: Sequence[bytes], may: Sequence[int], *, first: bool) -> list[int]:
        """The places of lines that go on with the line before, in order.

        `may` are the places where that may begin; `first` says that nothing came before the block.
        """
        found: list[int] = []
        done = -1
        starts = [0, *may] if self.is_open and may[:1] != [0] else may
        state = self._state or State.PLAIN
        for start in starts:
            if start <= done or (start == 0 and first):
                continue
            if start > 0:
                state = state_of(_text(lines[start - 1]))
            if start - 1 > max(done, first - 1) and _NAMES_EXCEPTION.match(lines[start - 1]):
                found.append(start - 1)
            at, after = start, joined(state, _text(lines[start]))
            while after is not None:
                found.append(at)
                state, at = after, at + 1
                after = joined(state, _text(lines[at])) if at < len(lines) else None
            done = at - 1
        self._state = state if found and found[-1] == len(lines) - 1 else state_of(_text(lines[-1]))
        return found


def _text(line: bytes) -> str:
    return line[:_LONGEST].decode("utf-8", "replace").removesuffix("\r")
