"""Burn rate: how fast an objective's error budget is being spent, over a long and a short window at once.

The four pairs of windows are those of Google's SRE Workbook, chapter 5 ("multiwindow, multi-burn-rate alerts"), given
there for an objective over 30 days: the long window proves that it matters, the short one that it still goes on. For
another span all windows shrink or grow with it, and the share of the budget that each pair stands for stays.

Written rules. Readings are events a second. A point where either number is missing, negative, infinite or absurd
(1e15) says nothing: missing is not zero, neither failures nor successes. More good events than all (two queries are
never of the very same moment) are no failures. No events at all spend nothing. A window less than half of which is
there says nothing, so a young series is judged by its shorter windows only; nor does a long window with fewer than
three failed events, as one failed request of two at night is a burn rate of 500 and no incident. Counter resets are the
source's to take out (`rate`). Series without a partner of the same labels are not judged, and reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import from_milliseconds
from cases.telemetry import Direction, Floats, Mask, Millis, SeriesBlock, Severity, Signal
from detectors.baseline import key_of
from detectors.runs import Run, onset_bound_s, onset_late_s, runs, score, step_of, walked_back

MONTH = timedelta(days=30)
FINEST = timedelta(minutes=1)
"""The shortest step that windows are counted in: an objective over less than six days has its windows rounded to it."""

_LEAST_THERE = 0.5  # of a window
_LEAST_FAILED = 3.0  # events
_COUNTABLE = 1e15  # events a second, beyond which a number is no count
_MOST_ALLOWED = 0.99  # a pair that would let everything fail fires when nearly everything does


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two windows, for an objective over 30 days, and the burn rate that both must be above."""

    long: timedelta
    short: timedelta
    factor: float
    severity: Severity

    def allowed(self, budget: float) -> float:
        """The share of events that may fail before the pair fires."""
        return min(self.factor * budget, _MOST_ALLOWED)


