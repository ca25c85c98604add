"""The nightly look for what got slowly worse over weeks, or was never used: bounded reads, and opportunities."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.errors import PermanentError, SourceDown
from cases.ports import Checkpoints
from cases.symptom import symptom
from cases.telemetry import DAY, SeriesBlock, Signal
from daemon.budgets import Read
from daemon.fillings import beside
from daemon.keeping.daily import Daily, Errand
from daemon.listing import Watch
from daemon.opportunities import Opportunities, Opportunity
from detectors.baseline import Key
from detectors.drift import detect_drift
from detectors.waste import detect_waste
from remediation.neutral import neutral
from remediation.ports import Ports

log = logging.getLogger("trackwalker.opportunities")

JOB = "opportunities"
HOUR = 4  # UTC, after the copy of the store
REACH = 28 * DAY
STEP = timedelta(hours=1)
MOST_SERIES = 200
"""Series of one signal that are looked at: a look at more is no look for a human."""
LONGEST = timedelta(minutes=8)
"""How long a night's look may take; what is left comes first in another night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a night's look found, and at which signals it looked."""

    found: tuple[Opportunity, ...]
    signals: frozenset[str]


def improvements_of(ports: Ports, checkpoints: Checkpoints, listed: Callable[[], Sequence[Watch]]) -> tuple[Daily, ...]:
    """The nightly job, where the settings want any opportunities. `listed` are the watches there are."""
    a_week = ports.settings.budget.opportunities_per_week

    def work(errand: Errand) -> Mapping[str, str]:
        now, until = ports.now, ports.clock.monotonic() + LONGEST.total_seconds()
        watches = listed()

        def stopped() -> bool:
            return errand.stopped() or ports.clock.monotonic() > until

        looked = look(_from_another(watches, now), ports.read, now, stopped)
        watched = {watch.signal.key for watch in watches}
        new = Opportunities(checkpoints=checkpoints).take(looked.found, looked.signals, watched, now, a_week)
        for one in new:
            log.info("an opportunity in %s/%s: it %s", one.service, one.signal, one.text)
        return {"signals": str(len(looked.signals)), "found": str(len(looked.found)), "new": str(len(new))}

    return (Daily(name=JOB, hour=HOUR, work=work),) if a_week else ()


def look(watches: Sequence[Watch], read: Read, now: datetime, stopped: Callable[[], bool]) -> Looked:
    """Look at each watch that has a harm side or a reserve, over whole days.

    One that cannot be read is left out, and said so.
    """
    end = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Opportunity] = []
    looked: set[str] = set()
    for watch in watches:
        if stopped():
            break
        signal = watch.signal
        if signal.harm is None and watch.requested is None:
            continue
        try:
            block = _first(read(signal, end - REACH, end - STEP, STEP), MOST_SERIES)
            reserved: Mapping[Key, float] = dict[Key, float]()
            if watch.requested is not None:
                reserved = beside(watch.requested, block, now, STEP, read)
        except (SourceDown, PermanentError) as error:
            log.warning("%s: whether it got slowly worse cannot be read now: %s", signal.key, error)
            continue
        if not block.partial:
            looked.add(signal.key)
            found += [*_drifts(block, now), *_wastes(block, reserved, now)]
    return Looked(found=tuple(found), signals=frozenset(looked))


def _drifts(block: SeriesBlock, now: datetime) -> Iterator[Opportunity]:
    for anomaly in detect_drift(block):
        yield _opportunity("drift", block.signal, anomaly.labels, symptom(anomaly), anomaly.score, now)


def _wastes(block: SeriesBlock, reserved: Mapping[Key, float], now: datetime) -> Iterator[Opportunity]:
    for wasted in detect_waste(block, reserved):
        used = f"{wasted.peak:.4g} of the {wasted.reserved:.4g} that is set aside for it"
        text = f"used at most {used}, at any full hour of the last four weeks"
        yield _opportunity("waste", block.signal, wasted.labels, text, wasted.score, now)


def _opportunity(
    kind: str, signal: Signal, labels: Mapping[str, str], text: str, score: float, now: datetime
) -> Opportunity:
    return Opportunity(
        kind=kind,
        service=signal.service,
        signal=signal.name,
        labels={name: neutral(value, 80) for name, value in labels.items()},
        text=text,
        score=score,
        found=now,
        seen=now,
    )


def _first(block: SeriesBlock, most: int) -> SeriesBlock:
    if len(block.labels) <= most:
        return block
    return SeriesBlock(
        signal=block.signal,
        labels=block.labels[:most],
        times=block.times,
        values=block.values[:most],
        missing=block.missing[:most],
        partial=block.partial,
    )


def _from_another(watches: Sequence[Watch], now: datetime) -> Sequence[Watch]:
    """Begin elsewhere each night, so that a look that is cut short leaves out others than last time."""
    ordered = sorted(watches, key=lambda watch: watch.signal.key)
    place = now.toordinal() * 97 % len(ordered) if ordered else 0
    return [*ordered[place:], *ordered[:place]]
