"""When a commit runs in production, as some marker says: a metric, or a merge where merging deploys."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, groupby

import numpy as np

from cases.diagnosis import Commit
from cases.errors import SourceDown
from cases.moments import EPOCH, from_milliseconds
from cases.ports import Changes, SignalSource
from cases.telemetry import DAY, Deploy, SeriesBlock, Signal
from signals.grid import MILLISECOND
from signals.promql import selector

SECOND = timedelta(seconds=1)
REACH = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInfoMarkers:
    """`Changes` from a metric such as `build_info{service="shop",revision="<sha>"} 1`.

    A deploy begins at the first sample of a revision that was not running just before: it is found on a grid of
    `step` and then dated to the second (up to a scrape interval late, as the metric is only seen when scraped).
    With several instances, or during a rollout, the first instance counts.
    A revision is not running any more once only others were seen for `gone_after`; so an instance that misses a scrape
    makes no deploy, and an old revision that comes back after another one does. Silence of all instances ends nothing.
    What was running before the window is read from `lead_in` before it and is no deploy of the window: when it began
    is not known (see `running`). A service that is seen for the first time in all that is one.
    """

    source: SignalSource
    metric: str = "build_info"
    service_label: str = "service"
    commit_label: str = "revision"
    step: timedelta = timedelta(seconds=15)
    lead_in: timedelta = DAY
    gone_after: timedelta = timedelta(minutes=2)

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys that began in the window, oldest first. Raises SourceDown, also for a partial answer."""
        appeared = self._appearances(service, since, until)
        found = [self._dated(service, commit, at) for commit, at in appeared if at >= since]
        ordered = sorted(found, key=lambda deploy: (deploy.started, deploy.commit))
        return tuple(deploy for deploy in ordered if since <= deploy.started <= until)

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """The commits that were running at a moment, or when the service was last seen in the `lead_in` before it.

        Sorted; more than one during a rollout. Raises SourceDown, also for a partial answer.
        """
        seen = list(
            _sightings(self._read(service, _floor(at - self.lead_in, self.step), at, self.step), self.commit_label)
        )
        return tuple(sorted(seen[-1][1])) if seen else ()

    def _appearances(self, service: str, since: datetime, until: datetime) -> Iterator[tuple[str, datetime]]:
        """(commit, the first point of the grid where it is seen) for whatever came after something else, or first."""
        # The grid stands still (it is a multiple of the step), so that every poll finds a deploy at the same point.
        start = _floor(since - self.lead_in, self.step)
        sightings = _sightings(self._read(service, start, until, self.step), self.commit_label)
        last_seen: dict[str, datetime] = {}
        without: dict[str, datetime] = {}  # since when only others are seen
        for at, commits in sightings:
            for commit in sorted(commits):
                gone = commit in without and at - without[commit] >= self.gone_after
                if (commit not in last_seen and at != start) or gone:
                    yield commit, at
                last_seen[commit] = at
                without.pop(commit, None)
            for commit in last_seen.keys() - commits:
                without.setdefault(commit, at)

    def _dated(self, service: str, commit: str, at: datetime) -> Deploy:
        """The deploy with the time of its first sample, looked for between the point before and the one that has it."""
        fine = self._read(service, min(at, at - self.step + SECOND), at, SECOND)
        moments = (moment for moment, commits in _sightings(fine, self.commit_label) if commit in commits)
        return Deploy(
            service=service,
            commit=commit,
            started=next(moments, at),
            source=f"{self.metric} on {self.source.name}",
        )

    def _read(self, service: str, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        signal = Signal(
            name=self.metric,
            service=service,
            source=self.source.name,
            query=selector(self.metric, {self.service_label: service}),
        )
        block = self.source.read(signal, start, end, step)
        if block.partial:
            raise SourceDown(self.source.name, f"the deploy markers of {service} are not whole: {block.partial}")
        return block


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeMarkers:
    """`Changes` for services that deploy on merge, because the configuration says so: merged, then `delay` later live.

    `commits` is `Forge.commits`; `repositories` says which repository a service is built from. A service that is not
    in it has no markers here.
    """

    commits: Callable[[str, datetime, datetime], Sequence[Commit]]
    repositories: Mapping[str, str]
    delay: timedelta

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """One deploy a commit of the watched branch, oldest first. Raises what `commits` raises."""
        repository = self.repositories.get(service)
        if repository is None:
            return ()
        merged = self.commits(repository, since - self.delay, until - self.delay)
        live = (
            Deploy(
                service=service,
                commit=commit.sha,
                started=commit.at + self.delay,
                source=f"merge + {_words(self.delay)} (configured)",
            )
            for commit in reversed(merged)
        )
        return tuple(sorted((d for d in live if since <= d.started <= until), key=lambda deploy: deploy.started))

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """The newest commit that was live at that moment, of the last 90 days; none where there is none."""
        repository = self.repositories.get(service)
        if repository is None:
            return ()
        newest = self.commits(repository, at - self.delay - REACH, at - self.delay)
        return (newest[0].sha,) if newest else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AllMarkers:
    """`Changes` of several markers together.

    Two markers that tell of the same deploy (same service and commit) count once, with the earlier time. A commit
    that one marker alone reports twice was deployed twice: its n-th deploy there is matched with the n-th elsewhere.
    """

    parts: Sequence[Changes]

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys of a service in the window, oldest first. Raises SourceDown when any part cannot be read."""
        told = [part.deploys(service, since, until) for part in self.parts]
        names = _full_names(chain.from_iterable(told))
        numbered: list[tuple[str, int, Deploy]] = []
        for deploys in told:
            count: dict[str, int] = {}
            for deploy in deploys:
                name = names[deploy.commit]
                numbered.append((name, count.setdefault(name, 0), deploy))
                count[name] += 1
        numbered.sort(key=lambda entry: (entry[0], entry[1], entry[2].started))
        earliest = [next(same)[2] for _, same in groupby(numbered, key=lambda entry: entry[:2])]
        return tuple(sorted(earliest, key=lambda deploy: (deploy.started, deploy.commit)))

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """What the first marker that knows says. Raises SourceDown when one before it cannot be read."""
        return next(filter(None, (part.running(service, at) for part in self.parts)), ())


def _full_names(deploys: Iterable[Deploy]) -> dict[str, str]:
    """For each commit as some marker has it (perhaps abbreviated), the longest name that any marker has for it."""
    known = sorted(set(deploys), key=lambda deploy: (-len(deploy.commit), deploy.commit))
    return {deploy.commit: next(d.commit for d in known if d is deploy or d.runs(deploy.commit)) for deploy in known}


def _sightings(block: SeriesBlock, commit_label: str) -> Iterator[tuple[datetime, frozenset[str]]]:
    """(moment, the commits seen then) wherever any is seen, oldest first. A series without the label names none."""
    named = [(row, labels[commit_label]) for row, labels in enumerate(block.labels) if labels.get(commit_label)]
    if not named:
        return
    rows = np.array([row for row, _ in named])
    present = ~block.missing[rows]
    for column in np.flatnonzero(present.any(axis=0)):
        commits = frozenset(named[row][1] for row in np.flatnonzero(present[:, column]))
        yield from_milliseconds(int(block.times[column])), commits


def _floor(at: datetime, step: timedelta) -> datetime:
    return EPOCH + (at - EPOCH) // step * step


def _words(delay: timedelta) -> str:
    seconds = delay // SECOND
    return f"{seconds // 60}m" if seconds and seconds % 60 == 0 else f"{delay / MILLISECOND / 1000:g}s"
