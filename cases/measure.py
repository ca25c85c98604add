"""What is measured of users behind a flag: per variant what every look needs, and nothing of any one user."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cases.moments import utc

EVERYBODY = ""
"""The segment of all users."""
OTHERS = "(others)"
"""What users are called whose value of a property is one of too many to be shown apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEffect:
    """What is known of the effect in one segment.

    users      of the control and of the treated arm
    lift       more is better, as `low` and `high`, its interval: for all segments at once, and at every look. None
               where nothing can be said of it yet, and `because` says why
    """

    segment: str
    users: tuple[int, int]
    lift: float | None = None
    low: float | None = None
    high: float | None = None
    because: str = ""

    @property
    def word(self) -> str:
        """What may be said of it: a difference only where the whole interval lies on one side of nothing."""
        if self.low is None or self.high is None:
            return "not known"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no difference shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """The effects in the segments of one look.

    by       the property whose values the segments are
    most     how many share the chance of an error
    because  why nothing is said of any, or ""
    """

    by: str
    most: int
    effects: tuple[SegmentEffect, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The users of one variant on one metric, as sums that add up: see `inference.experiments.arm.Arm`.

    columns  "value", then "base" (of a ratio) and "before" (the same user's value before) where there are any
    means    [columns]; `scatter` [columns][columns], the sums of the products of the deviations from the means
    """

    columns: tuple[str, ...]
    users: int
    means: tuple[float, ...]
    scatter: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is asked of the users behind a flag.

    signals    the watches whose measures are read: the primary one, then the guardrails
    variants   the control, then the treated
    since      exposures from then on count; `until`: those, and events, before then
    cohort     how long after their first exposure a user's events count; None: until now (users are still open)
    segment    property → the values that are meant; empty for everybody
    by         a property whose values are shown apart; "" for none
    """

    service: str
    flag: str
    variants: tuple[str, ...]
    signals: tuple[str, ...]
    since: datetime
    until: datetime
    cohort: timedelta | None = None
    segment: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    by: str = ""

    def __post_init__(self) -> None:
        utc(self.since, "the beginning of a measurement")
        utc(self.until, "the end of a measurement")


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """What one look saw.

    exposed   variant → users that count (of the segment, and of the cohort), each once, at their first exposure
    crossed   such users that saw more than one variant: they are left out of everything, and counted here
    tallies   (segment, signal, variant) → the sums; segment EVERYBODY always, and each value of `by` that was seen
    first     the first exposure; None while there is none
    newest    the newest exposure or event that was read
    rows      how many rows were read for this look
    """

    exposed: Mapping[str, int]
    crossed: int
    tallies: Mapping[tuple[str, str, str], Tally]
    first: datetime | None
    newest: datetime | None
    rows: int


class Measures(Protocol):
    """Reads what users behind flags did."""

    def look(self, wanted: Measured) -> Users:
        """Look now.

        Raises SourceDown where a source does not answer, TemporaryError where there is no room to put it together, and
        PermanentError where only a human can help: a metric without a measure or whose source is gone, a query that is
        refused, a revenue below zero.
        """
        ...
