"""The two pictures of a case: what a reviewer sees in the pull request, and the whole story once it has ended."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from cases.case import Case
from cases.moments import from_milliseconds, milliseconds
from cases.outcome import Judgement
from cases.pull_request_events import Proposed
from cases.telemetry import Deploy, Direction
from inference.interruption import ItsSettings
from inference.its import retrace
from remediation.marks import Mark, MarkKind
from remediation.plot import Band, Effects, anomaly_plot, outcome_plot
from remediation.reading import Reading
from remediation.seen import Judged, Seen

LOOKS = 40  # how many looks the lower panel goes over
SHORTEST = timedelta(minutes=10)
STEADY = 3  # readings in a row within the band that count as back


def draw(reading: Reading, deploys: Sequence[Deploy]) -> bytes:
    """A PNG: the leading series with its band, onset, detection, and the deploys around them."""
    anomaly = reading.anomaly
    return anomaly_plot(
        reading.times,
        reading.values,
        band=Band(low=anomaly.low, high=anomaly.high),
        marks=[*_trouble(reading), *_deploys(reading, deploys, but=None)],
        title=_title(reading),
        unit="",
    )


def draw_look(case: Case, seen: Seen, judged: Judged, judgement: Judgement, deploys: Sequence[Deploy]) -> bytes:
    """A PNG in two panels of what a look of the watch rests on, with its ruling, from well before the onset on."""
    began, end = min(seen.anomaly.onset, case.deploys[-1].started), judgement.at
    shown = judged.times >= milliseconds(began - max(end - began, SHORTEST))
    reading = Reading(anomaly=seen.anomaly, times=judged.times[shown], values=judged.values[shown])
    return draw_outcome(case, reading, judged, deploys, seen.its, judgement)


def draw_outcome(
    case: Case,
    reading: Reading,
    judged: Judged,
    deploys: Sequence[Deploy],
    its: ItsSettings,
    judgement: Judgement | None,
) -> bytes:
    """A PNG in two panels: metric, anomaly, pull request, merge, deploy and recovery; and the effect at each look.

    `judged` are the readings on the grid that the watch used.
    """
    anomaly, change = reading.anomaly, case.deploys[-1]
    marks = [*_trouble(reading), *_deploys(reading, deploys, but=change)]
    marks.append(Mark(at=change.started, label=f"change {change.commit[:7]}", kind=MarkKind.CHANGE))
    marks += [
        Mark(at=entry.at, label="pull request", kind=MarkKind.PULL_REQUEST)
        for entry in case.history
        if isinstance(entry.event, Proposed)
    ]
    marks += [Mark(at=merge.merged_at, label="merge", kind=MarkKind.MERGE) for merge in case.merges]
    back = _back(reading, change.started)
    if back is not None:
        marks.append(Mark(at=back, label="recovered", kind=MarkKind.RECOVERY))
    ended = judgement.at if judgement else from_milliseconds(int(reading.times[-1]))
    effects = _effects(judged, ended, its)
    return outcome_plot(
        reading.times,
        reading.values,
        band=Band(low=anomaly.low, high=anomaly.high),
        anomalous=(anomaly.onset, change.started),
        marks=marks,
        effects=effects,
        decision=Mark(at=judgement.at, label=str(judgement.ruling), kind=MarkKind.RECOVERY) if judgement else None,
        title=_title(reading),
        unit="",
    )


def _title(reading: Reading) -> str:
    return f"{reading.anomaly.signal.name} of {reading.anomaly.signal.service}"


def _trouble(reading: Reading) -> list[Mark]:
    anomaly = reading.anomaly
    return [
        Mark(at=anomaly.onset, label="onset", kind=MarkKind.ONSET),
        Mark(at=anomaly.detected, label="seen", kind=MarkKind.DETECTION),
    ]


def _deploys(reading: Reading, deploys: Sequence[Deploy], *, but: Deploy | None) -> list[Mark]:
    start = from_milliseconds(int(reading.times[0]))
    shown = [deploy for deploy in deploys if deploy.started >= start and (but is None or deploy.commit != but.commit)]
    return [Mark(at=deploy.started, label=deploy.commit[:7], kind=MarkKind.DEPLOY) for deploy in shown]


def _back(reading: Reading, since: datetime) -> datetime | None:
    """The first of a few readings in a row, after `since`, that are within the band on the side of the trouble."""
    anomaly = reading.anomaly
    with np.errstate(invalid="ignore"):
        up = anomaly.direction is Direction.UP
        within = reading.values <= anomaly.high if up else reading.values >= anomaly.low
    after = np.flatnonzero(within & (reading.times >= milliseconds(since)))
    for first in after[: len(after) - STEADY + 1]:
        if within[first : first + STEADY].all():
            return from_milliseconds(int(reading.times[first]))
    return None


def _effects(judged: Judged, ended: datetime, its: ItsSettings) -> Effects:
    event = replace(judged.event, ended=False)
    since = judged.times[(judged.times > event.deploy) & (judged.times <= milliseconds(ended))]
    looks = since[np.unique(np.linspace(0, len(since) - 1, LOOKS).round().astype(np.int64))] if len(since) else since
    seen = retrace(judged.times, judged.values, event, its, [float(at) for at in looks], judged.controls)

    def column(*values: float | None) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return np.array([np.nan if value is None else value for value in values])

    margin = next((look.margin for look in reversed(seen) if look.margin is not None), None)
    return Effects(
        times=looks,
        effect=column(*(look.effect for look in seen)),
        low=column(*(look.low for look in seen)),
        high=column(*(look.high for look in seen)),
        margin=None if margin is None else margin if event.harm == "up" else -margin,
    )
