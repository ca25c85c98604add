"""Settings of what is watched: a query of one service, one query for many services, or the alert rules there are."""

import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, PlainValidator, Strict, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from cases.telemetry import Direction, Scale, Severity, Signal
from config.fields import REFUSED, Count, Duration, Name, Text, lasting
from config.section import Section


def _limit(value: object) -> float | str | None:
    """Where a reading is full: a number, or a query that gives it."""
    hint = "write the number, as in limit: 0.9, or a query in quotes"
    if value is None:
        return None
    if isinstance(value, str) and value.strip().lower().lstrip("+-.") not in {"inf", "nan"}:
        try:
            float(value)
        except ValueError:
            return _checked_text(value, hint)
        raise _refused("the number is in quotes", "write it without them")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _refused("the value is neither a number nor a query", hint)
    return float(value)


def _checked_text(value: str, hint: str) -> str:
    if not value.strip():
        raise _refused("the text is empty", hint)
    return value


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error:
        raise _refused("the value is not a regular expression", 'write it as in "page|critical"') from None
    return value


def _at_the_top(value: str) -> str:
    path = value.removeprefix("**/")
    if any(letter in path for letter in "*?[") or path.startswith("/") or ".." in path.split("/"):
        raise _refused("folders are not searched for such files", 'write "**/catalog-info.yaml", or a path')
    return value


