"""Reach: how far a trouble goes, as it was seen when its case opened: series and requests. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cases.telemetry import SeriesBlock

IMPACT = "impact: "
"""How a sentence about the reach begins, in reasons and in evidence."""
UNDECLARED = "no watch of it says that it counts requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far it went when the case opened.

    series    how many series of its signal are out of range, of `whole` that have samples (0: not known)
    share     of the service's requests that those series carry, in [0, 1]; None: not known, and `unknown` says why
    requests  how many a second that is
    """

    signal: str
    service: str
    series: int
    whole: int
    share: float | None = None
    requests: float = 0.0
    unknown: str = UNDECLARED

    @property
    def series_said(self) -> str:
        """The sentence about its series."""
        of = f" of {self.whole}" if self.whole else ""
        return f"{IMPACT}{self.series}{of} series of {self.signal}"

    @property
    def share_said(self) -> str:
        """The sentence about the traffic, known or not."""
        if self.share is None:
            return f"{IMPACT}traffic share not known: {self.unknown}"
        carried = f"{self.share:.0%} of the requests of {self.service}"
        return f"{IMPACT}{carried} ({self.requests:.3g} a second) are in the series that are out"

    @property
    def declared(self) -> bool:
        """Whether some watch says that it counts requests."""
        return self.share is not None or self.unknown != UNDECLARED


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What some series carry of all requests: `share` in [0, 1], `requests` a second. `share` None: `unknown` why."""

    share: float | None = None
    requests: float = 0.0
    unknown: str = ""


def carried(
    out: Sequence[Mapping[str, str]], every: Sequence[Mapping[str, str]], traffic: SeriesBlock, onset: int
) -> Carried:
    """What the series with the labels `out` carry of the requests that `traffic` counts.

    `every` are the labels of all series of their signal: what tells them apart must tell requests apart too, or nothing
    is said. Requests are those up to `onset` (epoch ms), for trouble drives them away; those since where none are
    before it.
    """
    rates = _rates(traffic, onset)
    total = float(rates.sum())
    if not total > 0:
        return Carried(unknown="no requests were counted")
    if len({_key(labels) for labels in out}) >= len({_key(labels) for labels in every}) > 0:
        return Carried(share=1.0, requests=total)
    known = {name for labels in traffic.labels for name in labels}
    apart = {name for name in _names(every) if len({labels.get(name) for labels in every}) > 1}
    if missing := sorted(apart - known):
        return Carried(unknown=f"requests are not counted by {', '.join(missing[:3])[:80]}")
    hit = [any(_fits(labels, row, apart) for labels in out) for row in traffic.labels]
    requests = float(rates[np.array(hit, dtype=bool)].sum())
    return Carried(share=min(1.0, requests / total), requests=requests)


def _rates(traffic: SeriesBlock, onset: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Requests a second of each series: 0 where there is no sample."""
    usable = ~traffic.missing & np.isfinite(traffic.values) & (traffic.values >= 0)
    before = usable & (traffic.times <= onset)
    seen = before if before.any() else usable
    counts = seen.sum(axis=1)
    sums = np.where(seen, traffic.values, 0.0).sum(axis=1)
    rates: np.ndarray[tuple[int], np.dtype[np.float64]] = sums / np.maximum(counts, 1)
    return rates


def _fits(labels: Mapping[str, str], row: Mapping[str, str], apart: set[str]) -> bool:
    """Whether requests of that row belong to the series: by the labels that tell series apart."""
    return all(row.get(name) == labels.get(name) for name in apart)


def _names(every: Sequence[Mapping[str, str]]) -> set[str]:
    return {name for labels in every for name in labels if name != "__name__"}


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(item for item in labels.items() if item[0] != "__name__"))
