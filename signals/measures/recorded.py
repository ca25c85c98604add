"""A stand-in that ships with the product: what users did, held in memory, and put together user by user.

It is slow and plain, so that what `databases` does in a few passes can be held against it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from cases.errors import SourceDown
from cases.measure import EVERYBODY, OTHERS, Measured, Tally, Users
from config.experiments import MeasureSettings
from inference.experiments.arm import Arm
from signals.measures.tallies import (
    ENOUGH,
    PLACES,
    below_zero,
    check,
    columns_of,
    label,
    tally,
    unknown_variants,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """A user saw a variant. `traits` are what was known of them then."""

    unit: str
    variant: str
    at: datetime
    flag: str
    traits: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """A user did something; `base` is of a ratio."""

    unit: str
    at: datetime
    value: float = 1.0
    base: float = 0.0


@dataclass(slots=True, kw_only=True)
class RecordedMeasures:
    """`Measures` over rows in memory.

    measures  signal → how it is measured; of its settings the query and the source are not asked
    events    signal → what users did, in any order; what is not finite is no event
    """

    measures: Mapping[str, MeasureSettings]
    exposures: Sequence[Exposed]
    events: Mapping[str, Sequence[Did]]
    _down: str = field(default="", init=False)

    def down(self, because: str) -> None:
        """From now on it cannot be read."""
        self._down = because

    def look(self, wanted: Measured) -> Users:
        """Look now. See `Measures`."""
        check(wanted, self.measures)
        if self._down:
            raise SourceDown("recorded", self._down)
        rows = [row for row in self.exposures if row.flag == wanted.flag and wanted.since <= row.at < wanted.until]
        users = _users(rows, wanted)
        known = {unit: one for unit, one in users.items() if one.crossed or one.first.variant in wanted.variants}
        _check_variants(wanted, users)
        meant = {unit: one for unit, one in known.items() if _is_meant(one, wanted)}
        counted = {unit: one for unit, one in meant.items() if not one.crossed}
        heads = Counter(one.first.variant for one in counted.values())
        read = [row.at for row in rows]
        tallies: dict[tuple[str, str, str], Tally] = {}
        for signal in wanted.signals:
            events = self._events(wanted, signal)
            read += [event.at for event in events]
            tallies |= self._tallies(wanted, signal, counted, events)
        return Users(
            exposed={variant: heads[variant] for variant in wanted.variants},
            crossed=len(meant) - len(counted),
            tallies=tallies,
            first=min((one.first.at for one in known.values()), default=None),
            newest=max(read, default=None),
            rows=len(read),
        )

    def _events(self, wanted: Measured, signal: str) -> list[Did]:
        measure = self.measures[signal]
        since = wanted.since - measure.before if measure.before is not None else wanted.since
        events = [
            event
            for event in self.events.get(signal, ())
            if since <= event.at < wanted.until
            and (measure.kind == "share" or np.isfinite((event.value, event.base)).all())
        ]
        if measure.kind == "revenue" and (below := [event for event in events if event.value < 0]):
            raise below_zero(signal, len(below), below[0].at)
        return events

    def _tallies(
        self, wanted: Measured, signal: str, counted: Mapping[str, "_User"], events: Sequence[Did]
    ) -> dict[tuple[str, str, str], Tally]:
        measure = self.measures[signal]
        values, bases, earlier = (
            defaultdict[str, float](float),
            defaultdict[str, float](float),
            defaultdict[str, float](float),
        )
        for event in events:
            if (one := counted.get(event.unit)) is None:
                continue
            since = event.at - one.first.at
            if event.at >= one.first.at and (wanted.cohort is None or since < wanted.cohort):
                values[event.unit] += 1 if measure.kind == "share" else event.value
                bases[event.unit] += event.base
            elif event.at < one.first.at and measure.before is not None and -since <= measure.before:
                earlier[event.unit] += 1 if measure.kind == "share" else event.value
        order = sorted(counted)
        columns = [np.array([of[unit] for unit in order]) for of in (values, bases, earlier)]
        if measure.kind == "share":
            columns = [np.minimum(column, 1) for column in columns]
        if measure.kind == "revenue" and order:
            columns = [np.minimum(column, np.quantile(column, measure.winsorise)) for column in columns]
        names = columns_of(measure)
        tallies: dict[tuple[str, str, str], Tally] = {}
        for segment, inside in _segments(wanted, [counted[unit] for unit in order]).items():
            for variant in wanted.variants:
                mine = np.array([counted[u].first.variant == variant for u in order], dtype=bool) & inside
                value, base, before = (column[mine] for column in columns)
                arm = Arm.of(
                    value, base=base if "base" in names else None, before=before if "before" in names else None
                )
                tallies[segment, signal, variant] = tally(arm)
        return tallies


@dataclass(slots=True, kw_only=True)
class _User:
    first: Exposed
    crossed: bool


def _users(rows: Sequence[Exposed], wanted: Measured) -> dict[str, _User]:
    """Each user at their first exposure. All variants that the experiment does not know are one."""
    by_unit = defaultdict[str, list[Exposed]](list)
    for row in rows:
        by_unit[row.unit].append(row)
    place = {variant: number for number, variant in enumerate(wanted.variants)}
    return {
        unit: _User(
            first=min(own, key=lambda row: (row.at, place.get(row.variant, len(place)), sorted(row.traits.items()))),
            crossed=len({place.get(row.variant) for row in own}) > 1,
        )
        for unit, own in by_unit.items()
    }


def _check_variants(wanted: Measured, users: Mapping[str, _User]) -> None:
    strangers = [one for one in users.values() if not one.crossed and one.first.variant not in wanted.variants]
    seen = {one.first.variant for one in users.values()}
    missing = [variant for variant in wanted.variants if variant not in seen]
    if missing and len(strangers) >= ENOUGH:
        raise unknown_variants(wanted, missing, sorted({one.first.variant for one in strangers})[:8], len(strangers))


def _is_meant(one: _User, wanted: Measured) -> bool:
    """Whether the user is of the segment, and was there long enough."""
    inside = all(one.first.traits.get(name, "") in values for name, values in wanted.segment.items())
    return inside and (wanted.cohort is None or one.first.at <= wanted.until - wanted.cohort)


def _segments(wanted: Measured, users: Sequence[_User]) -> dict[str, np.ndarray]:
    """Segment → which users are of it."""
    found = {EVERYBODY: np.ones(len(users), dtype=bool)}
    if not wanted.by:
        return found
    values = [one.first.traits.get(wanted.by, "") for one in users]
    counts = Counter(values)
    often = sorted(counts, key=lambda value: (-counts[value], value))[:PLACES]
    for value in sorted(counts):
        name = label(value) if value in often else OTHERS
        mine = np.array([value == own for own in values], dtype=bool)
        found[name] = found.get(name, np.zeros(len(users), dtype=bool)) | mine
    return found
