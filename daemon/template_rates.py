"""Template rates: a Loki whose watches may name `templates`, the rates of what its log says, beside its own queries.

The rates are counted by the tail from the lines that it reads: nothing is asked of the server for them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cases.errors import PermanentError
from cases.ports import SignalSource
from cases.telemetry import SeriesBlock, Signal
from daemon.tail import Tail
from detectors.templates.levels import Level
from signals.grid import MILLISECOND, grid
from signals.loki.source import asks_for_templates

_QUERY = re.compile(r"templates(?:\s*>=\s*(?P<level>[a-z]+))?")
_WORST_FIRST = (Level.FATAL, Level.ERROR, Level.WARNING, Level.INFO, Level.DEBUG)


@dataclass(frozen=True, slots=True)
class WithTemplates:
    """A `SignalSource` before a Loki.

    `templates` is every template of the watch's service, a series each; `templates >= warning` those whose lines say
    that they are so bad, or worse.
    """

    inner: SignalSource
    tail: Tail

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self.inner.name

    def probe(self) -> str:
        """Reach the Loki and say what it is. Raises SourceDown or PermanentError."""
        return self.inner.probe()

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read the signal on the grid from `start` to `end`, both included. See `SignalSource`."""
        if not asks_for_templates(signal.query):
            return self.inner.read(signal, start, end, step)
        times = grid(start, end, step)
        labels, values = self.tail.rates(self.name, signal.service, times, step // MILLISECOND, _levels(signal))
        return SeriesBlock(signal=signal, labels=labels, times=times, values=values, missing=np.isnan(values))

    def close(self) -> None:
        """Close the Loki's connections."""
        close = getattr(self.inner, "close", None)
        if close is not None:
            close()


def with_templates(sources: Mapping[str, SignalSource], tail: Tail) -> dict[str, SignalSource]:
    """The sources, of which those that the tail follows answer for templates as well."""
    followed = {one.source.name for one in tail.sources}
    return {name: WithTemplates(source, tail) if name in followed else source for name, source in sources.items()}


def _levels(signal: Signal) -> frozenset[Level]:
    found = _QUERY.fullmatch(signal.query.strip())
    least = found["level"] if found is not None else None
    if found is None or (least is not None and least not in _WORST_FIRST):
        levels = ", ".join(_WORST_FIRST)
        raise PermanentError(
            f"{signal.source}: `{signal.query[:100]}` is no query for templates. Write `templates`, or "
            f"`templates >= warning` with one of {levels}"
        )
    return frozenset(Level if least is None else _WORST_FIRST[: _WORST_FIRST.index(Level(least)) + 1])
