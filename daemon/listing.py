"""What one entry of `watch` comes to: a watch for each service of a family, or for each rule that is imported."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from cases.errors import PermanentError
from cases.ports import SignalSource
from cases.telemetry import Direction, Signal
from config.settings import FamilyWatchSettings, ImportWatchSettings, Settings
from daemon.reach import Reach, service_of
from detectors.burn_rate import Objective
from detectors.detect import Choice
from signals.rules import AlertRule, MetricApi, Reading, readings_of, rules_of

MOST_SERVICES = 200  # of one rule: a label that names no service must not open a thousand watches
MOST_ASKED = 200  # queries that one refresh asks for the services of rules; the others keep theirs until the next


Absence: TypeAlias = Literal["all", "series", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """An objective, and the queries for good events and all of them, each a second."""

    good: str
    total: str
    objective: Objective


def absence_of(wanted: Literal["auto", "all", "series", "off"], harm: Direction | None) -> Absence:
    """What `auto` comes to: an error that is not counted any more, as after a restart, is no harm."""
    if wanted != "auto":
        return wanted
    return "off" if harm is Direction.UP else "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One signal and how an anomaly of it is told.

    confirm   consecutive points that prove it
    slo       the objective that decides instead of `detector`; the signal is then the share of events that fail
    runbook   a link for whoever is woken, as the rule's annotations have it, or ""
    because   why a rule's firing state is watched and not its reading, or ""
    absence   what is an anomaly when readings stop
    limit     where a reading is full, or a query for it; None: nothing is forecast. `within`: how far ahead
    requested what is set aside for it, or a query for it; None: nobody asks whether it is used
    """

    signal: Signal
    detector: Choice
    confirm: int
    runbook: str = ""
    because: str = ""
    slo: Slo | None = None
    absence: Absence = "off"
    limit: float | str | None = None
    within: timedelta = timedelta(days=1)
    requested: float | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Unmatched:
    """Something that is not watched, and why."""

    what: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What one entry of `watch` has come to."""

    watches: tuple[Watch, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()


class Family:
    """One query for many services."""

    def __init__(self, watch: FamilyWatchSettings, settings: Settings, source: SignalSource) -> None:
        self._watch = watch
        self._confirm = settings.detection.confirm
        self._source = source
        self._reach = Reach(query=watch.query, labels=(watch.by,))

    def look(self, now: datetime, tick: float) -> Listed:
        """A watch for each service. Raises SourceDown, or PermanentError."""
        wanted = self._watch
        self._reach.ask(self._source, now, tick)
        reached = self._reach.reached()
        names = list(reached.services)
        unmatched: list[Unmatched] = []
        if reached.without:
            because = f"{reached.without} of its series have no label {wanted.by} that names a service"
            unmatched.append(Unmatched(what=f"{wanted.name} by {wanted.by}", because=because))
        if len(names) > wanted.most:
            because = (
                f"{wanted.by} has {len(names)} values and `most` is {wanted.most}: correct `by`, or raise `most`; "
                f"the first {wanted.most} by name are watched"
            )
            unmatched.append(Unmatched(what=f"{wanted.name} by {wanted.by}", because=because))
        return Listed(
            watches=tuple(self._one(name) for name in names[: wanted.most]),
            unmatched=tuple(unmatched),
        )

    def _one(self, service: str) -> Watch:
        wanted = self._watch
        signal = Signal(
            name=wanted.name,
            service=service,
            source=self._source.name,
            query=wanted.query,
            harm=wanted.harm,
            severity=wanted.severity,
            threshold=wanted.threshold,
            pick={wanted.by: service},
            traffic=wanted.traffic if isinstance(wanted.traffic, str) else wanted.query if wanted.traffic else "",
            scale=wanted.kind,
            controls=wanted.controls,
        )
        return Watch(
            signal=signal,
            detector=wanted.detector,
            confirm=self._confirm,
            absence=absence_of(wanted.absence, wanted.harm),
            limit=wanted.limit,
            within=wanted.within,
            requested=wanted.requested,
        )


class Import:
    """The alert rules of one Prometheus."""

    def __init__(self, watch: ImportWatchSettings, settings: Settings, source: SignalSource) -> None:
        self._watch = watch
        self._labels = settings.catalog.service_labels
        self._detection = settings.detection
        self._source = source
        self._reaches: dict[str, Reach] = {}
        self._refused: dict[str, str] = {}

    def look(self, now: datetime, tick: float) -> Listed:
        """The watches of every rule that matches. Raises SourceDown, or PermanentError."""
        if not isinstance(self._source, MetricApi):
            raise PermanentError(f"{self._source.name} is no Prometheus: it has no alert rules")
        rules = rules_of(self._source.name, self._source)
        readings = readings_of(rule for rule in rules if rule.matches(self._watch.match))
        self._ask([reading.reach for reading in readings if self._known(reading) is None and reading.reach], now, tick)
        watches: list[Watch] = []
        unmatched: list[Unmatched] = []
        for reading in readings:
            services = self._services(reading)
            chosen = list(services.items())[:MOST_SERVICES]
            watches += [self._one(reading, service, labels) for service, labels in chosen]
            what = f"rule {reading.rule.name} (group {reading.rule.group})"
            if not services:
                unmatched.append(Unmatched(what=what, because=self._why(reading)))
            elif len(chosen) < len(services):
                because = f"its series name {len(services)} services; the first {MOST_SERVICES} by name are watched"
                unmatched.append(Unmatched(what=what, because=because))
        return Listed(watches=tuple(watches), unmatched=tuple(unmatched))

    def _known(self, reading: Reading) -> tuple[str, str] | None:
        """The service that the rule's own labels name, or else those that all its selectors fix."""
        return service_of(reading.rule.set_labels, self._labels) or service_of(reading.fixed, self._labels)

    def _ask(self, queries: Iterable[str], now: datetime, tick: float) -> None:
        """Look up the services of the queries, those that waited longest first."""
        self._reaches = {
            query: self._reaches.get(query) or Reach(query=query, labels=self._labels) for query in queries
        }
        self._refused = {query: said for query, said in self._refused.items() if query in self._reaches}
        waiting = sorted(self._reaches.values(), key=lambda reach: reach.asked)
        for reach in waiting[:MOST_ASKED]:
            self._refused.pop(reach.query, None)
            try:
                reach.ask(self._source, now, tick)
            except PermanentError as error:  # one rule that cannot be evaluated hides no other
                self._refused[reach.query] = str(error)
                reach.asked = tick

    def _services(self, reading: Reading) -> dict[str, dict[str, str]]:
        """Service → the labels that tell its series from those of others; empty where it has them all."""
        known = self._known(reading)
        if known is not None:
            return {known[1]: {}}
        reach = self._reaches.get(reading.reach)
        if reach is not None and (reached := reach.reached().services):
            return {service: {label: service} for service, label in reached.items()}
        named = self._watch.service if reading.reach not in self._refused else None
        return {named: {}} if named else {}

    def _why(self, reading: Reading) -> str:
        labels = ", ".join(self._labels)
        advice = "give the rule such a label, or import it with `service:`"
        reach = self._reaches.get(reading.reach)
        if reading.reach in self._refused:
            return self._refused[reading.reach]
        if reach is None:
            return f"its labels name no service ({labels}), and {reading.because or 'it has no series'}: {advice}"
        if math.isinf(reach.asked):
            return "its services are looked up at the next refresh"
        if reach.without:
            return f"neither its labels nor its {reach.without} series name a service ({labels}): {advice}"
        return f"its labels name no service ({labels}), and its query has had no series for an hour: {advice}"

    def _one(self, reading: Reading, service: str, labels: Mapping[str, str]) -> Watch:
        rule = reading.rule
        signal = Signal(
            name=reading.name,
            service=service,
            source=self._source.name,
            query=reading.query_of(labels),
            harm=reading.harm,
            severity=rule.severity,
            threshold=reading.threshold,
            pick=labels if reading.query else {},
            rule=rule.name,
        )
        annotations = rule.annotations
        return Watch(
            signal=signal,
            detector="threshold",
            confirm=self._confirm(rule) if reading.query else self._detection.confirm,
            runbook=annotations.get("runbook_url") or annotations.get("runbook", ""),
            because=reading.because,
        )

    def _confirm(self, rule: AlertRule) -> int:
        """As many points as the rule holds its breath for, as far as they fit into one look."""
        wanted = self._detection
        most = wanted.recent // wanted.step
        return max(wanted.confirm, min(-(-rule.hold // wanted.step), most))
