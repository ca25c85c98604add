"""Runs: consecutive samples of one series on the wrong side, for every detector that confirms before it speaks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cases.telemetry import Floats, Mask, Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Columns of a block: where the run began, where it was long enough to be believed, and its last sample.

    `before` is the last sample before it began, or None when the run is there from the first sample on. `sure` is its
    first sample that stands out by itself: those from `first` to there may be noise that the run happens to follow.
    """

    first: int
    sure: int
    confirmed: int
    last: int
    before: int | None


def runs(out: Mask, missing: Mask, times: Millis, *, confirm: int, ongoing: bool) -> Iterator[Run]:
    """The runs of at least `confirm` consecutive samples of one series [T] that are `out`, oldest first.

    A missing sample neither counts nor ends a run, as it says nothing; but samples further apart than `confirm + 1`
    steps are not consecutive. With `ongoing`, only a run that holds at the newest sample is given.
    """
    present = np.flatnonzero(~missing)
    if not len(present):
        return
    widest = (confirm + 1) * step_of(times)
    torn = np.diff(times[present], prepend=times[present[0]]) > widest
    flags = out[present]
    starts = flags & (np.concatenate(([True], ~flags[:-1])) | torn)
    ends = flags & np.concatenate((~flags[1:] | torn[1:], [True]))
    for start, end in zip(np.flatnonzero(starts), np.flatnonzero(ends), strict=True):
        if end - start + 1 < confirm or (ongoing and end != len(present) - 1):
            continue
        yield Run(
            first=int(present[start]),
            sure=int(present[start]),
            confirmed=int(present[start + confirm - 1]),
            last=int(present[end]),
            before=int(present[start - 1]) if start else None,
        )


def step_of(times: Millis) -> int:
    """The step of a grid in milliseconds; 0 for a single point."""
    return int(np.median(np.diff(times))) if len(times) > 1 else 0


def walked_back(run: Run, departing: Mask, missing: Mask) -> Run:
    """The run, begun earlier: at the first of the samples straight before it that were `departing` already."""
    present = np.flatnonzero(~missing)
    place = int(np.searchsorted(present, run.first))
    while place > 0 and departing[present[place - 1]]:
        place -= 1
    before = int(present[place - 1]) if place else None
    return replace(run, first=int(present[place]), before=before)


def onset_bound_s(run: Run, times: Millis) -> float:
    """How much earlier than its first sample the run may have begun, in seconds: the way to the sample before it.

    For a run that is there from the first sample on, the whole length of the window, as nobody looked before it.
    """
    since = times[run.before] if run.before is not None else times[run.first] - (times[-1] - times[0])
    return float(times[run.first] - since) / 1000


def onset_late_s(run: Run, times: Millis) -> float:
    """How much later than its first sample the run may have begun, in seconds: the way to the first that is sure."""
    return float(times[run.sure] - times[run.first]) / 1000


def score(distance: Floats) -> Floats:
    """Map a distance from the expected, in half-widths of its band, to [0, 1): a half at the edge of the band."""
    return distance / (1.0 + distance)
