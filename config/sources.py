"""Settings of what is read: telemetry sources, watched signals, deploy markers."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Strict, Tag

from cases.telemetry import Direction, Severity
from config.fields import Count, Duration, HeaderName, Name, SecretRef, Text, Url
from config.section import Section


class PrometheusSettings(Section):
    """One Prometheus, or anything that answers its HTTP API."""

    name: Name
    """What watches and deploy markers call it."""

    url: Url
    """Where it answers, as in http://127.0.0.1:9090; a path before /api/v1 is kept. Redirects are not followed."""

    headers: Mapping[HeaderName, SecretRef] = Field(default_factory=dict)
    """Sent with every request, as in X-Scope-OrgID: env:TENANT. Values are secrets, for most of them are."""

    timeout: Duration = timedelta(seconds=5)
    """How long one answer may take. A healthy query takes well under a second, and a cycle must not hang on one."""

    max_in_flight: Annotated[int, Field(ge=1, le=16)] = 2
    """Requests at once. Two keep the daemon quick without crowding out people's dashboards."""

    max_response_mib: Annotated[int, Field(ge=1, le=512)] = 8
    """The largest answer that is read, in MiB: some 100,000 samples. More is refused, never cut short in silence."""


class SignalsSettings(Section):
    """The telemetry sources."""

    prometheus: Annotated[tuple[PrometheusSettings, ...], Field(min_length=1)]
    """The Prometheus servers, at least one."""


class WatchSettings(Section):
    """One watched query."""

    name: Name
    """What alerts and pull requests call it; unique within its service."""

    service: Name
    """The service whose health it shows."""

    source: Name | None = None
    """The name of the source that is asked. None: the only one."""

    query: Text
    """The query, in the source's own language. Each series of its answer is watched by itself."""

    detector: Literal["auto", "threshold", "seasonal"] = "auto"
    """How an anomaly is told. auto: by `threshold` when there is one, by the forecast band otherwise."""

    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """The reading beyond which it is an anomaly, in the query's own unit. None: what is normal is learnt."""

    harm: Annotated[Direction, Strict(strict=False)] | None = None
    """The side on which users suffer: up for errors, down for sales. None: both sides are worth a look."""

    severity: Annotated[Severity, Strict(strict=False)] = Severity.TICKET
    """What a human is asked for: page (get up now), ticket (look today), note (some day). Nobody is woken unasked."""


class BuildInfoSettings(Section):
    """A metric that carries the running commit as a label: a deploy is when a new commit first shows."""

    prometheus: Text
    """The metric, as in build_info."""

    commit_label: Text = "revision"
    """The label with the commit; it may be abbreviated to 7 digits. `revision` is Prometheus's own word."""

    service_label: Text = "service"
    """The label with the service's name, as watches spell it."""

    source: Name | None = None
    """The name of the source that has the metric. None: the only one."""


class MergeDelaySettings(Section):
    """When a merge is taken to be live."""

    delay: Duration = timedelta(minutes=2)
    """How long after the merge. Two minutes suit a small service that deploys at once; measure your own."""


class MergeSettings(Section):
    """For services that deploy on merge and have no marker: said explicitly, because it is a belief, not a reading."""

    merge: MergeDelaySettings
    """How long after its merge a commit is live."""


def _kind(value: Any) -> str:  # noqa: ANN401 - what a file holds is anything
    return (
        "<merge>" if isinstance(value, MergeSettings) or (isinstance(value, dict) and "merge" in value) else "<metric>"
    )


DeploySettings: TypeAlias = Annotated[
    Annotated[BuildInfoSettings, Tag("<metric>")] | Annotated[MergeSettings, Tag("<merge>")], Discriminator(_kind)
]


class DetectionSettings(Section):
    """How anomalies are told from what is normal."""

    history: Duration = timedelta(days=14)
    """How far back normal is learnt from: two weeks hold each weekday twice."""

    step: Duration = timedelta(minutes=1)
    """The distance of the points that are read. Most alert rules work at this grain."""

    recent: Duration = timedelta(minutes=30)
    """The stretch that is searched for anomalies at each look; it also covers a daemon that was away that long."""

    warm_up: Duration = timedelta(hours=2)
    """The least history before anything is called abnormal. Until then the signal is warming up, never healthy."""

    confirm: Count = 3
    """Consecutive points out of range before it is an anomaly: one stray scrape wakes nobody."""

    stale_after: Duration = timedelta(minutes=5)
    """The age of the newest sample from which a signal is stale: Prometheus itself looks back as far."""

    refit: Duration = timedelta(hours=1)
    """How often normal is learnt anew: it drifts over days, and reading two weeks has a price."""
