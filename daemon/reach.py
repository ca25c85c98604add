"""Which services a query has spoken of in the last hour, by the labels of its series."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from cases.moments import from_milliseconds
from cases.ports import SignalSource
from cases.telemetry import SeriesBlock, Signal

LASTING = timedelta(hours=1)
"""How long a service stays watched after its last sample: one that died is missing then, and not forgotten."""

STEP = timedelta(minutes=5)  # Prometheus itself looks back as far at each point
LONGEST_VALUE = 100
_MARKUP = frozenset("@#<>[]`|&!*\\")  # a forge or a chat would ping, link or hide by them


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a query has spoken of: service → the label with its name; `without` series have none of the labels."""

    services: Mapping[str, str]
    without: int = 0


@dataclass(slots=True, kw_only=True)
class Reach:
    """Asks one query for its services, and remembers them for an hour."""

    query: str
    labels: Sequence[str]
    seen: dict[tuple[str, str], datetime] = field(default_factory=dict[tuple[str, str], datetime])
    without: int = 0
    asked: float = float("-inf")  # monotonic seconds

    def ask(self, source: SignalSource, now: datetime, tick: float) -> None:
        """Look again. Raises SourceDown, or PermanentError for a query that is refused; what is known stays then."""
        signal = Signal(name="services", service="", source=source.name, query=self.query)
        block = source.read(signal, now - LASTING, now, STEP)
        self.asked = tick
        self.without = 0
        for label, value, at in _named(block, self.labels):
            if label:
                self.seen[label, value] = max(at, self.seen.get((label, value), at))
            else:
                self.without += 1
        self.seen = {key: at for key, at in self.seen.items() if now - at <= LASTING}

    def reached(self) -> Reached:
        """What is known now."""
        ordered = sorted(self.seen, key=lambda key: (key[1], -self.labels.index(key[0])))
        return Reached(services={value: label for label, value in ordered}, without=self.without)


def service_of(labels: Mapping[str, str], names: Iterable[str]) -> tuple[str, str] | None:
    """The first of the labels that names a service, and the name; None when none does."""
    return next(((name, labels[name]) for name in names if _sound(labels.get(name, ""))), None)


def _named(block: SeriesBlock, names: Sequence[str]) -> Iterable[tuple[str, str, datetime]]:
    """For each series that has samples: the label that names its service ("" for none), the name, its newest time."""
    for row, labels in enumerate(block.labels):
        present = np.flatnonzero(~block.missing[row])
        if len(present):
            label, value = service_of(labels, names) or ("", "")
            yield label, value, from_milliseconds(int(block.times[present[-1]]))


def _sound(value: str) -> bool:
    """Whether it can name a service: foreign text becomes part of messages and keys, and is no markup there."""
    plain = value.isprintable() and _MARKUP.isdisjoint(value) and "://" not in value
    return bool(value.strip()) and plain and len(value) <= LONGEST_VALUE
