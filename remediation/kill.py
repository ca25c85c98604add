"""The kill rule: whether what was merged is a catastrophe. It only reads, and asks nothing of the case's phase or hold.

A brake, no judgement: for some minutes every reading of a signal of the case is several times as far from normal as the
trouble ever was before the change. A trouble that grew by itself may go on growing at its pace. No reading kills
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from cases.anomaly import Anomaly
from cases.case import Case
from cases.events import Deployed
from cases.moments import milliseconds
from cases.outcome import Judgement, Ruling
from cases.telemetry import Direction, SeriesBlock
from inference.words import figure
from remediation.controls import BlockOf
from remediation.watch import MOST_SIGNALS

BEFORE = timedelta(hours=6)  # how far back from the change the trouble is measured at most
QUIET = timedelta(hours=1)  # before the onset: what is normal
FEWEST = 3  # readings that prove anything
WHOLE = 0.6  # of the readings that a stretch could have must be there


@dataclass(frozen=True, slots=True, kw_only=True)
class KillRule:
    """When it fires.

    worse_by  times as far from normal as the trouble was before
    lasting   for how long, every reading
    step      the grid of the readings
    """

    worse_by: float
    lasting: timedelta
    step: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The newest change that was merged. `since`: when it began to run, or else when it was merged."""

    change: int
    since: datetime
    deployed: bool


Floats = npt.NDArray[np.float64]


def running(case: Case) -> Running | None:
    """What of ours may do harm now, or None."""
    if not case.merges:
        return None
    change = case.merges[-1].change
    for entry in reversed(case.history):
        if isinstance(entry.event, Deployed) and entry.event.change == change:
            return Running(change=change, since=entry.event.deploy.started, deployed=True)
    since = min(merge.merged_at for merge in case.merges if merge.change == change)
    return Running(change=change, since=since, deployed=False)


def catastrophe(case: Case, what: Running, block_of: BlockOf, now: datetime, rule: KillRule) -> Judgement | None:
    """The judgement that it must be taken back at once, or None. Raises SourceDown as `block_of` does."""
    if now - rule.lasting < what.since:
        return None
    first: dict[str, Anomaly] = {}
    for anomaly in case.anomalies:
        first.setdefault(anomaly.signal.key, anomaly)
    said = (_catastrophe(anomaly, what, block_of, now, rule) for anomaly in list(first.values())[:MOST_SIGNALS])
    return next(filter(None, said), None)


def _catastrophe(anomaly: Anomaly, what: Running, block_of: BlockOf, now: datetime, rule: KillRule) -> Judgement | None:
    signal, up = anomaly.signal, (anomaly.signal.harm or anomaly.direction) is Direction.UP
    recent = _values(block_of(signal, now - rule.lasting, now, rule.step), anomaly.labels, now - rule.lasting)
    if len(recent) < max(FEWEST, WHOLE * (rule.lasting / rule.step)):
        return None
    onset = min(anomaly.onset, what.since)
    began = max(onset, what.since - BEFORE)
    trouble = _values(block_of(signal, began, what.since, rule.step), anomaly.labels, began)
    normal = _normal(_values(block_of(signal, onset - QUIET, onset, rule.step), anomaly.labels, onset - QUIET), anomaly)
    # The trouble as it was when the case opened, at least as wide as what was expected, or worse since then.
    sign = 1.0 if up else -1.0
    band = anomaly.high - anomaly.low
    worst = max(
        sign * (anomaly.value - normal),
        band if np.isfinite(band) else 0.0,
        max((sign * (float(value) - normal) for value in trouble), default=0.0),
    )
    lasted = max(what.since - began, rule.lasting)
    limit = rule.worse_by * worst * (1.0 + (now - what.since) / lasted)
    least = min(sign * (float(value) - normal) for value in recent)
    if not (worst > 0.0 and np.isfinite(limit) and least >= limit):
        return None
    ran = "it runs" if what.deployed else "it was merged"
    minutes = rule.lasting.total_seconds() / 60
    before, after, most = normal + sign * worst, normal + sign * least, normal + sign * limit
    return Judgement(
        change=what.change,
        ruling=Ruling.HARMFUL,
        at=now,
        because=(
            f"{signal.name} of {signal.service} reads {figure(after)} or worse for {minutes:g} min since {ran}; normal "
            f"is {figure(normal)}, before the change it was {figure(before)} at worst, and {figure(most)} is the limit"
        ),
        signal=signal.key,
        normal=normal,
        anomalous=before,
        after=after,
        samples=len(recent),
        settings=f"kill rule: {rule.worse_by:g} times as far from normal, for {minutes:g} min",
    )


def _normal(before: Floats, anomaly: Anomaly) -> float:
    """The level before the onset; what was expected, where there are too few readings."""
    return float(np.median(before)) if len(before) >= FEWEST else anomaly.expected


def _values(block: SeriesBlock, labels: Mapping[str, str], after: datetime) -> Floats:
    """The readings of the series after that moment; none from an answer that is not whole."""
    row = next((row for row, found in enumerate(block.labels) if dict(found) == dict(labels)), None)
    if row is None or block.partial:
        return np.empty(0)
    values: Floats = block.values[row][block.times > milliseconds(after)]
    return values[np.isfinite(values)]
