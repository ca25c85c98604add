"""A series around a moment, and whether it moved then further than it does at moments like it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cases.errors import SourceDown
from cases.telemetry import Floats, SeriesBlock, Signal

LONGEST = timedelta(hours=6)  # what is looked at since the moment
LEAST_BEFORE = 15  # points of the step that signals are watched with
FEWEST = 5  # with fewer windows there is no telling chance from change
LEAST_POINTS = 4
MOST_POINTS = 400
FINEST = 0.01  # a change below one percent is never told

# Student's t at 1 % (both sides) by degrees of freedom from 4 on: of five signals that do nothing, one in twenty cases
# tells of a change.
_STUDENT = (4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169, 3.106, 3.055, 3.012)
_OUTLIER = 6.0  # robust standard deviations from which an earlier day was an incident of its own
_ENOUGH_FOR_OUTLIERS = 8
_MEDIAN = 1.57  # π/2: what a median loses to a mean

BlockOf = Callable[[Signal, datetime, datetime, timedelta], SeriesBlock]
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One series before and after a moment: float64, NaN where there was no sample."""

    before: Floats
    after: Floats

    @property
    def ratio(self) -> float | None:
        """The mean after over the mean before; None where half of either is missing, or it was not above zero."""
        means = [mean(values) for values in (self.before, self.after)]
        if means[0] is None or means[1] is None or means[0] <= 0:
            return None
        return means[1] / means[0]

    @property
    def moves(self) -> int:
        """How often the reading changes after the moment: what tells fine readings from coarse ones."""
        present = self.after[~np.isnan(self.after)]
        return int(np.count_nonzero(np.diff(present)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is read around a moment: `before` and `after` it, on a grid of `step`."""

    before: timedelta
    after: timedelta
    step: timedelta

    @classmethod
    def since(cls, onset: datetime, now: datetime, step: timedelta) -> "Span":
        """From the onset until now, six hours at the most, and somewhat longer before it. `step` is detection's."""
        after = min(now - onset, LONGEST)
        before = min(max(2 * after, LEAST_BEFORE * step), LONGEST)
        finest = max((before + after) / MOST_POINTS, timedelta(seconds=1))
        chosen = max(finest, min(step, after / 8))
        return cls(before=before, after=after, step=timedelta(seconds=round(chosen.total_seconds())))

    def windows(self, signal: Signal, moment: datetime, block_of: BlockOf) -> dict[Labels, Window]:
        """Every series of the signal around a moment. Raises SourceDown."""
        block = block_of(signal, moment - self.before, moment + self.after, self.step)
        if block.partial:
            raise SourceDown(signal.source, f"the answer is not whole: {block.partial}")
        # The reading at the moment itself is from before it: on a grid a point shows the newest sample up to it.
        first = self.before // self.step + 1
        return {
            tuple(sorted(labels.items())): Window(before=row[:first], after=row[first:])
            for labels, row in zip(block.labels, block.values, strict=True)
            if signal.pick.items() <= labels.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A ratio against others like it: `usual` is theirs, `noise` how far chance takes one of them, relative to it."""

    usual: float
    noise: float
    windows: int


def judge(today: Window, earlier: Sequence[Window]) -> Shift | None:
    """What was to be expected and how far chance goes; None where there is too little to compare with.

    The usual is the median of the earlier ratios, the noise a Student prediction interval of 1 % around it. Earlier
    windows whose readings are much coarser than today's are left out (their noise is smaller than today's), and so are
    those that were incidents of their own. Wrong in 1 to 2 % for normal and counted readings, in up to 4 % for heavy
    tails.
    """
    if today.ratio is None:
        return None
    alike = [window for window in earlier if window.moves >= today.moves // 2]
    ratios = np.array([ratio for window in alike if (ratio := window.ratio) is not None], dtype=np.float64)
    if len(ratios) < FEWEST:
        return None
    usual = float(np.median(ratios))
    if usual <= 0:
        return None
    kept = _without_incidents(ratios, usual)
    spread = float(np.std(kept, ddof=1)) * float(np.sqrt(1 + _MEDIAN / len(kept)))
    noise = _STUDENT[min(len(kept) - FEWEST, len(_STUDENT) - 1)] * spread / usual
    return Shift(usual=usual, noise=max(noise, FINEST), windows=len(kept))


def _without_incidents(ratios: Floats, usual: float) -> Floats:
    away = np.abs(ratios - usual)
    scale = 1.4826 * float(np.median(away))
    if len(ratios) < _ENOUGH_FOR_OUTLIERS or scale == 0:
        return ratios
    kept = ratios[away <= _OUTLIER * scale]
    return kept if len(kept) >= FEWEST else ratios


def mean(values: Floats) -> float | None:
    """The mean where at least half of the readings are there, and four of them."""
    present = values[~np.isnan(values)]
    if len(present) < LEAST_POINTS or 2 * len(present) < len(values):
        return None
    return float(np.mean(present))
