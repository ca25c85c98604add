"""The filter behind `trackwalker score`: lines in, lines out, in order, as fast as they come and no later."""

import logging
import math
import os
import select
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cases.errors import PermanentError
from cases.telemetry import Floats, Mask, Millis

log = logging.getLogger("trackwalker.score")

AT_ONCE = 4 << 20  # bytes that are scored together
PIECE = 1 << 18
BUSY = 4096  # a read of at least so much means that more is on its way
LINGER_MS = 5  # how long more is waited for then
LONGEST_LINE = 1 << 20
PUT_BACK_S = 7200.0
"""How far a series may step back in time: a clock that is put back in autumn, or readings that come late, are passed
over with a score of 0. A bigger step is a mistake in the input."""
_FIELDS = 3
_LATEST_S = 1e11  # the year 5138: a bigger number is no count of seconds


class Scorer(Protocol):
    """Whoever judges readings: the engine's streams."""

    def feed(self, names: Sequence[str], times: Millis, values: Floats) -> tuple[Floats, Mask]:
        """(scores in [0, 1], alerts), each [N], for readings at epoch milliseconds with the names of their series."""
        ...


@dataclass(slots=True)
class Readings:
    """The lines of one piece, as columns. `judged` are the places of those that are in order of time."""

    lines: int = 0
    judged: list[int] = field(default_factory=list[int])
    names: list[str] = field(default_factory=list[str])
    seconds: list[float] = field(default_factory=list[float])
    values: list[float] = field(default_factory=list[float])


class Reader:
    """Understands lines, and knows their numbers and the newest time of each series."""

    def __init__(self) -> None:
        self._number = 0
        self._newest: dict[str, float] = {}
        self._late: set[str] = set()

    def read(self, lines: list[str], into: Readings) -> None:
        """Add the lines. Raises PermanentError at the first that is wrong, with its number; those before it are in."""
        for line in lines:
            self._number += 1
            name, seconds, value = self._fields(line)
            newest = self._newest.get(name)
            if newest is not None and seconds < newest:
                self._check_late(name, seconds, newest)
            else:
                self._newest[name] = seconds
                into.judged.append(into.lines)
                into.names.append(name)
                into.seconds.append(seconds)
                into.values.append(value)
            into.lines += 1

    def _fields(self, line: str) -> tuple[str, float, float]:
        fields = line.rstrip("\r").split("\t")
        if len(fields) != _FIELDS or not fields[0]:
            raise self._wrong(f"{line[:80]!r} is not `series<TAB>epoch seconds<TAB>value`")
        name, at, reading = fields
        try:
            seconds = float(at)
        except ValueError:
            raise self._wrong(f"the time {at[:80]!r} is not a number of seconds since 1970") from None
        if not math.isfinite(seconds) or abs(seconds) > _LATEST_S:
            raise self._wrong(f"the time {at[:80]!r} is not a number of seconds since 1970 (are they milliseconds?)")
        if not reading:
            return name, seconds, math.nan
        try:
            return name, seconds, float(reading)
        except ValueError:
            raise self._wrong(
                f"the value {reading[:80]!r} is not a number; leave it empty where it is missing"
            ) from None

    def _check_late(self, name: str, seconds: float, newest: float) -> None:
        if newest - seconds > PUT_BACK_S:
            raise self._wrong(
                f"series {name[:80]!r} goes back in time, from {newest:.15g} to {seconds:.15g}: sort it by time"
            )
        if name not in self._late:
            self._late.add(name)
            log.warning(
                "line %d: series %.80r goes back by %g s; what comes late is passed over with a score of 0 (said once)",
                self._number,
                name,
                newest - seconds,
            )

    def _wrong(self, what: str) -> PermanentError:
        return PermanentError(f"standard input, line {self._number}: {what}")


def run(source: int, sink: int, streams: Scorer, *, alerts: bool) -> None:
    """Score what the file descriptor `source` gives, and write to `sink`, until the end.

    Raises PermanentError with the number of the line that is wrong, once those before it are answered.
    """
    reader = Reader()
    for lines in pieces(source):
        readings = Readings()
        try:
            reader.read(lines, readings)
        finally:
            _answer(sink, readings, streams, alerts=alerts)


def pieces(source: int) -> Iterator[list[str]]:
    """Whole lines: as many as there are, and at once when there is only one."""
    rest = b""
    while True:
        piece = _gather(source)
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        if newline:
            yield whole.decode("utf-8", "surrogateescape").split("\n")
        if len(rest) > LONGEST_LINE:
            raise PermanentError(f"standard input has a line of more than {LONGEST_LINE} bytes")
        if not piece:
            if rest:
                yield [rest.decode("utf-8", "surrogateescape")]
            return


def _gather(source: int) -> bytes:
    """What is there to read, after waiting for the first of it; b"" at the end."""
    gathered = [os.read(source, PIECE)]
    size = len(gathered[0])
    poll = select.poll()
    poll.register(source, select.POLLIN)
    while len(gathered[-1]) >= BUSY and size < AT_ONCE and poll.poll(LINGER_MS):
        gathered.append(os.read(source, PIECE))
        size += len(gathered[-1])
    return b"".join(gathered)


def _answer(sink: int, readings: Readings, streams: Scorer, *, alerts: bool) -> None:
    if not readings.lines:
        return
    times = np.round(np.array(readings.seconds) * 1000).astype(np.int64)
    scored, alerted = streams.feed(readings.names, times, np.array(readings.values))
    far, raised = np.zeros(readings.lines), np.zeros(readings.lines, dtype=np.bool_)
    far[readings.judged], raised[readings.judged] = scored, alerted
    if alerts:
        text = "".join(f"{score:.9g}\t{alert:d}\n" for score, alert in zip(far.tolist(), raised.tolist(), strict=True))
    else:
        text = "".join([f"{score:.9g}\n" for score in far.tolist()])
    left = memoryview(text.encode())
    while left:
        left = left[os.write(sink, left) :]
