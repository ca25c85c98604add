"""Markers from merges, for services that deploy on merge because the configuration says so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.diagnosis import Commit
from cases.telemetry import Deploy

SECOND = timedelta(seconds=1)
REACH = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeMarkers:
    """`Changes` for services that deploy on merge, because the configuration says so: merged, then `delay` later live.

    `commits` is `Forge.commits`; `repository_of` says which repository a service is built from; where it knows none
    there are no markers here.
    """

    commits: Callable[[str, datetime, datetime], Sequence[Commit]]
    repository_of: Callable[[str], str | None]
    delay: timedelta

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """One deploy a commit of the watched branch, oldest first. Raises what `commits` raises."""
        repository = self.repository_of(service)
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
        repository = self.repository_of(service)
        if repository is None:
            return ()
        newest = self.commits(repository, at - self.delay - REACH, at - self.delay)
        return (newest[0].sha,) if newest else ()

    def silence(self, service: str, at: datetime) -> str:
        """Why no commit is named at a moment, for people; "" when one is. Raises what `commits` raises."""
        if self.repository_of(service) is None:
            return "no repository is known for it"
        return "" if self.running(service, at) else f"its repository has no commit of the last {REACH.days} days"


def _words(delay: timedelta) -> str:
    seconds = delay / SECOND
    return f"{seconds / 60:g}m" if seconds and seconds % 60 == 0 else f"{seconds:g}s"
