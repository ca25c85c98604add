"""Our cases as alerts of our own: only of those that no alert pages for already. Pure.

Each is said again after every look with an end some minutes ahead, as Prometheus does: should this daemon die, its
alerts end by themselves. One that is not wanted any more is ended at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cases.case import Case
from daemon.alerts.pairing import Paired
from daemon.alerts.wording import one_line

if TYPE_CHECKING:
    from signals.alertmanager import Alert, Raised

OURS = "TrackwalkerCase"
"""The name of our alerts."""
LIFE = timedelta(minutes=5)
"""How long one lasts after it was last said: Alertmanager's own `resolve_timeout`."""
LONGEST = 200
_OWN = ("alertname", "service", "severity", "case")


def is_ours(alert: "Alert") -> bool:
    """Whether one of us said it."""
    return alert.name == OURS


def spoken(alert: "Alert") -> str:
    """The case that one of ours speaks of."""
    return alert.labels.get("case", "")


def wanted(cases: Iterable[Case], pairs: Mapping[str, Paired]) -> list[Case]:
    """The cases that no alert speaks of: where one may, and it is not known which, none of ours is added either."""
    return [case for case in cases if not pairs[case.id].alerts and not pairs[case.id].doubt]


def raised(cases: Iterable[Case], said: Mapping[str, Mapping[str, str]], now: datetime) -> "list[Raised]":
    """An alert for each of the cases. `said`: case → what its annotations are to say beside the summary."""
    from signals.alertmanager import Raised

    return [
        Raised(
            labels=_labels(case),
            annotations={"summary": _summary(case), **said[case.id]},
            starts=case.opened,
            ends=now + LIFE,
        )
        for case in cases
    ]


def lowered(
    listed: Sequence["Alert"], kept: "Iterable[Raised]", ours: Callable[[str], bool], now: datetime
) -> "list[Raised]":
    """The end of each alert of ours that is not kept. `ours`: whether a case is of this store; others' are left."""
    from signals.alertmanager import Raised

    still = [dict(alert.labels) for alert in kept]
    return [
        Raised(labels=alert.labels, annotations=alert.annotations, starts=min(alert.started, now), ends=now)
        for alert in listed
        if is_ours(alert) and dict(alert.labels) not in still and ours(spoken(alert))
    ]


def _labels(case: Case) -> dict[str, str]:
    values = (OURS, case.service, str(case.anomaly.signal.severity), case.id)
    return {name: one_line(value, LONGEST) for name, value in zip(_OWN, values, strict=True)}


def _summary(case: Case) -> str:
    anomaly = case.anomaly
    return one_line(f"{case.service}: {anomaly.signal.name} is {anomaly.direction}", LONGEST)
