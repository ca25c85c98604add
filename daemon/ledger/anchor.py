"""The anchor: the audit's newest hash, kept in a file outside the database, so that nobody can rewrite both unseen.

A line `seq hash` is added after each commit that wrote to the audit. The file may lag behind the database (a daemon
that is killed between the two, a power cut), and never leads it.
"""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from cases.errors import PermanentError

NAME = "audit.anchor"
NEWEST = 10_000  # lines that are all kept
EVERY = 100  # of the older ones, one for so many numbers
_SLACK = 2_000  # how many more lines there may be before the file is written anew
_LINE = 72  # bytes of a line, about

log = logging.getLogger("trackwalker.audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """What an anchor says: the line of that number had that hash."""

    seq: int
    hash: str


class AnchorFile:
    """One daemon's anchor. Safe for the threads of one process; two daemons have two files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._lines = _count(path)
        self._newest = 0

    def add(self, anchored: Anchored) -> None:
        """Remember it. A file that cannot be written is logged: it holds no work up."""
        with self._lock:
            if anchored.seq <= self._newest:
                return  # two commits of two threads arrive here in any order, and the newer one says more
            try:
                with self.path.open("a", encoding="ascii") as file:
                    file.write(f"{anchored.seq} {anchored.hash}\n")
                self._newest = anchored.seq
                self._lines += 1
                if self._lines > NEWEST + _SLACK:
                    self._trim()
            except OSError as error:
                log.warning("the audit's anchor %s cannot be written: %s", self.path, error.strerror)

    def _trim(self) -> None:
        """Thin out the old lines: the first one of every hundred numbers stays, however often this is done."""
        lines = self.path.read_text(encoding="ascii").splitlines(keepends=True)
        older, newest = lines[:-NEWEST], lines[-NEWEST:]
        kept = [next(hundred) for _, hundred in groupby(older, lambda line: int(line.split()[0]) // EVERY)]
        beside = self.path.with_suffix(".new")
        beside.write_text("".join((*kept, *newest)), encoding="ascii")
        beside.replace(self.path)
        self._lines = len(kept) + len(newest)


def anchors_in(path: Path) -> tuple[Anchored, ...]:
    """What an anchor file says, in its own order; a last line that was cut short by a power cut is left out.

    Raises PermanentError for a file that cannot be read or is no anchor.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(f"the anchor {path} cannot be read ({error})") from error
    whole = [line.split() for line in lines if line.endswith("\n")]
    if not all(len(words) == 2 and words[0].isdecimal() for words in whole):  # noqa: PLR2004 - number and hash
        raise PermanentError(f"{path} is no anchor of an audit: each of its lines is a number and a hash")
    return tuple(Anchored(seq=int(seq), hash=found) for seq, found in whole)


def anchors_below(folders: Iterable[Path]) -> tuple[Path, ...]:
    """The anchors of all daemons whose own folders are below these."""
    return tuple(sorted({found for folder in folders for found in folder.glob(f"**/{NAME}")}))


def _count(path: Path) -> int:
    try:
        return path.stat().st_size // _LINE
    except OSError:
        return 0
