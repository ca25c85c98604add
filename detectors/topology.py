"""Topology: which service calls which, so that one incident that shows in several services is one story.

Two sources, and no third. The operator declares it (`services[].depends`); or a symptom's own series name the service
that is called (`peer_service="db"`), as client-side metrics of meshes and tracers do. That two services fail at the
same moment never makes one depend on the other.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from cases.anomaly import Anomaly

PEERS = (
    "peer_service",
    "net_peer_name",
    "server_address",
    "upstream",
    "upstream_service",
    "upstream_cluster",
    "destination_service",
    "destination_service_name",
    "destination_workload",
    "destination_app",
    "dst_service",
    "callee",
    "dependency",
)
"""Labels by which a series says whom its service calls: those of OpenTelemetry, Istio, Linkerd, Envoy and nginx."""

LONGEST_WAY = 6
"""How many services of a way are named in a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Who calls whom. `calls`: service → those that it calls; `said`: (service, callee) → the label that says so."""

    calls: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    said: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def below(self, service: str) -> Mapping[str, tuple[str, ...]]:
        """Every service that it depends on, at however many removes → the shortest way there, itself first.

        A service in a ring depends on itself no more than any other.
        """
        ways: dict[str, tuple[str, ...]] = {service: (service,)}
        edge = [service]
        while edge:
            further: list[str] = []
            for one in edge:
                for callee in sorted(self.calls.get(one, ())):
                    if callee not in ways:
                        ways[callee] = (*ways[one], callee)
                        further.append(callee)
            edge = further
        del ways[service]
        return ways

    def because(self, way: tuple[str, ...]) -> str:
        """What the way rests on, in words."""
        shown = " → ".join(way if len(way) <= LONGEST_WAY else (*way[: LONGEST_WAY - 1], "…", way[-1]))
        labels = [self.said[step] for step in pairwise(way) if step in self.said]
        by = f"by the label {', '.join(dict.fromkeys(labels))} of its own series" if labels else "as declared"
        return f"{way[0]} depends on {way[-1]} ({shown}, {by})"

    def with_named(self, anomalies: Iterable[Anomaly], services: Collection[str]) -> "Topology":
        """The same, with what the labels of the anomalies' own series name: only services that are in trouble."""
        named = _named(anomalies, services)
        said = {edge: label for edge, label in named if edge[1] not in self.calls.get(edge[0], ())}
        if not said:
            return self
        calls = {service: set(callees) for service, callees in self.calls.items()}
        for service, callee in said:
            calls.setdefault(service, set()).add(callee)
        return Topology(calls=calls, said={**self.said, **said})


def _named(anomalies: Iterable[Anomaly], services: Collection[str]) -> Iterator[tuple[tuple[str, str], str]]:
    for anomaly in anomalies:
        for label in PEERS:
            value = anomaly.labels.get(label, "")
            callee = value if value in services else value.partition(".")[0]  # shop.prod.svc.cluster.local
            if callee in services and callee != anomaly.signal.service:
                yield (anomaly.signal.service, callee), label
