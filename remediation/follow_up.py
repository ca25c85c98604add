"""What a model may ask to see, once: at most three things, each typed, looked up in what is known, and bounded.

A query never reaches a source as text: it names a service and a signal that are watched, or a commit that was listed.
What was found becomes facts like all others. What names nothing that is known is refused, and the model is told so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from cases.asking import Material
from cases.case import Case
from cases.diagnosis import Commit, EvidenceKind
from cases.errors import PermanentError, TemporaryError
from cases.moments import from_milliseconds, iso
from cases.telemetry import SHORTEST_SHA, Floats, Signal
from remediation.evidence import LONGEST_SAMPLE, Pack
from remediation.neutral import neutral
from remediation.opinion import MOST_QUERIES, QueryAnswer
from remediation.packing import Diff
from remediation.ports import Ports

MOST_SERIES, MOST_POINTS, MOST_KINDS, MOST_DEPLOYS = 3, 12, 5, 8
MOST_SERVICES, MOST_METRICS = 25, 12  # that are listed for a model
ANSWERS = 1_500
"""Tokens that the answers may add to a pack."""
ASKED_DIFF = (4_000, 2_400, 1_200)
"""Bytes of a diff that was asked for."""

_GRID = 120  # points of a series that are read


class Refused(Exception):  # noqa: N818 - the state of a query, and it never leaves this module
    """A query that names nothing that is known. Its text is for the model."""


@dataclass(slots=True, kw_only=True)
class FollowUp:
    """The queries of one case, and what they came to: facts in `pack`, diffs in `diffs`, a line each in `said`."""

    case: Case
    ports: Ports
    commits: Sequence[Commit]  # those that were listed
    repository: str
    onset: datetime
    pack: Pack
    diffs: list[Diff] = field(default_factory=list[Diff])
    said: list[str] = field(default_factory=list[str])

    def known(self) -> Material:
        """The services and metrics that a query may name."""
        metrics: dict[str, dict[str, None]] = {}
        for signal in self._signals():
            metrics.setdefault(signal.service, {})[signal.name] = None
        services = [self.case.service, *(name for name in self._services() if name != self.case.service)]
        lines = [
            f"{neutral(name, 60)}: {', '.join(neutral(one, 60) for one in [*metrics.get(name, {})][:MOST_METRICS])}"
            for name in services[:MOST_SERVICES]
        ]
        return Material(title="Services and their metrics", source="the catalogue", text="\n".join(lines)[:900])

    def answer(self, queries: Sequence[QueryAnswer]) -> Material:
        """Look them up, three at the most. What is refused or cannot be read is said in its place."""
        looks: Mapping[str, Callable[[QueryAnswer], Iterator[str]]] = {
            "series": self._series,
            "templates": self._templates,
            "diff": self._diff,
            "deploys": self._deploys,
        }
        for number, query in enumerate(queries[:MOST_QUERIES], start=1):
            try:
                came_to = ", ".join(looks[query.kind](query)) or "nothing was there"
            except Refused as refused:
                came_to = f"refused: {refused}"
            except (TemporaryError, PermanentError) as error:
                came_to = f"it could not be read: {neutral(str(error), 120)}"
            self.said.append(f"{number}. {query.kind} of {neutral(_named(query), 80)}: {came_to}")
        return Material(title="What you asked for", source="the program", text="\n".join(self.said))

    def _series(self, query: QueryAnswer) -> Iterator[str]:
        signal = self._signal(query)
        start, end = self._window(query)
        step = max(self.ports.settings.detection.step, (end - start) / _GRID)
        block = self.ports.read(signal, start, end, timedelta(seconds=max(1, round(step.total_seconds()))))
        before = block.times <= self.onset.timestamp() * 1000
        for row, labels in enumerate(block.labels[:MOST_SERIES]):
            values = block.values[row]
            shown = [f"{neutral(k, 40)}={neutral(v, 40)}" for k, v in sorted(labels.items()) if k != "__name__"][:4]
            name = f"{neutral(signal.name, 60)} of {neutral(signal.service, 60)}"
            means = _mean(values[before]), _mean(values[~before])
            points = " ".join(
                f"{from_milliseconds(int(block.times[at])):%H:%M} {value}" for at, value in _points(values)
            )
            text = f"{name} ({', '.join(shown)}): {means[0]} on average before the onset, {means[1]} since; {points}"
            partial = f"; the source says that this is not all: {neutral(block.partial, 80)}" if block.partial else ""
            yield self._fact(text + partial, f"{signal.source}: {signal.query}")
        if len(block.labels) > MOST_SERIES:
            yield f"and {len(block.labels) - MOST_SERIES} more series"

    def _templates(self, query: QueryAnswer) -> Iterator[str]:
        service = self._service(query)
        for seen in self.ports.logs.errors(service, *self._window(query))[:MOST_KINDS]:
            text = f"{seen.count} times in the log of {neutral(service, 60)}, first {iso(seen.first)}"
            yield self._fact(f"{text}: “{neutral(seen.sample, LONGEST_SAMPLE)}”", f"logs of {service}")
        if blind := self.ports.logs.blind():
            yield f"logs: {neutral(blind, 120)}"

    def _deploys(self, query: QueryAnswer) -> Iterator[str]:
        service = self._service(query)
        for deploy in self.ports.changes.deploys(service, *self._window(query))[-MOST_DEPLOYS:]:
            text = f"{neutral(deploy.commit[:10])} began to run in {neutral(service, 60)} at {iso(deploy.started)}"
            yield self._fact(text, deploy.source)

    def _diff(self, query: QueryAnswer) -> Iterator[str]:
        wanted = query.commit.lower()
        known = [commit for commit in self.commits if len(wanted) >= SHORTEST_SHA and commit.sha.startswith(wanted)]
        if len(known) != 1:
            raise Refused("no such commit was listed")
        (commit,) = known
        text = f"{commit.short} “{neutral(commit.title, 80)}” changes {len(commit.files)} files"
        fact = self._fact(text, f"{self.repository} {commit.short}")
        self.diffs.append(Diff(id=fact, commit=commit, repository=self.repository, most=ASKED_DIFF))
        yield fact

    def _fact(self, text: str, source: str) -> str:
        return self.pack.add(text, source, self.ports.now, kind=EvidenceKind.ANSWER)

    def _window(self, query: QueryAnswer) -> tuple[datetime, datetime]:
        around = timedelta(minutes=query.minutes)
        return self.onset - around, min(self.ports.now, self.onset + around)

    def _signals(self) -> list[Signal]:
        return [*self.ports.watched(), *(anomaly.signal for anomaly in self.case.anomalies)]

    def _services(self) -> list[str]:
        named = [service.name for service in self.ports.settings.services]
        return list(dict.fromkeys([*named, *(signal.service for signal in self._signals())]))

    def _service(self, query: QueryAnswer) -> str:
        if query.service not in self._services():
            raise Refused("no such service is known")
        return query.service

    def _signal(self, query: QueryAnswer) -> Signal:
        service = self._service(query)
        found = [each for each in self._signals() if (each.service, each.name) == (service, query.metric)]
        if not found:
            raise Refused("no such metric of that service is watched")
        return found[0]


def _named(query: QueryAnswer) -> str:
    return query.commit if query.kind == "diff" else " ".join(filter(None, (query.metric, query.service)))


def _mean(values: Floats) -> str:
    present = values[~np.isnan(values)]
    return f"{float(present.mean()):.4g}" if len(present) else "nothing"


def _points(values: Floats) -> Iterator[tuple[int, str]]:
    """Some points over the whole stretch: the place of each, and the mean up to the next one."""
    width = max(1, -(-len(values) // MOST_POINTS))
    for at in range(0, len(values), width):
        yield at, _mean(values[at : at + width])
