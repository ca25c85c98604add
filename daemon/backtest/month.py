"""What a month would have cost in alerts: for each watch and service, held against what the budget allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cases.telemetry import Direction, Severity, Signal
from daemon.backtest.counting import rate_range
from daemon.backtest.looks import Episode
from daemon.backtest.stories import Story
from daemon.backtest.wording import counted

MONTH = timedelta(days=30)
LEAST = timedelta(hours=23)
"""A stretch of less than about a day says nothing of a month."""
LONG = timedelta(days=30)
"""From here on a month was seen whole, and needs no range."""
ALLOWED_A_WEEK = 1.0  # false alerts a service: what `budget.false_alerts_per_service_week` is unless it is said
_MOST, _MANY = 0.5, 3  # more than half of at least so many is a pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One watch of the stretch: how long its readings were, and the points that prove an anomaly of it."""

    signal: Signal
    kind: str  # what decides: threshold, objective, or what is usual
    span: timedelta
    step: timedelta
    confirm: int
    episodes: Sequence[Episode]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What 30 days of one watch, or of one service, would have brought.

    counts     cases of the stretch by severity: each is one page, ticket or note
    anomalies  those that joined a case are no alerts of their own
    span       what the counts are of
    """

    name: str
    service: str
    counts: Mapping[Severity, int]
    anomalies: int
    span: timedelta

    @property
    def cases(self) -> int:
        """Of any severity."""
        return sum(self.counts.values())

    @property
    def months(self) -> float:
        """How much of 30 days was seen."""
        return self.span / MONTH

    def rate(self, severity: Severity | None = None) -> float | None:
        """Cases in 30 days, of one severity or of any; None where too little was seen."""
        count = self.cases if severity is None else self.counts[severity]
        return count / self.months if self.span >= LEAST else None

    @property
    def range(self) -> tuple[float, float] | None:
        """Where the true rate of cases lies with 95% confidence, if they come one by one."""
        return rate_range(self.cases, self.months) if self.span >= LEAST else None

    def words(self) -> str:
        """As a cell of a table."""
        rate, span = self.rate(), self.range
        if rate is None or span is None:
            return f"{self.cases} seen, in less than a day" if self.span else "not judged"
        between = f" ({span[0]:.2g} to {span[1]:.2g})" if self.span < LONG else ""
        return f"{rate:.3g}{between}"

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        rate, span = self.rate(), self.range
        return {
            "service": self.service,
            "cases": self.cases,
            "anomalies": self.anomalies,
            "days": round(self.span / timedelta(days=1), 3),
            **{f"{severity}s": _rounded(self.rate(severity)) for severity in Severity},
            "alerts": _rounded(rate),
            "range": [_rounded(edge) for edge in span] if span else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """A month of each watch and of each service, the loudest first; and what might quieten the loudest watch."""

    watches: tuple[Month, ...]
    services: tuple[Month, ...]
    allowed: float  # in 30 days, of one service
    hint: str

    def over(self, month: Month) -> str:
        """How a service stands to what is allowed: "over", "within", or "unclear" for want of time."""
        span = month.range
        if span is None:
            return "unclear"
        return "over" if span[0] > self.allowed else "within" if span[1] <= self.allowed else "unclear"

    def words(self) -> tuple[str, ...]:
        """What it comes to, for people."""
        loud = [month for month in self.services if month.cases]
        if not loud:
            return ("nothing would have been told in this stretch",)
        first = loud[0]
        if first.rate() is None:
            seen = counted(first.cases, "alert")
            return (f"{first.service} would have had {seen}; less than a day says nothing of a month",)
        said = f"{first.service} would have had {first.words()} alerts in 30 days; {self.allowed:.3g} false ones"
        return (f"{said} are allowed: {_STANDING[self.over(first)]}", *([self.hint] if self.hint else []))

    def document(self) -> dict[str, Any]:
        """What stands under `month`."""
        return {
            "days": 30,
            "allowed_false_per_service": round(self.allowed, 3),
            "services": [{**month.document(), "standing": self.over(month)} for month in self.services],
            "watches": [{"watch": month.name, **month.document()} for month in self.watches],
            "hint": self.hint,
        }


_STANDING = {
    "over": "more than that even if a few were real",
    "within": "within that even if all were false",
    "unclear": "the stretch is too short to say on which side of it that is",
}


def costs(
    watched: Sequence[Watched],
    stories: Sequence[Story],
    *,
    allowed_a_week: float = ALLOWED_A_WEEK,
    hints: bool = True,
) -> Costs:
    """Count the cases by the watch that speaks for each, and by service. `hints` only where there are keys to turn."""
    led: dict[str, list[Story]] = {}
    for story in stories:
        led.setdefault(story.case.anomaly.signal.key, []).append(story)
    watches = [
        _month(one.signal.key, one.signal.service, led.get(one.signal.key, []), len(one.episodes), one.span)
        for one in watched
    ]
    services: list[Month] = []
    for service in dict.fromkeys(one.signal.service for one in watched):
        mine = [one for one in watched if one.signal.service == service]
        told = [story for story in stories if story.case.service == service]
        span = max(one.span for one in mine)
        services.append(_month(service, service, told, sum(len(one.episodes) for one in mine), span))
    loudest = max(watched, key=lambda one: len(led.get(one.signal.key, [])), default=None)
    quiet = not hints or loudest is None or len(led.get(loudest.signal.key, [])) < _MANY
    return Costs(
        watches=tuple(sorted(watches, key=_loudness)),
        services=tuple(sorted(services, key=_loudness)),
        allowed=allowed_a_week * (MONTH / timedelta(weeks=1)),
        hint="" if loudest is None or quiet else hint(loudest),
    )


def hint(watch: Watched) -> str:
    """Which key to turn for a watch that is loud, and what that would have come to."""
    episodes, signal = watch.episodes, watch.signal
    count = len(episodes)
    begin = f"{signal.key} is the loudest, with {count} anomalies: "
    if signal.rule:
        return begin + f"it is the rule {signal.rule} of {signal.source}; raise its threshold or its `for` there"
    if watch.kind == "threshold":
        return begin + _for_threshold(watch)
    down = sum(episode.anomaly.direction is Direction.DOWN for episode in episodes)
    if signal.harm is None and count:
        side, other = (Direction.UP, down) if down <= count - down else (Direction.DOWN, count - down)
        return begin + f"if only one side does harm, write `harm: {side}` in its watch; {other} would be gone"
    if watch.kind == "objective":
        return (
            begin + "it spends its budget that often; lower `slo.objective`, or write `severity: ticket` in its watch"
        )
    twice = 2 * watch.confirm
    short = sum(episode.end - episode.anomaly.onset < (twice - 1) * watch.step for episode in episodes)
    if short >= _MOST * count:
        return begin + f"`detection.confirm: {twice}` instead of {watch.confirm} would have left out {short} of them"
    by_series: dict[tuple[tuple[str, str], ...], int] = {}
    for episode in episodes:
        name = tuple(sorted(episode.anomaly.labels.items()))
        by_series[name] = by_series.get(name, 0) + 1
    if len(by_series) > _MANY and max(by_series.values()) < _MOST * count:
        return begin + f"they are of {len(by_series)} series; add them up in its `query`, as in sum by (service) (…)"
    return begin + "they last; lower `budget.false_alerts_per_service_week`, or write `severity: note` in its watch"


def _for_threshold(watch: Watched) -> str:
    """Where the threshold would have to be for half of them to be gone."""
    signal = watch.signal
    values = sorted(episode.anomaly.value for episode in watch.episodes)
    if signal.harm is Direction.DOWN:
        values.reverse()
    middle = values[len(values) // 2]
    return (
        f"half of them were no further from `threshold: {signal.threshold:.6g}` than {middle:.6g} when they were told; "
        "move it there if they do no harm"
    )


def _month(name: str, service: str, told: Sequence[Story], anomalies: int, span: timedelta) -> Month:
    counts = {severity: sum(s.case.anomaly.signal.severity is severity for s in told) for severity in Severity}
    return Month(name=name, service=service, counts=counts, anomalies=anomalies, span=span)


def _loudness(month: Month) -> tuple[float, int, str]:
    return -(month.rate() or 0.0), -month.cases, month.name


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 3)
