"""The nightly look for what got slowly worse over weeks, or was never used: bounded reads, and opportunities."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cases.anomaly import Anomaly, AnomalyKind
from cases.errors import PermanentError, SourceDown
from cases.moments import from_milliseconds
from cases.stores import CaseStore, Checkpoints
from cases.symptom import symptom
from cases.telemetry import DAY, Direction, SeriesBlock, Severity, Signal
from daemon.budgets import Read
from daemon.fillings import beside, nameless
from daemon.keeping.daily import Daily, Errand
from daemon.listing import Watch
from daemon.opportunities import Opportunities, Opportunity
from detectors.baseline import Key, key_of
from detectors.drift import detect_drift
from detectors.laggard import detect_laggards
from detectors.waste import Wasted, detect_waste
from remediation.neutral import neutral
from remediation.ports import Ports

log = logging.getLogger("trackwalker.opportunities")

JOB = "opportunities"
HOUR = 4  # UTC, after the copy of the store
REACH = 28 * DAY
STEP = timedelta(hours=1)
_NEWEST = 5  # points of what is set aside, to know its series
MOST_SERIES = 200
"""Series of one signal that are looked at: a look at more is no look for a human."""
LONGEST = timedelta(minutes=8)
"""How long a night's look may take; what is left comes first in another night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One opportunity, and what a case about it would be about; None where that cannot be watched afterwards."""

    opportunity: Opportunity
    anomaly: Anomaly | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """The series of what is set aside."""

    signal: Signal
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a night's look found, and at which signals it looked."""

    found: tuple[Found, ...]
    signals: frozenset[str]


def improvements_of(
    ports: Ports, cases: CaseStore, checkpoints: Checkpoints, listed: Callable[[], Sequence[Watch]]
) -> tuple[Daily, ...]:
    """The nightly job, where the settings want any opportunities. `listed` are the watches there are."""
    a_week = ports.settings.budget.opportunities_per_week

    def work(errand: Errand) -> Mapping[str, str]:
        from daemon.improving import Improving  # and with it the way of a case: once a night is soon enough

        now, until = ports.now, ports.clock.monotonic() + LONGEST.total_seconds()
        watches = listed()

        def stopped() -> bool:
            return errand.stopped() or ports.clock.monotonic() > until

        looked = look(_from_another(watches, now), ports.read, now, stopped)
        watched = {watch.signal.key for watch in watches}
        everything = Opportunities(checkpoints=checkpoints)
        found = [each.opportunity for each in looked.found]
        new = everything.take(found, looked.signals, watched, now, a_week)
        for one in new:
            log.info("an opportunity in %s/%s: it %s", one.service, one.signal, one.text)
        anomalies = {each.opportunity.id: each.anomaly for each in looked.found if each.anomaly is not None}
        opened = Improving(ports=ports, cases=cases, opportunities=everything).follow(anomalies, now)
        told = {"signals": len(looked.signals), "found": len(found), "new": len(new), "opened": opened}
        return {name: str(number) for name, number in told.items()}

    return (Daily(name=JOB, hour=HOUR, work=work),) if a_week else ()


def look(watches: Sequence[Watch], read: Read, now: datetime, stopped: Callable[[], bool]) -> Looked:
    """Look at each watch that has a harm side or a reserve, over whole days.

    One that cannot be read is left out, and said so.
    """
    end = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Found] = []
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
            wastes = detect_waste(block, reserved)
            set_aside = _set_aside(watch, block, now, read) if wastes else dict[Key, SetAside]()
            found += [*_drifts(block, now), *_laggards(block, now), *_wastes(wastes, block, set_aside, now)]
    return Looked(found=tuple(found), signals=frozenset(looked))


def _drifts(block: SeriesBlock, now: datetime) -> Iterator[Found]:
    for anomaly in detect_drift(block):
        found = _opportunity("drift", block.signal, anomaly.labels, symptom(anomaly), anomaly.score, now)
        yield Found(opportunity=found, anomaly=anomaly)


def _laggards(block: SeriesBlock, now: datetime) -> Iterator[Found]:
    for anomaly in detect_laggards(block):
        found = _opportunity("laggard", block.signal, anomaly.labels, symptom(anomaly), anomaly.score, now)
        yield Found(opportunity=found, anomaly=anomaly)


def _wastes(
    wastes: Sequence[Wasted], block: SeriesBlock, set_aside: Mapping[Key, SetAside], now: datetime
) -> Iterator[Found]:
    for wasted in wastes:
        used = f"{wasted.peak:.4g} of the {wasted.reserved:.4g} that is set aside for it"
        text = f"used at most {used}, at any full hour of the last four weeks"
        found = _opportunity("waste", block.signal, wasted.labels, text, wasted.score, now)
        own = set_aside.get(key_of(wasted.labels))
        yield Found(opportunity=found, anomaly=_too_much(wasted, own, block, now) if own else None)


def _set_aside(watch: Watch, block: SeriesBlock, now: datetime, read: Read) -> Mapping[Key, SetAside]:
    """The series of what is set aside, by the labels of what is used. None where the file has a number in its place.

    Raises what `read` raises.
    """
    if not isinstance(watch.requested, str):
        return {}
    signal = replace(block.signal, query=watch.requested, harm=Direction.UP, severity=Severity.NOTE, threshold=None)
    told = read(signal, now - _NEWEST * STEP, now, STEP)
    by_name = {nameless(labels): SetAside(signal=signal, labels=labels) for labels in told.labels}
    alone = next(iter(by_name.values())) if len(told.labels) == 1 else None
    paired = {key_of(labels): by_name.get(nameless(labels), alone) for labels in block.labels}
    return {key: own for key, own in paired.items() if own is not None}


def _too_much(wasted: Wasted, own: SetAside, block: SeriesBlock, now: datetime) -> Anomaly:
    """That too much is set aside: a reading of what is, as that is what a change of it moves."""
    return Anomaly(
        signal=own.signal,
        labels=own.labels,
        detector="waste",
        kind=AnomalyKind.WASTE,
        direction=Direction.UP,
        onset=from_milliseconds(int(block.times[0])),
        onset_bound_s=STEP.total_seconds(),
        detected=now,
        value=wasted.reserved,
        expected=wasted.peak,
        low=wasted.peak,
        high=wasted.reserved,
        score=wasted.score,
    )


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
