"""Markers from the forge's own record of deployments."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from cases.errors import SourceDown, TemporaryError
from cases.ports import Clock
from cases.telemetry import Deploy

ASK_AGAIN = timedelta(seconds=30)
REACH = timedelta(days=30)  # how far back the running deployment is looked for
SPARE = timedelta(days=1)  # read beyond what is asked for, so that a window that moves on is still covered


@runtime_checkable
class KeepsDeployments(Protocol):
    """A forge that records deployments."""

    def deployments(self, repository: str, environment: str, since: datetime) -> Sequence[tuple[datetime, str]]:
        """(when it was first live, sha) of all that went live since, oldest first. Raises TemporaryError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the forge said of one repository, and from when on that holds."""

    since: datetime
    live: Sequence[tuple[datetime, str]]
    asked: float  # monotonic seconds


@dataclass(slots=True, kw_only=True)
class ForgeMarkers:
    """`Changes` from the forge's record of deployments: one counts from its first status `success`.

    The record says which commit of a repository was deployed, not which service: with several services in one
    repository each of them is taken to run it. The forge is asked once in 30 s a repository at the most, however many
    cases wait; while it asks us to slow down, not at all.
    """

    forge: KeepsDeployments
    repository_of: Callable[[str], str | None]
    environment: str
    clock: Clock
    _answers: dict[str, _Answer] = field(default_factory=dict[str, _Answer], init=False)
    _barred: dict[str, tuple[float, TemporaryError]] = field(
        default_factory=dict[str, tuple[float, TemporaryError]], init=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys of a service that began in the window, oldest first. Raises SourceDown."""
        source = f"deployments to {self.environment} on the forge"
        return tuple(
            Deploy(service=service, commit=sha, started=at, source=source, environment=self.environment)
            for at, sha in self._live(service, since)
            if since <= at <= until
        )

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """The commit that went live last, of the last 30 days. Raises SourceDown."""
        live = [sha for began, sha in self._live(service, at - REACH) if began <= at]
        return (live[-1],) if live else ()

    def silence(self, service: str, at: datetime) -> str:
        """Why no commit is named at a moment, for people; "" when one is. Raises SourceDown."""
        if self.running(service, at):
            return ""
        return (
            f"the forge has no deployment to {self.environment} with the status success of the last {REACH.days} days"
        )

    def _live(self, service: str, since: datetime) -> Sequence[tuple[datetime, str]]:
        repository = self.repository_of(service)
        if repository is None:
            return ()
        with self._lock:
            now = self.clock.monotonic()
            until, error = self._barred.get(repository, (now, None))
            if error is not None and now < until:
                raise self._down(error)
            known = self._answers.get(repository)
            if known is not None and known.since <= since and now - known.asked < ASK_AGAIN.total_seconds():
                return known.live
            reach = since - SPARE
            if known is not None and reach - 2 * REACH <= known.since <= since:
                reach = known.since  # what was read once stays covered
            try:
                live = self.forge.deployments(repository, self.environment, reach)
            except TemporaryError as temporary:
                self._barred[repository] = (now + temporary.retry_after.total_seconds(), temporary)
                raise self._down(temporary) from None
            self._answers[repository] = _Answer(since=reach, live=live, asked=now)
            self._barred.pop(repository, None)
            return live

    def _down(self, error: TemporaryError) -> SourceDown:
        return SourceDown(f"the deployments to {self.environment}", str(error), error.retry_after)
