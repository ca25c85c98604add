"""Markers that a tool told us of: Argo CD, Flux, or anybody's script, at /webhooks/deploys/<kind>."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cases.telemetry import Deploy


class ToldDeploys(Protocol):
    """Where the messages are kept."""

    def told(self, source: str, environment: str, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys of a service by that teller in the window, oldest first. Raises TemporaryError."""
        ...

    def newest(self, source: str, environment: str, service: str, at: datetime) -> Deploy | None:
        """The one that began last, at that moment or before it. Raises TemporaryError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldMarkers:
    """`Changes` from what one kind of teller said of one environment. `source` is the teller, as `Deploy.source`.

    What is told of the commit that runs already (Argo CD heals itself, a pipeline is run again) is no deploy.
    """

    ledger: ToldDeploys
    source: str
    environment: str

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys of a service that began in the window, oldest first. Raises TemporaryError."""
        before = self.ledger.newest(self.source, self.environment, service, since - timedelta(microseconds=1))
        found: list[Deploy] = []
        for deploy in self.ledger.told(self.source, self.environment, service, since, until):
            if before is None or not (deploy.commit == before.commit or deploy.runs(before.commit)):
                found.append(deploy)
            before = deploy
        return tuple(found)

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """The commit that was told last, at that moment or before it."""
        newest = self.ledger.newest(self.source, self.environment, service, at)
        return (newest.commit,) if newest else ()

    def silence(self, service: str, at: datetime) -> str:
        """Why no commit is named at a moment, for people; "" when one is. Raises TemporaryError."""
        return "" if self.running(service, at) else "nothing was told of it yet"
