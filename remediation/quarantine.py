"""How long a test that came and went is remembered, and a memory of it for one process."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.ports import Clock

HALVES = timedelta(days=14)
"""After how long a sighting weighs half as much."""
LEAST = 0.25
"""The weight below which a test is believed again: one sighting is forgotten after four weeks."""
MOST = 4.0
"""The weight beyond which more sightings add nothing: whatever was mended is believed after eight weeks."""
KEPT = 200
"""Tests of one repository that are remembered, the heaviest. A suite with more is no suite to rest on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """How heavily a test was seen to come and go, as of a moment."""

    weight: float
    at: datetime

    def now(self, now: datetime) -> float:
        """What it weighs now. A clock that was set back makes nothing heavier."""
        halvings: float = max(now - self.at, timedelta()) / HALVES
        return self.weight * math.pow(0.5, halvings)


Sightings = Mapping[str, Sighting]


def known(sightings: Sightings, now: datetime) -> frozenset[str]:
    """The tests that nothing may rest on now."""
    return frozenset(test for test, sighting in sightings.items() if sighting.now(now) >= LEAST)


def seen(sightings: Sightings, flaky: Collection[str], now: datetime) -> Sightings:
    """The sightings with those of just now; what is forgotten is dropped."""
    after = {test: Sighting(weight=one.now(now), at=now) for test, one in sightings.items() if one.now(now) >= LEAST}
    for test in flaky:
        before = after[test].weight if test in after else 0.0
        after[test] = Sighting(weight=min(before + 1, MOST), at=now)
    heaviest = sorted(after.items(), key=lambda item: (-item[1].weight, item[0]))[:KEPT]
    return dict(heaviest)


class MemoryQuarantine:
    """The port `Quarantine`, as long as the process lives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sightings: dict[str, Sightings] = {}

    def known(self, repository: str) -> frozenset[str]:
        """Those that nothing may rest on now."""
        return known(self._sightings.get(repository, {}), self._clock.now())

    def seen(self, repository: str, flaky: Collection[str]) -> None:
        """These differed between runs of one tree just now."""
        self._sightings[repository] = seen(self._sightings.get(repository, {}), flaky, self._clock.now())
