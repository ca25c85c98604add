"""How the trouble stands at the moment that a pull request tells of it: stored as evidence before it is told."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

from cases.anomaly import AnomalyKind
from cases.case import Case
from cases.diagnosis import Evidence
from cases.events import Noted
from cases.telemetry import Deploy
from config.settings import AnyWatchSettings, WatchSettings
from remediation.evidence import Pack
from remediation.figures import figure, roughly
from remediation.neutral import neutral
from remediation.reach import BURN
from remediation.reading import Reading

VALUE, LASTED, OUT = "value_now", "lasted_s", "out_of_band"
DELAY, DEPLOYS = "deploy_delay_s", "deploys"
EXHAUSTED = "budget_gone_in_s"
"""The names of these figures in the evidence."""


def noted(
    case: Case, reading: Reading, deploys: Sequence[Deploy], watches: Sequence[AnyWatchSettings], now: datetime
) -> tuple[Noted, ...]:
    """What is seen now, as evidence behind what is there; nothing for a case that has no diagnosis."""
    diagnosis = case.diagnosis
    if diagnosis is None:
        return ()
    pack = Pack(diagnosis.facts)
    _reading(pack, case, reading, now)
    _delays(pack, case, deploys, now)
    _exhaustion(pack, case, watches, now)
    return (Noted(facts=tuple(pack.facts[len(diagnosis.facts) :])),)


def newest(facts: Iterable[Evidence], name: str) -> Evidence | None:
    """The newest fact that has a figure of that name."""
    return next((fact for fact in reversed(tuple(facts)) if name in fact.numbers), None)


def _reading(pack: Pack, case: Case, reading: Reading, now: datetime) -> None:
    anomaly, latest = case.anomaly, reading.latest
    lasted = (now - anomaly.onset).total_seconds()
    source, name = f"{anomaly.signal.source}: {anomaly.signal.query}", neutral(anomaly.signal.name, 60)
    if latest is None:
        pack.add(f"{name} has no sample now, {roughly(lasted)} after it began", source, now, {LASTED: lasted})
        return
    at, value = latest
    if anomaly.kind is AnomalyKind.GOAL:
        pack.add(f"{name} reads {figure(value)} at {at:%H:%M:%S} UTC", source, at, {VALUE: value})
        return
    firing = bool(reading.firing)
    stands = "still out of its band" if firing else "back in its band"
    numbers = {VALUE: value, LASTED: lasted, OUT: float(firing)}
    text = f"{name} reads {figure(value)} at {at:%H:%M:%S} UTC, {stands}, {roughly(lasted)} after it began"
    pack.add(text, source, at, numbers)


def _delays(pack: Pack, case: Case, deploys: Sequence[Deploy], now: datetime) -> None:
    """How long commits took to run, for those that a marker names."""
    suspects = case.diagnosis.suspects if case.diagnosis else ()
    took = {
        suspect.commit.sha: ((deploy.started - suspect.commit.at).total_seconds(), deploy.source)
        for suspect in suspects
        for deploy in deploys
        if deploy.runs(suspect.commit.sha) and deploy.started >= suspect.commit.at
    }
    if not took:
        return
    typical = median(seconds for seconds, _ in took.values())
    sources = ", ".join(sorted({neutral(source, 60) for _, source in took.values()}))
    text = f"commits ran about {roughly(typical)} after they were made (median of {len(took)}, by {sources})"
    pack.add(text, sources, now, {DELAY: typical, DEPLOYS: float(len(took))})


def _exhaustion(pack: Pack, case: Case, watches: Sequence[AnyWatchSettings], now: datetime) -> None:
    """When the whole error budget is gone at the rate it burns with, where a watch has an objective."""
    burning = newest(pack.facts, BURN)
    window = _window(case, watches)
    if burning is None or window is None or not burning.numbers[BURN] > 0:
        return
    gone = window.total_seconds() / burning.numbers[BURN]
    text = f"at that rate a whole error budget is gone in {roughly(gone)} ({burning.id})"
    pack.add(text, burning.source, now, {EXHAUSTED: gone})


def _window(case: Case, watches: Sequence[AnyWatchSettings]) -> timedelta | None:
    """The window of the objective that the case's leading signal has."""
    signal = case.anomaly.signal
    for watch in watches:
        if isinstance(watch, WatchSettings) and (watch.name, watch.service) == (signal.name, signal.service):
            return watch.slo.window if watch.slo else None
    return None
