"""Which detector looks at each series of a watch, and why: what `trackwalker check` shows of `detector: auto`.

Nothing is decided here: it says in words what `daemon.poll` does, from the same history and the same fit.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from cases.telemetry import DAY, Direction, SeriesBlock
from config import duration
from daemon.listing import Watch
from detectors.baseline import LEAST_DAYS, SMALLEST_CHANGE, fit
from detectors.runs import step_of

_MOSTLY, _BY_CHANCE = 0.5, 0.05  # shares of the day


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a history says of one series.

    seen      how much of it is there; `span` how long it is in all
    warm      it is enough to know what is normal; `sibling`: it is for another series of the same watch
    seasonal  at which share of the day the time of day tells more than the level alone
    constant  it never moved
    """

    seen: timedelta
    span: timedelta
    warm: bool
    sibling: bool
    seasonal: float
    constant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The detector in two or three words, and the reason."""

    detector: str
    reason: str


def choose(watch: Watch, facts: Facts) -> Chosen:
    """Which detector looks at a series of the watch."""
    by_watch = _of_watch(watch)
    if by_watch is not None:
        return by_watch
    if not facts.warm:
        little = f"{duration.format(_whole(facts.seen))} of history is too little"
        if facts.sibling and watch.signal.harm is Direction.UP:
            return Chosen(detector="band of its siblings", reason=little)
        return Chosen(detector="none yet", reason=little)
    if facts.constant:
        return Chosen(detector="band, constant", reason=f"it never moved: a change of {SMALLEST_CHANGE:.1%} counts")
    if facts.seasonal >= _MOSTLY:
        return Chosen(detector="band with the time of day", reason="the time of day foretells it better than its level")
    if facts.seasonal >= _BY_CHANCE:
        reason = "only some times of day foretell it better than its level"
        return Chosen(detector="band with some times of day", reason=reason)
    if facts.span < LEAST_DAYS * DAY:
        return Chosen(detector="band without a season", reason=f"a season takes {LEAST_DAYS} days of history")
    return Chosen(detector="band without a season", reason="the time of day does not foretell it any better")


def _of_watch(watch: Watch) -> Chosen | None:
    """The one detector of all its series, whatever their history."""
    if watch.slo is not None:
        return Chosen(detector="burn rate", reason="the watch is an objective")
    threshold = watch.signal.threshold
    if threshold is not None and watch.detector != "seasonal":
        return Chosen(detector="threshold", reason=f"the watch has one, {threshold:g}")
    return None


def beside(watch: Watch) -> tuple[str, ...]:
    """What else is looked for in every series of the watch."""
    found: list[str] = []
    if needs_history(watch) and watch.detector == "auto":
        found.append("the streaming engine, within the service's alert budget")
    if watch.absence != "off":
        found.append("absence of any series" if watch.absence == "series" else "absence of all of it")
    if watch.limit is not None:
        limit = f"{watch.limit:g}" if isinstance(watch.limit, float) else "its query"
        found.append(f"saturation at {limit} within {duration.format(watch.within)}")
    return tuple(found)


def facts_of(history: SeriesBlock, warm_up: timedelta) -> tuple[Facts, ...]:
    """What the history says of each of its series, in their order."""
    baseline = fit(history, warm_up=warm_up)
    step, times = timedelta(milliseconds=step_of(history.times)), history.times
    span = timedelta(milliseconds=int(times[-1] - times[0])) + step if len(times) else timedelta(0)
    facts: list[Facts] = []
    for row in range(len(history.labels)):
        values = history.values[row, ~history.missing[row]]
        facts.append(
            Facts(
                seen=len(values) * step,
                span=span,
                warm=bool(baseline.warm[row]),
                sibling=bool(baseline.warm.any()),
                seasonal=np.count_nonzero(baseline.profile[row]) / baseline.profile.shape[1],
                constant=len(values) > 0 and float(np.min(values)) == float(np.max(values)),
            )
        )
    return tuple(facts)


def told(watch: Watch, facts: Iterable[Facts]) -> str:
    """One line for people: how many series each detector looks at, and why, the most first."""
    by_watch = _of_watch(watch)
    counted = Counter((chosen.detector, chosen.reason) for chosen in (choose(watch, each) for each in facts))
    said = [f"{detector}: {count} series ({reason})" for (detector, reason), count in counted.most_common()]
    if by_watch is not None:
        said = [f"{by_watch.detector} ({by_watch.reason})"]
    also = beside(watch)
    return "; ".join(said or ["none yet: no series in its history"]) + (
        f". Beside it: {', '.join(also)}" if also else ""
    )


def needs_history(watch: Watch) -> bool:
    """Whether its series must be looked at to say which detector looks at them."""
    return _of_watch(watch) is None


def _whole(length: timedelta) -> timedelta:
    return timedelta(minutes=length // timedelta(minutes=1))
