"""Which of the last deploys moved which metric: those that people merged, judged as ours are, and only told.

Every deploy of a service is held against every other one of the time: what two explain alike is laid to neither alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from cases.moments import milliseconds
from cases.telemetry import Deploy, Direction, SeriesBlock
from inference.interruption import Interruption, ItsReading, ItsSettings, Side
from inference.its import first_ruling

MOST_SERIES = 3  # of one signal: those with the most readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One deploy that moved one metric, with the always-valid interval of its effect, in the signal's unit.

    to     "worse" or "better" where the signal has a side of harm, else "up" or "down"
    alone  whether no other deploy of that time explains it about as well
    """

    service: str
    commit: str
    started: datetime
    signal: str
    to: Literal["worse", "better", "up", "down"]
    effect: float
    low: float
    high: float
    evidence: float
    alone: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedSettings:
    """How they are judged: `alpha` for one deploy over `signals` signals, both sides of each."""

    warm_up: timedelta
    min_samples: int
    holds: int
    alpha: float
    signals: int


def moved_by(block: SeriesBlock, deploys: Sequence[Deploy], settings: ShippedSettings) -> list[Moved]:
    """Which of the deploys moved the signal of the block, the surest first."""
    if block.partial:
        return []
    rows = sorted(range(len(block.labels)), key=lambda row: -int(np.isfinite(block.values[row]).sum()))[:MOST_SERIES]
    found = [one for row in rows for deploy in deploys for one in _moved(block, row, deploy, deploys, settings)]
    return ranked(found)


def ranked(found: Sequence[Moved]) -> list[Moved]:
    """The surest first: those that stand alone before those that do not; one line a deploy and signal."""
    best: dict[tuple[str, str, str], Moved] = {}
    for one in sorted(found, key=lambda one: (not one.alone, -one.evidence, one.started)):
        best.setdefault((one.service, one.commit, one.signal), one)
    return list(best.values())


def _moved(
    block: SeriesBlock, row: int, deploy: Deploy, deploys: Sequence[Deploy], settings: ShippedSettings
) -> Iterator[Moved]:
    others = tuple(float(milliseconds(other.started)) for other in deploys if other is not deploy)
    signal = block.signal
    its = ItsSettings(
        alpha=settings.alpha / (2 * settings.signals),
        warm_up=settings.warm_up / timedelta(milliseconds=1),
        min_samples=settings.min_samples,
        holds=settings.holds,
        kind=signal.scale.value,
    )
    sides: tuple[Side, ...] = ("up", "down")
    for side in sides:
        event = Interruption(deploy=milliseconds(deploy.started), harm=side, ended=True, others=others)
        reading = first_ruling(block.times, block.values[row], event, its)
        if reading.ruling == "harmful" or reading.contested:
            yield _one(deploy, signal.name, reading, _to(signal.harm, side))


def _to(harm: Direction | None, side: Side) -> Literal["worse", "better", "up", "down"]:
    if harm is None:
        return side
    return "worse" if harm.value == side else "better"


def _one(deploy: Deploy, signal: str, reading: ItsReading, to: Literal["worse", "better", "up", "down"]) -> Moved:
    return Moved(
        service=deploy.service,
        commit=deploy.commit,
        started=deploy.started,
        signal=signal,
        to=to,
        effect=reading.effect or 0.0,
        low=reading.low or 0.0,
        high=reading.high or 0.0,
        evidence=min(reading.evidence or 0.0, 1e9),
        alone=not reading.contested,
        because=reading.because,
    )


def not_ours(deploys: Sequence[Deploy], ours: Sequence[Deploy]) -> list[Deploy]:
    """The deploys that carry no change of ours, each once."""
    told = [deploy for deploy in deploys if not any(deploy.runs(own.commit) for own in ours)]
    return [replace(deploy) for place, deploy in enumerate(told) if deploy not in told[:place]]
