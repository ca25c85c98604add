"""How a hypothesis is found out: how many users it takes, and what that rests on."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from cases.goal import Goal
from cases.hypothesis import Plan
from cases.telemetry import Scale
from config.experiments import ExperimentsSettings
from config.settings import Settings, WatchSettings
from inference.experiments.sequence import planned_users

_ASSUMED = {"mean": 1.0, "ratio": 1.0, "revenue": 3.0}
"""How much users differ where nobody said so, as a multiple of the level: a time that ends by chance differs by its own
mean, and revenue more, as most users bring none."""
_SHARE = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How much single users differ (a standard deviation, in the signal's unit), and where that is from."""

    deviation: float
    because: str


def spread(goal: Goal, settings: Settings, given: float | None = None) -> Spread:
    """How much users differ on the goal's signal. Of a share that follows from its level; `given` is somebody's word.

    A share is taken at the level, within the way to the target, at which users differ most.
    """
    kind = _kind(goal, settings)
    low, high = sorted((goal.baseline, goal.target))
    if kind == _SHARE and low >= 0 and high <= 1:
        share = min(max(0.5, low), high)
        least = min(goal.criteria.lift, 0.5)  # nobody or everybody: one lift away, as a share that never varies is none
        share = min(max(share, least), 1 - least)
        return Spread(deviation=math.sqrt(share * (1 - share)), because=f"of a share of {share:g}")
    if given is not None:
        return Spread(deviation=given, because=f"users are said to differ by {given:g}")
    times = _ASSUMED.get(kind, 1.0)  # a share that is told in another unit is a level like any other
    level = max(abs(goal.baseline), abs(goal.target))
    what = "as much as" if times == 1 else f"{times:g} times as much as"
    return Spread(deviation=times * level, because=f"assumed: users differ {what} the level of {level:g}")


def planned(
    goal: Goal,
    settings: Settings,
    *,
    least: float | None = None,
    days: int | None = None,
    deviation: float | None = None,
    guardrails: Iterable[str] = (),
) -> Plan:
    """The plan: by default what the goal asks for. `guardrails` are beside those that its constraints name."""
    least = goal.criteria.lift if least is None else least
    users = spread(goal, settings, deviation)
    return Plan(
        guardrails=tuple(dict.fromkeys([*(limit.signal for limit in goal.constraints), *guardrails])),
        users=planned_users(least, users.deviation, alpha=1 - goal.criteria.confidence),
        least=least,
        days=goal.days if days is None else days,
        assumes=users.because,
    )


def shares_of(experiments: ExperimentsSettings) -> tuple[float, ...]:
    """The share while it is measured, then the steps above it."""
    return (experiments.share, *(step for step in experiments.steps if step > experiments.share))


def _kind(goal: Goal, settings: Settings) -> str:
    """share, mean, ratio or revenue: as it is measured of users, or as the watch says."""
    measure = next((one for one in settings.measures if one.signal == goal.signal), None)
    if measure is not None:
        return measure.kind
    named = (watch for watch in settings.watch if isinstance(watch, WatchSettings))
    watch = next((watch for watch in named if f"{watch.service}/{watch.name}" == goal.signal), None)
    return _SHARE if watch is not None and watch.kind is Scale.RATIO else "mean"
