"""Which alerts really fired in a past stretch: the `ALERTS` series that Prometheus keeps of its own rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cases.errors import PermanentError, SourceDown
from cases.moments import from_milliseconds
from cases.ports import SignalSource
from cases.telemetry import SeriesBlock, Signal
from daemon.backtest.columns import joined
from daemon.backtest.reading import chunks, floored
from daemon.listing import Watch
from daemon.reach import service_of
from signals.rules import MetricApi, rules_of

QUERY = 'ALERTS{alertstate="firing"}'
QUIET = timedelta(minutes=10)
"""An alert that is back so soon has not been away: whoever was woken is still there."""
MOST_SERIES = 2_000
_LONGEST = 120  # characters of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One alert of one service, from its first firing sample to its last.

    service   as its labels or the watch of its rule say; "" where neither names one that is watched
    before    whether it fired at the first point already: since when is not known then
    """

    source: str
    name: str
    service: str
    severity: str
    first: datetime
    last: datetime
    before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """What the sources say of alerts. `silent` are those that cannot say which fired, with the reason."""

    firings: tuple[Firing, ...]
    told: tuple[str, ...]  # the sources that could say
    silent: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def alerts_of(
    sources: Mapping[str, SignalSource],
    apis: Mapping[str, object],
    watches: Sequence[Watch],
    labels: Sequence[str],
    grid: tuple[datetime, datetime, timedelta],
) -> Alerts:
    """Read what fired from `grid[0]` to `grid[1]` on a grid of `grid[2]`, from every source that is watched.

    `apis` are the same sources as they are: one that has no API of metrics keeps no alerts. `labels` name the service.
    """
    firings: list[Firing] = []
    told: list[str] = []
    silent: list[str] = []
    remarks: list[str] = []
    for name in sorted({watch.signal.source for watch in watches} & sources.keys()):
        api = apis.get(name)
        if not isinstance(api, MetricApi):
            continue
        try:
            block = _block(name, sources[name], grid)
            missing = "" if block.labels else _without(name, api)
        except (SourceDown, PermanentError) as error:
            missing = str(error)
        else:
            firings += _firings(name, block, watches, labels)
            if len(block.labels) > MOST_SERIES:
                remarks.append(f"{name} has {len(block.labels)} series of alerts: the first {MOST_SERIES} are compared")
        if missing:
            silent.append(missing)
        else:
            told.append(name)
    firings.sort(key=lambda firing: (firing.first, firing.source, firing.name, firing.service))
    return Alerts(firings=tuple(firings), told=tuple(told), silent=tuple(silent), remarks=tuple(remarks))


def _block(name: str, source: SignalSource, grid: tuple[datetime, datetime, timedelta]) -> SeriesBlock:
    since, until, step = grid
    signal = Signal(name="alerts", service=name, source=name, query=QUERY)
    return joined(signal, list(chunks(signal, source.read, floored(since, step), until, step)))


def _without(name: str, api: MetricApi) -> str:
    """Why no alert fired there: "" when rules are evaluated and none did."""
    if rules_of(name, api):
        return ""
    return f"{name} has no ALERTS series in this stretch and evaluates no alerting rules: a ruler elsewhere may"


def _firings(name: str, block: SeriesBlock, watches: Sequence[Watch], labels: Sequence[str]) -> list[Firing]:
    """The stretches in which the series of one alert and service were there, taken together."""
    watched = {watch.signal.service for watch in watches}
    ruled: dict[str, set[str]] = {}
    for watch in watches:
        ruled.setdefault(watch.signal.rule, set()).add(watch.signal.service)
    sole = {rule: next(iter(services)) for rule, services in ruled.items() if rule and len(services) == 1}
    rows: dict[tuple[str, str, str], list[int]] = {}
    for row, told in enumerate(block.labels[:MOST_SERIES]):
        alert = told.get("alertname", "")
        found = service_of(told, labels)
        service = sole.get(alert, "") if found is None else found[1] if found[1] in watched else ""
        rows.setdefault((alert[:_LONGEST], service, told.get("severity", "")[:_LONGEST]), []).append(row)
    firings: list[Firing] = []
    quiet = QUIET // timedelta(milliseconds=1)
    for (alert, service, severity), mine in rows.items():
        times = block.times[np.logical_or.reduce(~block.missing[mine], axis=0)]
        breaks = np.flatnonzero(np.diff(times) > quiet)
        for first, last in zip([0, *(breaks + 1)], [*breaks, len(times) - 1], strict=True):
            if len(times):
                firings.append(
                    Firing(
                        source=name,
                        name=alert,
                        service=service,
                        severity=severity,
                        first=from_milliseconds(int(times[first])),
                        last=from_milliseconds(int(times[last])),
                        before=int(times[first]) == int(block.times[0]),
                    )
                )
    return firings
