"""How a backtest reads: each request is told of, and services that share a query share its answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from cases.moments import EPOCH, from_milliseconds, iso, milliseconds
from cases.ports import SignalSource
from cases.telemetry import SeriesBlock, Signal
from daemon.backtest.columns import between, joined
from signals.shared import picked

FIRST_CHUNK = 128  # points, before it is known how many series there are
MOST_READINGS = 100_000  # of one request: some 3 MB of JSON
LONGEST_CHUNK = 8_192
Read = Callable[[Signal, datetime, datetime, timedelta], SeriesBlock]
_MILLISECOND = timedelta(milliseconds=1)


def chunks(signal: Signal, read: Read, since: datetime, until: datetime, step: timedelta) -> Iterator[SeriesBlock]:
    """The stretch in reads that a source answers within its limits; each point is asked for once."""
    points, at = FIRST_CHUNK, since
    while at <= until:
        end = min(at + (points - 1) * step, at + (until - at) // step * step)
        block = read(signal, at, end, step)
        yield block
        points = max(1, min(LONGEST_CHUNK, MOST_READINGS // max(1, len(block.labels))))
        at = end + step


class Reader:
    """A `SignalSource` before another one.

    `told` hears of each request, in words. Signals with `pick` share the answers to their query as long as no other
    query is asked between them: the services of a family follow one another.
    """

    def __init__(self, source: SignalSource, told: Callable[[str], None]) -> None:
        self._source = source
        self._told = told
        self._query = ""
        self._kept: dict[timedelta, list[SeriesBlock]] = {}

    @property
    def name(self) -> str:
        """The source's own."""
        return self._source.name

    def probe(self) -> str:
        """The source's own answer."""
        return self._source.probe()

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read the signal on the grid from `start` to `end`, both included. Raises as the source does."""
        if not signal.pick:
            return self._ask(signal, start, end, step)
        if signal.query != self._query:
            self._query = signal.query
            self._kept.clear()
        kept = self._kept.setdefault(step, [])
        first = milliseconds(start)
        if kept and (first < int(kept[0].times[0]) or (first - int(kept[0].times[0])) % (step // _MILLISECOND)):
            kept.clear()  # on another grid, or of an earlier time
        begin = from_milliseconds(int(kept[-1].times[-1])) + step if kept else start
        for block in chunks(replace(signal, pick={}), self._ask, begin, end, step):
            kept.append(block)
        parts = [between(block, first, milliseconds(end)) for block in kept]
        parts = [part for part in parts if len(part.times)]
        partial = next((part.partial for part in parts if part.partial), "")
        return picked(replace(joined(signal, parts), partial=partial), signal)

    def _ask(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        self._told(f"reading {signal.key} from {iso(start)}")
        return self._source.read(signal, start, end, step)


def readers(sources: Mapping[str, SignalSource], told: Callable[[str], None]) -> Mapping[str, SignalSource]:
    """Every source behind a `Reader`."""
    return {name: Reader(source, told) for name, source in sources.items()}


def floored(at: datetime, step: timedelta) -> datetime:
    """The last point up to then of the grid that stands still, as the daemon's does."""
    return EPOCH + (at - EPOCH) // step * step
