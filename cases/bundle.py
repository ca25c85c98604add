"""Bundle: all that is known of one incident, over every service: what a ranking of its suspects reads.

Texts in it (messages, stacks, names) are data from outside. Entries, stacks and errors can be written by anybody who
makes a service log; series, spans, deploys, flags and commits come from the platform itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import numpy as np

from cases.diagnosis import Commit
from cases.moments import utc
from cases.telemetry import Deploy, Floats, Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What was raised. `fired` is when the alert came, which is later than the onset."""

    service: str
    metric: str
    summary: str
    fired: datetime

    def __post_init__(self) -> None:
        utc(self.fired, "an alert")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """One metric of one service. times int64 epoch ms [T], ascending; values float64 [T], finite."""

    times: Millis
    values: Floats

    def __post_init__(self) -> None:
        if self.times.shape != self.values.shape or self.times.ndim != 1:
            raise ValueError(f"readings of {self.times.shape} times and {self.values.shape} values")
        if not np.all(np.isfinite(self.values)):
            raise ValueError("readings are finite numbers: what is missing is left out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One log entry. `at` is epoch milliseconds; `error` and `stack` may be ""."""

    at: int
    service: str
    severity: str
    message: str
    error: str = ""
    stack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span of a trace. `at` is epoch milliseconds, `duration` milliseconds; `parent` "" for a root."""

    trace: str
    id: str
    parent: str
    service: str
    name: str
    at: int
    duration: float
    failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A feature flag that was changed; `change` is what became of it, as the flag system says."""

    at: datetime
    service: str
    flag: str
    change: str

    def __post_init__(self) -> None:
        utc(self.at, "a flag's change")


Series: TypeAlias = Mapping[tuple[str, str], Readings]
"""(service, metric) → its readings."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """One incident. `commits` are newest first. Whatever was not recorded is empty."""

    alert: Alert
    series: Series = field(default_factory=dict[tuple[str, str], Readings])
    entries: tuple[Entry, ...] = ()
    spans: tuple[Span, ...] = ()
    deploys: tuple[Deploy, ...] = ()
    flips: tuple[Flip, ...] = ()
    commits: tuple[Commit, ...] = ()
