"""The nightly look for what got slowly worse over weeks: bounded reads of history, and opportunities out of them."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.errors import PermanentError, SourceDown
from cases.ports import Checkpoints
from cases.symptom import symptom
from cases.telemetry import DAY, SeriesBlock, Signal
from daemon.keeping.daily import Daily, Errand
from daemon.opportunities import Opportunities, Opportunity
from detectors.drift import detect_drift
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

Read = Callable[[Signal, datetime, datetime, timedelta], SeriesBlock]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a night's look found, and at which signals it looked."""

    found: tuple[Opportunity, ...]
    signals: frozenset[str]


def improvements_of(ports: Ports, checkpoints: Checkpoints) -> tuple[Daily, ...]:
    """The nightly job, where the settings want any opportunities."""
    a_week = ports.settings.budget.opportunities_per_week

    def work(errand: Errand) -> Mapping[str, str]:
        now, until = ports.now, ports.clock.monotonic() + LONGEST.total_seconds()
        signals = ports.watched()

        def stopped() -> bool:
            return errand.stopped() or ports.clock.monotonic() > until

        looked = look(_from_another(signals, now), ports.read, now, stopped)
        watched = {signal.key for signal in signals}
        new = Opportunities(checkpoints=checkpoints).take(looked.found, looked.signals, watched, now, a_week)
        for one in new:
            log.info("an opportunity in %s/%s: it %s", one.service, one.signal, one.text)
        return {"signals": str(len(looked.signals)), "found": str(len(looked.found)), "new": str(len(new))}

    return (Daily(name=JOB, hour=HOUR, work=work),) if a_week else ()


def look(signals: Sequence[Signal], read: Read, now: datetime, stopped: Callable[[], bool]) -> Looked:
    """Look at each signal that has a harm side, over whole days. One that cannot be read is left out, and said so."""
    end = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Opportunity] = []
    looked: set[str] = set()
    for signal in signals:
        if stopped():
            break
        if signal.harm is None:
            continue
        try:
            block = read(signal, end - REACH, end - STEP, STEP)
        except (SourceDown, PermanentError) as error:
            log.warning("%s: whether it got slowly worse cannot be read now: %s", signal.key, error)
            continue
        if not block.partial:
            looked.add(signal.key)
            found += _drifts(block, now)
    return Looked(found=tuple(found), signals=frozenset(looked))


def _drifts(block: SeriesBlock, now: datetime) -> Iterator[Opportunity]:
    for anomaly in detect_drift(_first(block, MOST_SERIES)):
        signal = anomaly.signal
        yield Opportunity(
            kind=anomaly.detector,
            service=signal.service,
            signal=signal.name,
            labels={name: neutral(value, 80) for name, value in anomaly.labels.items()},
            text=symptom(anomaly),
            score=anomaly.score,
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
    )


def _from_another(signals: Sequence[Signal], now: datetime) -> Sequence[Signal]:
    """Begin elsewhere each night, so that a look that is cut short leaves out others than last time."""
    ordered = sorted(signals, key=lambda signal: signal.key)
    place = now.toordinal() * 97 % len(ordered) if ordered else 0
    return [*ordered[place:], *ordered[:place]]
