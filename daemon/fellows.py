"""The daemons that share a store: each says that it is there, and two with different settings are told of.

No lease and no fence depends on any of it: it is for people.
"""

import hashlib
import logging
import socket
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version

from cases.ports import Clock
from cases.stores import Outbox
from cases.telemetry import Severity
from config.settings import Settings
from daemon.ledger.daemons import DaemonSeen, LedgerDaemons
from remediation.ports import Ports

log = logging.getLogger("trackwalker.fellows")

BEAT = timedelta(seconds=10)
SILENT = 3 * BEAT + timedelta(seconds=5)  # after so long one is taken for dead
LASTING = timedelta(minutes=2)  # settings that differ for longer are no roll-out: a human hears of it


@dataclass(slots=True, kw_only=True)
class Fellows:
    """Speaks for the daemon `name`, and looks at the others on the same store. For one thread at a time."""

    name: str
    daemons: LedgerDaemons
    outbox: Outbox
    ports: Ports
    others: tuple[DaemonSeen, ...] = field(default=(), init=False)
    _differ: dict[str, float] = field(default_factory=dict[str, float], init=False)  # config there → monotonic seconds
    _told: set[str] = field(default_factory=set[str], init=False)

    def enter(self) -> None:
        """Say that this daemon works from now on, under these settings. Raises TemporaryError as the ledger does."""
        clock = self.ports.clock
        self.daemons.here(
            self.name, version("trackwalker"), digest(self.ports.settings), socket.gethostname(), clock.now()
        )
        self.look()

    def beat(self, working: tuple[str, ...]) -> None:
        """Say that it lives and what it works on, and look at the others. Raises TemporaryError as the ledger does."""
        self.daemons.beat(self.name, working, self.ports.now)
        self.look()

    def leave(self) -> None:
        """Say that it ended as it should."""
        self.daemons.left(self.name)

    def look(self) -> None:
        """See who else is there, and say so when somebody works under other settings."""
        clock: Clock = self.ports.clock
        self.others = tuple(one for one in self.daemons.others(clock.now(), SILENT) if not one.silent)
        own = digest(self.ports.settings)
        there = {one.config: one for one in self.others if one.config != own}
        self._differ = {config: self._differ.get(config, clock.monotonic()) for config in there}
        for config, since in self._differ.items():
            one = there[config]
            line = (
                f"{one.name} on {one.host} shares this store under different settings ({config} there, {own} here): "
                "what a case may do depends on who takes it; give both the same configuration"
            )
            if config not in self._told:
                self._told.add(config)
                log.warning("%s", line)
            if clock.monotonic() - since >= LASTING.total_seconds():
                # Both of them promise the same notice: its key keeps it single.
                key = "settings-" + "-".join(sorted((config, own)))
                subject = "two daemons share a store under different settings"
                told = self.ports.tell(key, Severity.TICKET, subject, line, case="")
                self.outbox.send(told, clock.now())


def digest(settings: Settings) -> str:
    """Twelve hexadecimal digits that change with any setting. Secrets are in it by where they are found."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:12]
