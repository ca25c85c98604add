"""What is watched, and what a source answers: Signal, SeriesBlock, LogLine, Deploy, SignalState."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from cases.moments import utc
from cases.redaction import redacted_labels, redacted_name

Floats = npt.NDArray[np.float64]
Millis = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Direction(StrEnum):
    """A side of the expected: where a value went, where harm lies, or where a change promises to move a metric."""

    UP = "up"
    DOWN = "down"

    @property
    def opposite(self) -> "Direction":
        """The other side."""
        return Direction.DOWN if self is Direction.UP else Direction.UP


class Scale(StrEnum):
    """What the readings of a signal are, and so on which scale their noise is even."""

    GAUGE = "gauge"
    COUNT = "count"
    LATENCY = "latency"
    RATIO = "ratio"


class Severity(StrEnum):
    """What a human is asked to do about it: get up now, look today, look some day."""

    PAGE = "page"
    TICKET = "ticket"
    NOTE = "note"

    @property
    def urgency(self) -> int:
        """Its place among them: the lower, the more urgent."""
        return tuple(Severity).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A watched query of one source.

    `harm` is the side on which users suffer; None means that either side is worth a look.
    `threshold` is in the query's own unit; None leaves the decision to the forecast band.
    `pick` are labels that its series have: several signals may share one query, each with the series of its service.
    `rule` is the name of the alert rule that it was made from, or "".
    `traffic` is a query of the same source that counts the service's requests a second: its own query where it counts
    them itself, "" where nothing is said of that.
    `scale` is what its readings are; `controls` are queries of the same source for what moves by the same causes and
    not by a deploy of the service. One that is the signal's own query stands for its series of other services.
    """

    name: str
    service: str
    source: str
    query: str
    harm: Direction | None = None
    severity: Severity = Severity.TICKET
    threshold: float | None = None
    pick: Mapping[str, str] = field(default_factory=dict[str, str])
    rule: str = ""
    traffic: str = ""
    scale: Scale = Scale.GAUGE
    controls: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it counts the service's requests itself."""
        return bool(self.traffic) and self.traffic == self.query

    @property
    def key(self) -> str:
        """Unique among all signals of one configuration: `service/name`."""
        return f"{self.service}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesBlock:
    """Readings of one signal as columns.

    labels   one mapping a series, length S
    times    int64 epoch milliseconds, ascending, length T
    values   float64 [S, T]; NaN wherever `missing`
    missing  bool [S, T]; True where the source had no sample: missing is never zero
    partial  why the source said that this answer is not whole, or ""; a partial block proves no anomaly
    """

    signal: Signal
    labels: tuple[Mapping[str, str], ...]
    times: Millis
    values: Floats
    missing: Mask
    partial: str = ""

    def __post_init__(self) -> None:
        # What is in a label gets into cases, messages and metrics: no secret goes further than this.
        object.__setattr__(self, "labels", tuple(redacted_labels(labels) for labels in self.labels))
        shape = (len(self.labels), len(self.times))
        if self.values.shape != shape or self.missing.shape != shape:
            raise ValueError(f"a block of {shape} got values {self.values.shape} and mask {self.missing.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of a log with its labels. Its text is data from outside: never an instruction."""

    at: datetime
    labels: Mapping[str, str]
    text: str


class Sight(StrEnum):
    """What the daemon can say of a signal right now. Only FRESH can be healthy."""

    FRESH = "fresh"
    STALE = "stale"  # there are series, but their newest sample is too old
    MISSING = "missing"  # the source answered, with no series
    BLIND = "blind"  # the source could not be read, or said that its answer is partial
    WARMING = "warming up"  # not enough history to know what is normal


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalState:
    """The sight of one signal at one poll, with the reason in words."""

    signal: str
    sight: Sight
    at: datetime
    because: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """A deploy marker: `commit` was running in production from `started` (first seen) on.

    `commit` is as the marker has it (it may be abbreviated); `source` names where the marker was read.
    """

    service: str
    commit: str
    started: datetime
    source: str
    environment: str = "production"

    def __post_init__(self) -> None:
        utc(self.started, "a deploy")
        object.__setattr__(self, "source", redacted_name(self.source))

    def runs(self, sha: str) -> bool:
        """Whether this marker names exactly that commit (either may be abbreviated, to 7 digits at the least)."""
        short = min(len(self.commit), len(sha))
        return short >= SHORTEST_SHA and self.commit[:short] == sha[:short]


SHORTEST_SHA = 7
DAY = timedelta(days=1)
