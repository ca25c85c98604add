"""What telemetry says of itself, before anything is configured: rules, services, deploy markers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from cases.errors import SourceDown
from cases.moments import iso
from cases.ports import SignalSource
from cases.telemetry import Signal
from config.settings import ImportWatchSettings, Settings
from daemon.listing import Import, Unmatched, Watch
from daemon.reach import service_of
from signals.promql import selector
from signals.rules import MetricApi

LOOK_BACK = timedelta(hours=1)
COMMIT_LABELS = ("revision", "commit", "git_commit", "commit_sha", "git_sha", "sha", "vcs_ref")
_BUILD_INFO = re.compile(r".*build_info")
_PODS, _ARGO, _FLUX = "kube_pod_container_info", "argocd_app_info", "gotk_"
# Requests by status: what a family is proposed for where there are no alert rules. Metric → its label for the status.
_REQUESTS = {
    "http_requests_total": ("status", "code", "status_code"),
    "http_server_requests_seconds_count": ("status",),
    "http_server_request_duration_seconds_count": ("http_response_status_code",),
    "istio_requests_total": ("response_code",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What one Prometheus has.

    services   every service that a rule or the most telling label names, sorted
    watches    what its rules would be watched as
    unmatched  rules without a service
    markers    entries of `deploys` that fit it; `hints` what else could be one, in words
    families   entries of `watch` for a Prometheus without rules
    metrics    every metric with a sample in the last hour
    """

    services: tuple[str, ...]
    watches: tuple[Watch, ...]
    unmatched: tuple[Unmatched, ...]
    markers: tuple[Mapping[str, object], ...]
    hints: tuple[str, ...]
    families: tuple[Mapping[str, object], ...]
    metrics: frozenset[str]


def taken(settings: Settings, source: SignalSource, now: datetime) -> Census:
    """Look around in one Prometheus. Raises SourceDown, or PermanentError."""
    asked = _Asked(source, now)
    rules = ImportWatchSettings.model_validate({"import": "prometheus_rules", "source": source.name})
    listed = Import(rules, settings, source).look(now, 0.0)
    labels = settings.catalog.service_labels
    named, label = asked.named(labels)
    services = sorted(named | {watch.signal.service for watch in listed.watches})
    metrics = asked.values("__name__")
    markers, hints = _markers(asked, metrics, labels, frozenset(services))
    families = () if listed.watches or not label else tuple(_families(asked, metrics, label))
    return Census(
        services=tuple(services),
        watches=listed.watches,
        unmatched=listed.unmatched,
        markers=tuple(markers),
        hints=tuple(hints),
        families=families,
        metrics=frozenset(metrics),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Questions to one Prometheus, about its last hour."""

    source: SignalSource
    now: datetime

    def values(self, label: str) -> tuple[str, ...]:
        """The values of a label, sorted."""
        return self._words(f"label/{label}/values", f"the values of {label}", {})

    def labels(self, metric: str) -> tuple[str, ...]:
        """The labels that a metric has."""
        return self._words("labels", f"the labels of {metric}", {"match[]": selector(metric, {})})

    def named(self, labels: Sequence[str]) -> tuple[set[str], str]:
        """The values of the first of the labels that has any, and that label ("" for none)."""
        for label in labels:
            found = {pair[1] for value in self.values(label) if (pair := service_of({label: value}, (label,)))}
            if found:
                return found, label
        return set(), ""

    def carried(self, metric: str, label: str) -> frozenset[str]:
        """The values that a label has on a metric now."""
        query = f"count by ({label}) ({selector(metric, {})})"
        signal = Signal(name="values", service="", source=self.source.name, query=query)
        block = self.source.read(signal, self.now, self.now, timedelta(minutes=1))
        return frozenset(labels.get(label, "") for labels in block.labels)

    def _words(self, path: str, what: str, params: Mapping[str, str]) -> tuple[str, ...]:
        if not isinstance(self.source, MetricApi):
            raise SourceDown(self.source.name, f"is no Prometheus and cannot be asked for {what}")
        window = {"start": iso(self.now - LOOK_BACK), "end": iso(self.now)}
        found = self.source.api(path, what, {**window, **params})
        if not isinstance(found, list) or not all(isinstance(word, str) for word in cast("list[object]", found)):
            raise SourceDown(self.source.name, f"answered in an unknown shape for {what}")
        return tuple(sorted(cast("list[str]", found)))


def _markers(
    asked: _Asked, metrics: Iterable[str], labels: Sequence[str], services: frozenset[str]
) -> tuple[list[Mapping[str, object]], list[str]]:
    """Metrics that say which commit runs, for services that there are; and what would take a hand."""
    markers: list[Mapping[str, object]] = []
    hints: list[str] = []
    for metric in metrics:
        if _BUILD_INFO.fullmatch(metric):
            has = asked.labels(metric)
            commit = next((label for label in COMMIT_LABELS if label in has), None)
            service = _service_label(asked, metric, [label for label in labels if label in has], services)
            if service and commit:
                markers.append({"prometheus": metric, "commit_label": commit, "service_label": service})
            elif service and "version" in has:
                hints.append(f"{metric} has only `version`: let it carry the commit as `revision`")
        elif metric == _PODS and _service_label(asked, metric, ["container"], services):
            markers.append({"prometheus": metric, "image_label": "image", "service_label": "container"})
        elif metric == _ARGO:
            hints.append("Argo CD is there: {webhook: argocd} lets it tell of deploys; docs/deploys.md has its side")
    if any(metric.startswith(_FLUX) for metric in metrics):
        hints.append("Flux is there: {webhook: flux} lets it tell of deploys; docs/deploys.md has its side")
    return markers, hints


def _service_label(asked: _Asked, metric: str, labels: Iterable[str], services: frozenset[str]) -> str | None:
    """The first label whose values on the metric are services that there are."""
    return next((label for label in labels if asked.carried(metric, label) & services), None)


def _families(asked: _Asked, metrics: Iterable[str], label: str) -> Iterable[Mapping[str, object]]:
    """A watch by service on the first known counter of requests, or on `up`, which every Prometheus has."""
    for metric in metrics:
        has = asked.labels(metric) if metric in _REQUESTS else ()
        status = next((name for name in _REQUESTS.get(metric, ()) if name in has), None)
        if status and label in has:
            every = f"sum by ({label}) (rate({metric}[5m]))"
            failed = f'sum by ({label}) (rate({metric}{{{status}=~"5.."}}[5m]))'
            yield {"name": "errors", "by": label, "harm": "up", "query": f"({failed} or 0 * {every}) / {every}"}
            return
    yield {"name": "up", "by": "job", "harm": "down", "threshold": 0.5, "query": "min by (job) (up)"}