PAIRS = (
    Pair(long=timedelta(hours=1), short=timedelta(minutes=5), factor=14.4, severity=Severity.PAGE),
    Pair(long=timedelta(hours=6), short=timedelta(minutes=30), factor=6.0, severity=Severity.PAGE),
    Pair(long=timedelta(days=1), short=timedelta(hours=2), factor=3.0, severity=Severity.TICKET),
    Pair(long=timedelta(days=3), short=timedelta(hours=6), factor=1.0, severity=Severity.TICKET),
)
"""The most urgent first: 2, 5, 10 and 10% of the budget within the long window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """How much must be good, in [0, 1), of all events over how long a span."""

    share: float
    window: timedelta

    def __post_init__(self) -> None:
        if not 0.0 <= self.share < 1.0 or self.window <= timedelta(0):
            raise ValueError(f"an objective of {self.share:g} over {self.window} leaves no budget, or spans nothing")

    @property
    def budget(self) -> float:
        """The share of events that may fail."""
        return 1.0 - self.share

    @property
    def step(self) -> timedelta:
        """How far apart the readings must be: the shortest window, which a rate should be taken over."""
        return max(FINEST, self._scaled(PAIRS[0].short) // FINEST * FINEST)

    @property
    def reach(self) -> timedelta:
        """How much must be read: the longest window."""
        return self._scaled(PAIRS[-1].long)

    def points(self, window: timedelta) -> int:
        """A window of `PAIRS`, scaled, in steps; at least one."""
        return max(1, round(self._scaled(window) / self.step))

    def _scaled(self, window: timedelta) -> timedelta:
        return window * (self.window / MONTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burning:
    """What a look at an objective found: anomalies, and the labels of series that have no partner."""

    anomalies: tuple[Anomaly, ...]
    unpaired: tuple[Mapping[str, str], ...]


def detect_burn(
    good: SeriesBlock, total: SeriesBlock, objective: Objective, *, of: Signal, ongoing: bool = True
) -> Burning:
    """One anomaly a series of `total` that spends its budget too fast, as one of the signal `of`; none from a part.

    Both blocks are of events a second on one grid of `objective.step`. Value and band are shares of failed events:
    what the long window of the most urgent pair that fired has, held against the budget (expected) and what that pair
    allows (high). The signal's own severity is the most that is asked for. Dated by walking back from where the pair
    fired over the points that were above budget. With `ongoing` only what still holds at the newest reading; without
    it every run. Raises ValueError for blocks on two grids, or on one that is not `objective.step` wide.
    """
    if not np.array_equal(good.times, total.times):
        raise ValueError(f"the good and the total events of {of.key} are not on one grid")
    if len(total.times) > 1 and step_of(total.times) != objective.step // timedelta(milliseconds=1):
        raise ValueError(f"{of.key} needs readings {objective.step} apart")
    partners = {key_of(labels): row for row, labels in enumerate(good.labels)}
    names = [key_of(labels) for labels in total.labels]
    unpaired = tuple(labels for labels, name in zip(total.labels, names, strict=True) if name not in partners)
    unpaired += tuple(labels for labels in good.labels if key_of(labels) not in set(names))
    if good.partial or total.partial:
        return Burning(anomalies=(), unpaired=unpaired)
    found = [
        anomaly
        for row, name in enumerate(names)
        if name in partners
        for anomaly in _burns(_Spent.of(good, partners[name], total, row, objective), total, row, of, ongoing=ongoing)
    ]
    return Burning(anomalies=tuple(found), unpaired=unpaired)


def _burns(spent: "_Spent", total: SeriesBlock, row: int, of: Signal, *, ongoing: bool) -> list[Anomaly]:
    """The anomalies of one series, each of the most urgent pair that fires: now, or at any time of a run."""
    fired = [(pair, spent.fires(pair)) for pair in PAIRS]
    told: list[tuple[Pair, Run]] = []
    if ongoing:
        for pair, mask in fired:
            told += [(pair, run) for run in runs(mask, spent.missing, total.times, confirm=1, ongoing=True)]
        told = told[:1]
    else:
        either: Mask = np.logical_or.reduce([mask for _, mask in fired])
        for run in runs(either, spent.missing, total.times, confirm=1, ongoing=False):
            pair, mask = next((pair, mask) for pair, mask in fired if mask[run.first : run.last + 1].any())
            at = run.first + int(np.argmax(mask[run.first : run.last + 1]))
            told.append((pair, replace(run, first=at, sure=at, confirmed=at)))
    above = spent.above_budget()
    return [
        _anomaly(spent, walked_back(run, above, spent.missing), pair, total.times, total.labels[row], of)
        for pair, run in told
    ]


def _anomaly(spent: "_Spent", run: Run, pair: Pair, times: Millis, labels: Mapping[str, str], of: Signal) -> Anomaly:
    at, budget = run.confirmed, spent.objective.budget
    value = float(spent.share(pair.long)[at])
    severity = max(of.severity, pair.severity, key=lambda severity: severity.urgency)
    return Anomaly(
        signal=replace(of, severity=severity),
        labels=labels,
        detector="burn rate",
        kind=AnomalyKind.BURN_RATE,
        direction=Direction.UP,
        onset=from_milliseconds(int(times[run.first])),
        onset_bound_s=onset_bound_s(run, times),
        onset_late_s=onset_late_s(run, times),
        detected=from_milliseconds(int(times[at])),
        value=value,
        expected=budget,
        low=0.0,
        high=pair.allowed(budget),
        score=float(score(np.asarray(value / pair.allowed(budget)))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    """The events of one series, summed from its beginning, so that every window is a difference: [T + 1] each."""

    objective: Objective
    failed: Floats
    all: Floats
    there: Floats
    missing: Mask
    each: Floats  # the share that failed at each point [T]

    @classmethod
    def of(cls, good: SeriesBlock, good_row: int, total: SeriesBlock, row: int, objective: Objective) -> "_Spent":
        """Sum up one series and its partner."""
        fine, every = good.values[good_row], total.values[row]
        there = ~(good.missing[good_row] | total.missing[row])
        with np.errstate(invalid="ignore"):  # what is not a number is not above zero
            there &= (fine >= 0.0) & (fine < _COUNTABLE) & (every >= 0.0) & (every < _COUNTABLE)
        fine, every = np.where(there, fine, 0.0), np.where(there, every, 0.0)
        failed, seconds = np.maximum(every - fine, 0.0), objective.step.total_seconds()
        return cls(
            objective=objective,
            failed=_summed(failed * seconds),
            all=_summed(every * seconds),
            there=_summed(there.astype(np.float64)),
            missing=~there,
            each=np.divide(failed, every, out=np.zeros_like(every), where=every > 0.0),
        )

    def share(self, window: timedelta) -> Floats:
        """The share of events that failed in the window up to each point [T]; 0 where there were none."""
        points = self.objective.points(window)
        failed, every = _last(self.failed, points), _last(self.all, points)
        return np.divide(failed, every, out=np.zeros_like(every), where=every > 0.0)

    def fires(self, pair: Pair) -> Mask:
        """Where both windows of the pair are above its burn rate, and say enough."""
        allowed = pair.allowed(self.objective.budget)
        fires = _last(self.failed, self.objective.points(pair.long)) >= _LEAST_FAILED
        for window in (pair.long, pair.short):
            points = self.objective.points(window)
            fires &= (self.share(window) > allowed) & (_last(self.there, points) >= _LEAST_THERE * points)
        return fires

    def above_budget(self) -> Mask:
        """Where the point by itself spends more than its part of the budget."""
        return (self.each > self.objective.budget) & ~self.missing


def _summed(values: Floats) -> Floats:
    return np.concatenate(((0.0,), np.cumsum(values)))


def _last(sums: Floats, points: int) -> Floats:
    """The sums over the last so many points, up to each [T]."""
    begins = np.maximum(np.arange(1, len(sums)) - points, 0)
    return np.maximum(sums[1:] - sums[begins], 0.0)
