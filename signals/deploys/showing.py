"""Showing: since when a metric shows a version of a service: a commit, or an image's tag."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from cases.errors import SourceDown
from cases.moments import EPOCH, from_milliseconds
from cases.ports import SignalSource
from cases.telemetry import DAY, SeriesBlock, Signal
from signals.promql import grouped, selector

SECOND = timedelta(seconds=1)

Reading = Callable[[Mapping[str, str]], str]
"""From a series's labels to the version that it shows, or "" for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """The versions that a metric with one series a version shows.

    version     reads it from the labels of a series
    grouped_by  the label that is asked for alone, so that a series a pod becomes a series a version; "" asks for all
    match       labels that a series must have, as anchored regular expressions

    A version begins at its first sample when it was not there just before: it is found on a grid of `step` and then
    dated to the second (up to a scrape interval late, as a metric is only seen when scraped). With several instances,
    or during a rollout, the first instance counts.
    A version is gone only once others alone were seen for `gone_after`; so an instance that misses a scrape makes no
    deploy, and an old version that comes back after another one does. Silence of all instances ends nothing.
    What showed before the window is read from `lead_in` before it and did not begin in the window: when it did is not
    known. A service that is seen for the first time in all that did begin.
    """

    source: SignalSource
    metric: str
    service_label: str
    version: Reading
    grouped_by: str = ""
    match: Mapping[str, str] = field(default_factory=dict[str, str])
    step: timedelta = timedelta(seconds=15)
    lead_in: timedelta = DAY
    gone_after: timedelta = timedelta(minutes=2)

    def began(self, service: str, since: datetime, until: datetime) -> tuple[tuple[datetime, str], ...]:
        """(when, version) for each that began in the window, oldest first. SourceDown, also for a partial answer."""
        appeared = [(at, version) for version, at in self._appearances(service, since, until) if at >= since]
        dated = [(self._first_sample(service, version, at), version) for at, version in appeared]
        return tuple(sorted(entry for entry in dated if since <= entry[0] <= until))

    def at(self, service: str, at: datetime) -> tuple[str, ...]:
        """The versions that showed at a moment, or when the service was last seen in the `lead_in` before it.

        Sorted; more than one during a rollout. Raises SourceDown, also for a partial answer.
        """
        start = _floor(at - self.lead_in, self.step)
        seen = list(self._sightings(self._read(service, start, at, self.step)))
        return tuple(sorted(seen[-1][1])) if seen else ()

    def silence(self, service: str, at: datetime) -> str:
        """Why nothing shows at a moment, for people; "" when something does. Raises SourceDown."""
        block = self._read(service, _floor(at - self.lead_in, self.step), at, self.step)
        if any(True for _ in self._sightings(block)):
            return ""
        wanted = selector(self.metric, {self.service_label: service}, self.match)
        if not block.labels:
            return f"{self.source.name} has no series {wanted}"
        labels = sorted({name for labels in block.labels for name in labels} - {"__name__"})
        return f"no series {wanted} names a version; its labels are {', '.join(labels) or 'none'}"

    def _appearances(self, service: str, since: datetime, until: datetime) -> Iterator[tuple[str, datetime]]:
        """(version, the first point of the grid that has it) for whatever came after something else, or first."""
        # The grid stands still (it is a multiple of the step), so that every poll finds a deploy at the same point.
        start = _floor(since - self.lead_in, self.step)
        last_seen: dict[str, datetime] = {}
        without: dict[str, datetime] = {}  # since when only others are seen
        for at, versions in self._sightings(self._read(service, start, until, self.step)):
            for version in sorted(versions):
                gone = version in without and at - without[version] >= self.gone_after
                if (version not in last_seen and at != start) or gone:
                    yield version, at
                last_seen[version] = at
                without.pop(version, None)
            for version in last_seen.keys() - versions:
                without.setdefault(version, at)

    def _first_sample(self, service: str, version: str, at: datetime) -> datetime:
        """When the version really first showed, between the point before and the one that has it."""
        fine = self._read(service, min(at, at - self.step + SECOND), at, SECOND)
        moments = (moment for moment, versions in self._sightings(fine) if version in versions)
        return next(moments, at)

    def _read(self, service: str, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        query = selector(self.metric, {self.service_label: service}, self.match)
        signal = Signal(
            name=self.metric,
            service=service,
            source=self.source.name,
            query=grouped(query, self.grouped_by) if self.grouped_by else query,
        )
        block = self.source.read(signal, start, end, step)
        if block.partial:
            raise SourceDown(self.source.name, f"the deploy markers of {service} are not whole: {block.partial}")
        return block

    def _sightings(self, block: SeriesBlock) -> Iterator[tuple[datetime, frozenset[str]]]:
        """(moment, the versions seen then) wherever any is seen, oldest first."""
        named = [(row, version) for row, labels in enumerate(block.labels) if (version := self.version(labels))]
        if not named:
            return
        present = ~block.missing[np.array([row for row, _ in named])]
        for column in np.flatnonzero(present.any(axis=0)):
            versions = frozenset(named[row][1] for row in np.flatnonzero(present[:, column]))
            yield from_milliseconds(int(block.times[column])), versions


def _floor(at: datetime, step: timedelta) -> datetime:
    return EPOCH + (at - EPOCH) // step * step
