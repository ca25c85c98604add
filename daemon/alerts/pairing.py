"""Which alerts speak of which case. Pure.

A case whose signal was imported from a rule belongs to the alerts of that rule and service: however many series of it
fire, all of them are about this. Any other case belongs to the one alert of its service that began near its onset, and
where there are several, to that of the signal's own name or to none: a guess would send people after the wrong page.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cases.anomaly import Anomaly
from cases.case import Case
from daemon.reach import service_of

if TYPE_CHECKING:
    from signals.alertmanager import Alert

NEAR = timedelta(minutes=15)
"""How far apart an onset and an alert's start may be, either way: few rules wait longer before they fire."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")  # what a signal's name lacks of its rule's (see `signals.rules`)
_LONGEST = 80
_DIGEST = re.compile(r"[0-9a-f]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """The alerts of one case. `doubt` says why there is none although some might be, or ""."""

    alerts: tuple["Alert", ...] = ()
    doubt: str = ""


def paired(
    cases: Sequence[Case],
    alerts: Sequence["Alert"],
    service_labels: Sequence[str],
    known: Mapping[str, Sequence[str]],
) -> dict[str, Paired]:
    """Case id → its alerts. `known` are the fingerprints that were a case's at an earlier look: they stay its."""
    found = {case.id: _of_case(case, alerts, service_labels, known.get(case.id, ())) for case in cases}
    return {case.id: _alone(case, found, known) for case in cases}


def _of_case(case: Case, alerts: Sequence["Alert"], service_labels: Sequence[str], known: Sequence[str]) -> Paired:
    kept = [alert for alert in alerts if alert.fingerprint in known]
    ruled = [
        alert
        for alert in alerts
        if any(of_rule(alert, anomaly, service_labels) for anomaly in case.anomalies if anomaly.signal.rule)
    ]
    if kept or ruled:
        return Paired(alerts=_each_once([*kept, *ruled]))
    return _nearby(case, alerts, service_labels)


def of_rule(alert: "Alert", anomaly: Anomaly, service_labels: Sequence[str]) -> bool:
    """Whether the alert is of the rule and the service that the anomaly's signal was made from."""
    signal = anomaly.signal
    if alert.name != signal.rule:
        return False
    plain = _UNSAFE.sub("-", signal.rule).strip("-")[:_LONGEST]
    suffix = signal.name.removeprefix(plain).removeprefix("-")  # where several rules have the name
    service = service_of(alert.labels, service_labels)
    if service is None and suffix:
        return False  # one of several rules of that name, and nothing tells whose it is
    if suffix and not _DIGEST.fullmatch(suffix) and _UNSAFE.sub("-", alert.labels.get("severity", "")) != suffix:
        return False
    if service is not None and signal.service not in (alert.labels.get(label) for label in service_labels):
        return False
    said = {**anomaly.labels, **signal.pick}
    return all(alert.labels.get(name, value) == value for name, value in said.items() if not name.startswith("__"))


def _nearby(case: Case, alerts: Iterable["Alert"], service_labels: Sequence[str]) -> Paired:
    """The one alert of the service that began when the trouble did; none where every signal has a rule of its own."""
    without = [anomaly for anomaly in case.anomalies if not anomaly.signal.rule]
    if not without:
        return Paired()
    onset = min(anomaly.onset for anomaly in without)
    near = [
        alert
        for alert in alerts
        if abs(alert.started - onset) <= NEAR and case.service in (alert.labels.get(label) for label in service_labels)
    ]
    names = {anomaly.signal.name.lower() for anomaly in without}
    near = [alert for alert in near if alert.name.lower() in names] or near
    if len({alert.name for alert in near}) > 1:
        which = ", ".join(sorted({alert.name for alert in near}))
        return Paired(doubt=f"{which} of {case.service} began near its onset, and nothing tells which is meant")
    return Paired(alerts=tuple(near))


def _alone(case: Case, found: Mapping[str, Paired], known: Mapping[str, Sequence[str]]) -> Paired:
    """What of a case's alerts no other case has a claim on; whose it was before, it stays."""
    mine = found[case.id]
    own = known.get(case.id, ())
    taken = {
        alert.fingerprint
        for other, theirs in found.items()
        if other != case.id
        for alert in theirs.alerts
        if alert.fingerprint not in own or alert.fingerprint in known.get(other, ())
    }
    alerts = tuple(alert for alert in mine.alerts if alert.fingerprint not in taken)
    if alerts or not mine.alerts:
        return Paired(alerts=alerts, doubt=mine.doubt)
    names = ", ".join(sorted({alert.name for alert in mine.alerts}))
    others = ", ".join(sorted(other for other in found if other != case.id and _share(mine, found[other])))
    return Paired(doubt=f"{names} could as well speak of case {others}")


def _share(one: Paired, other: Paired) -> bool:
    return bool({alert.fingerprint for alert in one.alerts} & {alert.fingerprint for alert in other.alerts})


def _each_once(alerts: Iterable["Alert"]) -> tuple["Alert", ...]:
    return tuple({alert.fingerprint: alert for alert in alerts}.values())
