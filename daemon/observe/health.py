"""The standing of the store, as gauges: what is due, what is promised, what was spent, who shares it.

It is asked by the loop and not when somebody scrapes: a store that hangs must not take `/metrics` with it.
"""

import importlib.metadata
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock
from daemon.observe.metrics import Metrics

if TYPE_CHECKING:
    from daemon.ledger.daemons import DaemonSeen
    from daemon.ledger.health import LedgerHealth

log = logging.getLogger("trackwalker.health")

EVERY = timedelta(seconds=10)


class Store(Protocol):
    """What can be asked how it stands."""

    def health(self, now: datetime) -> "LedgerHealth":
        """How it stands. Raises TemporaryError or PermanentError when it cannot be read."""
        ...


@dataclass(slots=True, kw_only=True)
class Vitals:
    """Asks the store now and then, and shows what it said. `once` is called by one thread at a time.

    config    the digest of the settings in force here
    others    the other daemons that share the store; those that are silent do not count
    """

    store: Store
    config: str
    others: Callable[[datetime], Sequence["DaemonSeen"]]
    metrics: Metrics
    clock: Clock
    every: timedelta = EVERY
    _due: float = field(default=float("-inf"), init=False)

    def due(self) -> bool:
        """Whether it is time to ask again."""
        return self.clock.monotonic() >= self._due

    def once(self) -> None:
        """Ask, and show it. A store that cannot be read is counted; how it stood last stays."""
        self._due = self.clock.monotonic() + self.every.total_seconds()
        now = self.clock.now()
        try:
            standing, others = self.store.health(now), self.others(now)
        except (TemporaryError, PermanentError) as error:
            self.metrics.ledger_errors.inc()
            log.warning("how the ledger stands cannot be read: %s", error)
            return
        show(standing, self.metrics)
        living = [other.config for other in others if not other.silent]
        self.metrics.daemons.set(1 + len(living))
        self.metrics.configs.set(len({self.config, *living}))


def show(standing: "LedgerHealth", metrics: Metrics) -> None:
    """Set the gauges."""
    metrics.only(metrics.queue_cases, {"due": standing.due, "frozen": standing.frozen, "gate": standing.gated})
    metrics.queue_age.set(standing.oldest_due.total_seconds())
    metrics.only(metrics.outbox, {owed.kind: owed.effects for owed in standing.outbox})
    metrics.only(metrics.outbox_age, {owed.kind: owed.oldest.total_seconds() for owed in standing.outbox})
    metrics.outbox_dropped.set(standing.dropped)
    metrics.budget.labels("day", "spent").set(standing.spent_usd + standing.reserved_usd)
    metrics.audit_seq.set(standing.audit_seq)


def version_of(distribution: str = "trackwalker") -> tuple[str, str]:
    """The version that is installed, and the commit it was installed from, where the installer wrote that down."""
    try:
        found = importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "unknown", ""
    origin = json.loads(found.read_text("direct_url.json") or "{}")  # PEP 610
    return found.version, str(origin.get("vcs_info", {}).get("commit_id", ""))