def _refused(problem: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError(REFUSED, "{problem}; {hint}", {"problem": problem, "hint": hint})


Limit: TypeAlias = Annotated[
    float | str | None,
    PlainValidator(_limit),
    WithJsonSchema({"type": ["number", "string", "null"], "title": "number or query", "pattern": "\\S"}),
]


def _traffic(value: object) -> bool | str:
    """Whether a watch counts requests, or the query that does."""
    hint = "write traffic: true for a watch that counts requests, or the query that does in quotes"
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise _refused("the value is neither true, false nor a query", hint)
    if value.strip().lower() in {"true", "false", "yes", "no"}:
        raise _refused("the word is in quotes", hint)
    return _checked_text(value, hint)


Traffic: TypeAlias = Annotated[
    bool | str,
    PlainValidator(_traffic),
    WithJsonSchema({"type": ["boolean", "string"], "title": "true, false or query", "pattern": "\\S"}),
]


class _Watching(Section):
    """What a watch of one service and a watch by service have in common."""

    name: Name
    """What alerts and pull requests call it; unique within its service."""

    source: Name | None = None
    """The name of the source that is asked. None: the only Prometheus."""

    detector: Literal["auto", "threshold", "seasonal"] = "auto"
    """How an anomaly is told. auto: by `threshold` when there is one, by the forecast band otherwise."""

    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """The reading beyond which it is an anomaly, in the query's own unit. None: what is normal is learnt."""

    harm: Annotated[Direction, Strict(strict=False)] | None = None
    """The side on which users suffer: up for errors, down for sales. None: both sides are worth a look."""

    severity: Annotated[Severity, Strict(strict=False)] = Severity.TICKET
    """What a human is asked for: page (get up now), ticket (look today), note (some day). Nobody is woken unasked."""

    absence: Literal["auto", "all", "series", "off"] = "auto"
    """What is an anomaly when readings stop that were always there. all: that every series of the watch is gone.
    series: also that one of several is, unless another with the same label names took its place. off: nothing; it is
    only said that the signal is missing. auto: all, or off where harm is up, as errors that are no more counted after a
    restart harm nobody. Never while the source is down, or has lost the series of every service."""

    limit: Limit = None
    """Where a reading is full, in the query's own unit: a number, or a query with one series for all or for each by the
    same labels. What will be there within `within`, if it goes on as in the last days, is an anomaly. `threshold` is
    for what is there already. None: nothing is forecast."""

    within: Annotated[Duration, lasting(timedelta(hours=1), timedelta(days=30))] = timedelta(days=1)
    """How far ahead `limit` is looked for. Twice as much of history is read for it, once an hour, and two days at the
    least."""

    requested: Limit = None
    """What is set aside for it, as a memory request, in the query's own unit: a number, or a query as for `limit`.
    Where less than a third was used for three weeks, the briefing says so, and nobody is told. None: not asked."""

    traffic: Traffic = False
    """What counts the service's requests a second, so that a case can say how many of them are hit. true: this watch
    does; the first such one of a service is taken for all its watches. A query of the same source: that does, by the
    labels that tell this watch's series apart, and it is asked when a case opens. false: nothing is known; an objective
    has its `slo.total`."""

    kind: Annotated[Scale, Strict(strict=False)] = Scale.GAUGE
    """What a reading is, for the judgement of a deploy: count (events, whose scatter grows with their number), latency
    (above 0, scatters in proportion), ratio (a share from 0 to 1), or gauge (anything else)."""

    tells_of: Literal["behaviour", "technical", "money", "efficiency", "learning"] | None = None
    """What it shows, for reports of outcomes: behaviour (what users do), technical (how the service runs), money,
    efficiency (what work and machines it takes), or learning (what was found out). None: not said."""

    controls: tuple[Text, ...] = ()
    """Queries of the same source for what moves by the same causes and not by a deploy of the service, as its upstream:
    they find the effect of a deploy sooner. In a watch by service, its own query stands for the series of the other
    services. The median of a query's series is taken. What a deploy moves as well hides its harm."""


class SloSettings(Section):
    """An objective: how much must be good, over how long. An anomaly is an error budget that is spent too fast.

    Judged by burn rates over four pairs of windows, as Google's SRE Workbook has them: 14.4 over 1h and 5m, and 6 over
    6h and 30m, ask for a page; 3 over 1d and 2h, and 1 over 3d and 6h, for a ticket. The windows are those of an
    objective over 30d; for another `window` they shrink or grow with it.
    """

    good: Text
    """Good events a second, in PromQL, as a rate over the shortest window (5m for 30d)."""

    total: Text
    """All events a second, in PromQL, over the same window and with the same labels."""

    objective: Annotated[float, Field(ge=50, lt=100)]
    """The percentage of events that must be good, as in 99.9."""

    window: Duration = timedelta(days=30)
    """Over how long the objective is held. Windows are counted in minutes: below 6d they are rounded."""

    @property
    def bad(self) -> str:
        """The query of the share of events that fail, which shows the objective's state."""
        return f"1 - ({self.good}) / ({self.total})"


class WatchSettings(_Watching):
    """One watched query of one service."""

    service: Name
    """The service whose health it shows."""

    slo: SloSettings | None = None
    """An objective in place of a query; its budget takes the place of `threshold` and `harm`. `severity` is then the
    most that is asked for, and page unless it is said: the burn rate decides."""

    query: Text | None = None
    """The query, in the source's own language. Each series of its answer is watched by itself. A source of SQL has its
    query already, and takes none here."""

    def signal(self, source: str, queried: str) -> Signal:
        """What is read for it from that source. `queried`: what the source asks by itself, or ""."""
        slo = self.slo
        return Signal(
            name=self.name,
            service=self.service,
            source=source,
            query=(slo.bad if slo else self.query) or queried,
            harm=Direction.UP if slo else self.harm,
            severity=Severity.PAGE if slo and "severity" not in self.model_fields_set else self.severity,
            threshold=1 - slo.objective / 100 if slo else self.threshold,
            traffic=slo.total if slo else self._requests(queried),
            scale=self.kind,
            controls=self.controls,
        )

    def _requests(self, queried: str) -> str:
        """The query that counts requests, "" for none."""
        if isinstance(self.traffic, str):
            return self.traffic
        return self.query or queried if self.traffic else ""


class FamilyWatchSettings(_Watching):
    """One query for many services: each series belongs to the service that a label names."""

    by: Name
    """The label that names the service, as in by: service. Series without it are left out, and counted."""

    query: Text
    """The query; its answer carries the label."""

    most: Count = 200
    """The most services that are watched. More are refused aloud: a wrong label must not open a thousand watches."""


class ImportWatchSettings(Section):
    """The alert rules of a Prometheus, as watches.

    Query and threshold where a rule can be split, whether it fires otherwise.
    """

    import_: Annotated[Literal["prometheus_rules"], Field(alias="import")]
    """prometheus_rules: the alerting rules that the source has loaded."""

    match: Mapping[Text, Annotated[Text, AfterValidator(_expression)]] = Field(default_factory=dict)
    """Labels that a rule must have, each as an anchored regular expression, as in severity: "page|critical"."""

    source: Name | None = None
    """The Prometheus whose rules are read. None: the only one."""

    service: Name | None = None
    """The service of rules whose series and labels name none. None: such rules are listed as unmatched."""

    every: Duration = timedelta(minutes=5)
    """How often the rules are read anew: they change when somebody deploys them."""


def _kind(value: Any) -> str:  # noqa: ANN401 - what a file holds is anything
    if isinstance(value, ImportWatchSettings) or (isinstance(value, dict) and "import" in value):
        return "<import>"
    if isinstance(value, FamilyWatchSettings) or (isinstance(value, dict) and "by" in value):
        return "<family>"
    return "<watch>"


AnyWatchSettings: TypeAlias = Annotated[
    Annotated[WatchSettings, Tag("<watch>")]
    | Annotated[FamilyWatchSettings, Tag("<family>")]
    | Annotated[ImportWatchSettings, Tag("<import>")],
    Discriminator(_kind),
]


class CatalogMetricSettings(Section):
    """A metric whose labels say which services there are, and where they live."""

    prometheus: Text
    """The metric, as in argocd_app_info."""

    service: Text = "{name}"
    """The service's name, with labels in braces."""

    config_repository: Text | None = None
    """The repository of its configuration, with labels in braces, as in "{repo}"."""

    source: Name | None = None
    """The Prometheus that has the metric. None: the only one."""


class CatalogFilesSettings(Section):
    """Backstage's catalog files in the watched repositories."""

    files: Annotated[Text, AfterValidator(_at_the_top)]
    """Which file, as in "**/catalog-info.yaml": it is read at the top of every repository that the token sees. A path,
    as in ops/catalog-info.yaml, is read there."""


def _catalog_kind(value: Any) -> str:  # noqa: ANN401 - the same
    files = isinstance(value, CatalogFilesSettings) or (isinstance(value, dict) and "files" in value)
    return "<files>" if files else "<metric>"


CatalogFromSettings: TypeAlias = Annotated[
    Annotated[CatalogMetricSettings, Tag("<metric>")] | Annotated[CatalogFilesSettings, Tag("<files>")],
    Discriminator(_catalog_kind),
]


class CatalogSettings(Section):
    """How services are known without listing them."""

    service_labels: tuple[Text, ...] = ("service", "app", "job")
    """The labels that name a service, the most telling first."""

    from_: Annotated[tuple[CatalogFromSettings, ...], Field(alias="from")] = ()
    """Where else services and their repositories are read."""
