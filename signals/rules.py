"""The alerting rules that a Prometheus has loaded, and what is to be watched for each.

API: https://prometheus.io/docs/prometheus/latest/querying/api/#rules
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, cast, runtime_checkable

from cases.errors import SourceDown
from cases.telemetry import Direction, Severity
from signals.promql import selector
from signals.promql_split import understood

_SEVERITIES = {
    **dict.fromkeys(("page", "critical", "crit", "emergency", "fatal", "p1", "sev1"), Severity.PAGE),
    **dict.fromkeys(("info", "informational", "note", "none", "notice", "p4", "p5"), Severity.NOTE),
}
_TEMPLATE = "{{"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80


def severity_of(labels: Mapping[str, str]) -> Severity:
    """What the label `severity` asks of a human; a ticket where it says nothing that is known."""
    return _SEVERITIES.get(labels.get("severity", "").lower(), Severity.TICKET)


def plain_name(rule: str) -> str:
    """The rule's name as a signal may have it."""
    return _UNSAFE.sub("-", rule).strip("-")[:_LONGEST_NAME] or "rule"


@runtime_checkable
class MetricApi(Protocol):
    """What of a Prometheus is asked besides readings."""

    def api(self, path: str, what: str, params: Mapping[str, str] | None = None) -> object:
        """The `data` of one GET below `/api/v1/`; `what` is asked for, in words. Raises as `SignalSource.read`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One alerting rule as its Prometheus has it.

    hold      how long the expression must hold before the alert fires (`for`)
    labels    those that the rule adds, templates among them
    """

    name: str
    group: str
    expression: str
    hold: timedelta
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def severity(self) -> Severity:
        """What its label `severity` asks of a human; a ticket where it says nothing that is known."""
        return severity_of(self.labels)

    @property
    def set_labels(self) -> dict[str, str]:
        """The labels that are what they are, without templates."""
        return {name: value for name, value in self.labels.items() if value and _TEMPLATE not in value}

    @property
    def digest(self) -> str:
        """Six letters that tell it from other rules of its name."""
        told = json.dumps([self.group, self.expression, sorted(self.labels.items())])
        return hashlib.sha256(told.encode()).hexdigest()[:6]

    def matches(self, wanted: Mapping[str, str]) -> bool:
        """Whether its labels match, each an anchored regular expression; a label that it has not is empty."""
        return all(re.fullmatch(form, self.labels.get(name, "")) for name, form in wanted.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is watched for a rule.

    query      for all services of the rule at once, or "" where each has its own (`query_of`)
    reach      a query whose series say for which services the rule speaks, or ""
    fixed      label → the one value that every selector in the expression asks for
    because    why its firing state is watched, or "" when it was split
    """

    rule: AlertRule
    name: str
    query: str
    threshold: float
    harm: Direction
    reach: str
    fixed: Mapping[str, str]
    because: str

    def query_of(self, labels: Mapping[str, str]) -> str:
        """The query for one service, which those labels name."""
        return self.query or _firing(self.rule, labels)


def rules_of(source: str, api: MetricApi) -> tuple[AlertRule, ...]:
    """Every alerting rule, in the order of groups. Raises SourceDown, or PermanentError."""
    answered = api.api("rules", "the alert rules", {"type": "alert", "exclude_alerts": "true"})
    try:
        groups = cast("dict[str, list[dict[str, object]]]", answered)["groups"]
        listed = [(str(group["name"]), cast("list[dict[str, object]]", group["rules"])) for group in groups]
        return tuple(_rule(group, rule) for group, rules in listed for rule in rules if rule["type"] == "alerting")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceDown(source, f"answered in an unknown shape for the alert rules ({type(error).__name__})") from None


def readings_of(rules: Iterable[AlertRule]) -> tuple[Reading, ...]:
    """What is watched for the rules. Rules of one name are told apart by their severity, or else by a digest."""
    every = list(rules)
    return tuple(_reading(rule, _name(rule, every)) for rule in every)


def _reading(rule: AlertRule, name: str) -> Reading:
    seen = understood(rule.expression)
    split = seen.split
    return Reading(
        rule=rule,
        name=name,
        query=split.query if split else "",
        threshold=split.threshold if split else 0.5,
        harm=split.harm if split else Direction.UP,
        reach=seen.reach,
        fixed=seen.fixed,
        because=seen.why,
    )


def _rule(group: str, rule: Mapping[str, object]) -> AlertRule:
    hold = float(cast("float", rule["duration"]))
    return AlertRule(
        name=str(rule["name"]),
        group=group,
        expression=str(rule["query"]),
        hold=timedelta(seconds=hold if math.isfinite(hold) else 0.0),
        labels=_texts(rule.get("labels")),
        annotations=_texts(rule.get("annotations")),
    )


def _texts(found: object) -> dict[str, str]:
    return {str(name): str(value) for name, value in cast("dict[object, object]", found or {}).items()}


def _name(rule: AlertRule, every: Sequence[AlertRule]) -> str:
    """The rule's name as a signal may have it."""
    name = plain_name(rule.name)
    alike = [other for other in every if _UNSAFE.sub("-", other.name) == _UNSAFE.sub("-", rule.name)]
    if len(alike) == 1:
        return name
    severity = _UNSAFE.sub("-", rule.labels.get("severity", ""))
    if severity and sum(other.labels.get("severity") == rule.labels.get("severity") for other in alike) == 1:
        return f"{name}-{severity}"
    return f"{name}-{rule.digest}"


def _firing(rule: AlertRule, labels: Mapping[str, str]) -> str:
    """1 while the rule fires and 0 while it does not: `ALERTS` itself has no series then, which is no blindness."""
    wanted = {**rule.set_labels, **labels, "alertname": rule.name, "alertstate": "firing"}
    return f"max({selector('ALERTS', wanted)}) or vector(0)"
