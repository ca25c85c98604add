"""Figures of a stretch of work: how fast trouble was seen and mended, what became of proposals, what a case cost.

Each has its n: a mean of nothing is said to be none, and is never a nought. Pure; docs/reports.md has the definitions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from cases.case import Case
from cases.change import Change
from cases.events import Deployed, Judged, Recovered, Redrafted
from cases.moments import iso
from cases.outcome import Ending, Ruling
from cases.pull_request_events import ClosedUnmerged, Merged, Proposed, TakenOver
from daemon.spans_of_time import long


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean of seconds or USD over n; None over nothing."""

    mean: float | None
    n: int

    @staticmethod
    def of(values: Sequence[float]) -> "Mean":
        """The mean of some values."""
        return Mean(mean=fmean(values) if values else None, n=len(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share of n; None of nothing."""

    rate: float | None
    part: int
    n: int

    @staticmethod
    def of(part: int, n: int) -> "Rate":
        """The share of `part` in n."""
        return Rate(rate=part / n if n else None, part=part, n=n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the cases came to that opened since a moment. Improvements are no trouble: they are not detected or mended.

    detect         from the onset to the case, in seconds
    mend           from the onset to when what mended it ran, in seconds; of cases that a change of ours mended
    recover        from the onset to when the signals were seen back by themselves, in seconds
    merged         proposed changes that were merged, of those merged or closed
    revised        proposed changes that were drafted anew or taken over by a human afterwards, of all proposed
    cost           USD a case, what is set aside included
    false_rollbacks rollbacks after which nothing got better, of those whose effect was decided
    undecided      rollbacks whose effect was not decided
    """

    since: datetime
    until: datetime
    cases: int
    detect: Mean
    mend: Mean
    recover: Mean
    merged: Rate
    revised: Rate
    cost: Mean
    false_rollbacks: Rate
    undecided: int

    @property
    def document(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "since": iso(self.since), "until": iso(self.until)}


def figures(cases: Iterable[Case], usd: Mapping[str, float], since: datetime, until: datetime) -> Figures:
    """The figures of the cases that opened from `since` on and before `until`. `usd`: case → what it cost."""
    counted = [case for case in cases if since <= case.opened < until]
    trouble = [case for case in counted if not case.improvement]
    proposals = [proposal for case in counted for proposal in _proposals(case)]
    ended = [one for one in proposals if one.merged or one.closed]
    rulings = [ruling for case in counted for ruling in _rollbacks(case)]
    decided = [ruling for ruling in rulings if ruling is not Ruling.INCONCLUSIVE]
    return Figures(
        since=since,
        until=until,
        cases=len(counted),
        detect=Mean.of([_seconds(_onset(case), case.opened) for case in trouble]),
        mend=Mean.of([_seconds(_onset(case), at) for case in trouble if (at := _mended(case)) is not None]),
        recover=Mean.of([_seconds(_onset(case), at) for case in trouble if (at := _recovered(case)) is not None]),
        merged=Rate.of(sum(one.merged for one in ended), len(ended)),
        revised=Rate.of(sum(one.revised for one in proposals), len(proposals)),
        cost=Mean.of([usd.get(case.id, 0.0) for case in counted]),
        false_rollbacks=Rate.of(sum(ruling is not Ruling.WORKED for ruling in decided), len(decided)),
        undecided=len(rulings) - len(decided),
    )


def lines_of(found: Figures) -> tuple[str, ...]:
    """The figures for people, a line each."""
    return (
        f"cases: {found.cases}",
        f"time to detect (onset to case): {_span(found.detect)}",
        f"time to mend (onset to the deploy that worked): {_span(found.mend)}",
        f"time to recover by itself: {_span(found.recover)}",
        f"merged: {_share(found.merged, 'proposals that ended')}",
        f"revised after they were proposed: {_share(found.revised, 'proposals')}",
        f"cost a case: {_usd(found.cost)}",
        f"false rollbacks: {_share(found.false_rollbacks, 'rollbacks that were decided')}"
        + (f", and {found.undecided} undecided" if found.undecided else ""),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposal:
    merged: bool
    closed: bool
    revised: bool


def _proposals(case: Case) -> Iterable[_Proposal]:
    """What became of each change that was proposed."""
    proposed: dict[int, int] = {}
    for place, entry in enumerate(case.history):
        if isinstance(entry.event, Proposed):
            proposed.setdefault(entry.event.change, place)
    for number, place in proposed.items():
        after = [entry.event for entry in case.history[place + 1 :]]
        branch = f"trackwalker/{case.id}-{number}"
        yield _Proposal(
            merged=any(isinstance(event, Merged) and event.change == number for event in after),
            closed=any(isinstance(event, ClosedUnmerged) and event.change == number for event in after),
            revised=any(
                (isinstance(event, Redrafted) and event.change.number == number)
                or (isinstance(event, TakenOver) and event.branch == branch)
                for event in after
            ),
        )


def _rollbacks(case: Case) -> Iterable[Ruling]:
    """The rulings of the case's rollbacks: WORKED where the metric came back with the old code."""
    changes: dict[int, Change] = {change.number: change for change in case.changes if change.rolls_back is not None}
    for entry in case.history:
        if isinstance(entry.event, Judged) and entry.event.judgement.change in changes:
            yield entry.event.judgement.ruling


def _onset(case: Case) -> datetime:
    """When the trouble began that the case was opened for."""
    return case.anomalies[0].onset


def _mended(case: Case) -> datetime | None:
    """When the change ran that mended it; None where none did."""
    if case.outcome is None or case.outcome.ending is not Ending.WORKED:
        return None
    deploys = [entry.event for entry in case.history if isinstance(entry.event, Deployed)]
    mine = [event.deploy.started for event in deploys if event.change == case.outcome.change]
    return mine[-1] if mine else None


def _recovered(case: Case) -> datetime | None:
    if case.outcome is None or case.outcome.ending is not Ending.RECOVERED:
        return None
    return next((entry.at for entry in reversed(case.history) if isinstance(entry.event, Recovered)), None)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())


def _span(mean: Mean) -> str:
    return "none" if mean.mean is None else f"{long(timedelta(seconds=mean.mean))} (mean of {mean.n})"


def _usd(mean: Mean) -> str:
    return "none" if mean.mean is None else f"${mean.mean:.4f} (mean of {mean.n})"


def _share(rate: Rate, of: str) -> str:
    return f"none of no {of}" if rate.rate is None else f"{rate.rate:.0%} ({rate.part} of {rate.n} {of})"
