"""How far a long command is, on standard error: one line that changes on a terminal, a line now and then in a file."""

from dataclasses import dataclass, field
from typing import TextIO

from cases.ports import Clock

PATIENCE_S = 2.0  # so long nobody wonders
BETWEEN_S = 10.0  # of two lines in a file
FLICKER_S = 0.1
LONGEST = 100
_AFRESH = "\r\x1b[K"


@dataclass(slots=True)
class Progress:
    """Call it as often as there is something to say; what it says must be printable."""

    clock: Clock
    out: TextIO
    _began: float = field(init=False)
    _last: float = field(init=False, default=float("-inf"))
    _open: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._began = self.clock.monotonic()

    def __call__(self, what: str) -> None:
        """Show it, unless the last line was shown a moment ago."""
        now = self.clock.monotonic()
        if self.out.isatty():
            if now - self._last >= FLICKER_S:
                self._write(f"{_AFRESH}{_clean(what)}", now)
                self._open = True
        elif now - self._began >= PATIENCE_S and now - self._last >= BETWEEN_S:
            self._write(f"{_clean(what)}\n", now)

    def close(self) -> None:
        """Leave the terminal's line as it was found."""
        if self._open:
            self._open = False
            self._write(_AFRESH, self._last)

    def _write(self, text: str, now: float) -> None:
        self._last = now
        self.out.write(text)
        self.out.flush()


def _clean(what: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in what)[:LONGEST]
