"""Retention: what is old is removed each night, by the operator's three limits."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from daemon.keeping.removal import Remover, ended, forget_the_rest, settled
from daemon.keeping.rows import Stopped, never, stop_here
from daemon.ledger.ledger import Ledger

if TYPE_CHECKING:
    from config.keeping import RetentionSettings  # it brings pydantic

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How much went.

    effects  settled effects
    cases    cases whose history went, with all that belonged to it
    audit    lines of the audit
    rest     rows that nothing refers to: see `forget_the_rest`
    """

    effects: int
    cases: int
    audit: int
    rest: int

    def words(self) -> Mapping[str, str]:
        """As a line of the audit has it."""
        return {name: str(count) for name, count in asdict(self).items()}


def tidied(ledger: Ledger, limits: "RetentionSettings", remover: Remover, stopped: Stopped = never) -> Removed:
    """Remove what is older than the limits. TemporaryError when it is stopped: what went until then went."""
    effects, cases, audit = (remover.at - max(limit, DAY) for limit in (limits.effects, limits.cases, limits.audit))
    removed = Removed(
        effects=in_batches(ledger, lambda c: remover.effects(c, settled(effects), effects), stopped),
        cases=in_batches(ledger, lambda c: remover.histories(c, ended(cases)), stopped),
        rest=_once(ledger, lambda c: forget_the_rest(c, effects)),
        audit=in_batches(ledger, lambda c: remover.head_of_audit(c, audit), stopped),
    )
    ledger.database.trim()
    return removed


def in_batches(ledger: Ledger, batch: Callable[[Connection], int], stopped: Stopped = never) -> int:
    """Remove a batch a transaction until one finds nothing; how many went."""
    total = 0
    while gone := _once(ledger, batch):
        total += gone
        stop_here(stopped)
    return total


def _once(ledger: Ledger, batch: Callable[[Connection], int]) -> int:
    with ledger.database.writing() as connection:
        return batch(connection)
