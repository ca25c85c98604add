"""Ledger: every durable store, over one database."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from cases.ports import Clock
from daemon.clock import SystemClock
from daemon.ledger import schema
from daemon.ledger.adapters import database_of
from daemon.ledger.audit import Audit
from daemon.ledger.case_store import LedgerCases
from daemon.ledger.checkpoints import LedgerCheckpoints
from daemon.ledger.daemons import LedgerDaemons
from daemon.ledger.database import Database
from daemon.ledger.deploys import LedgerDeploys
from daemon.ledger.health import LedgerHealth, health
from daemon.ledger.lessons import LedgerLessons
from daemon.ledger.levers import LedgerLevers
from daemon.ledger.outbox import LedgerOutbox
from daemon.ledger.purse import Caps, LedgerPurse
from daemon.ledger.spend import LedgerSpend
from daemon.ledger.trust import LedgerTrust

if TYPE_CHECKING:
    from config.models import BudgetSettings  # it brings pydantic, which an open ledger does without
    from daemon.ledger.lesson_vectors import LessonVectors

BUSY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """An open ledger. Its stores may be used from any thread until the block of `open_ledger` ends."""

    database: Database
    cases: LedgerCases
    outbox: LedgerOutbox
    lessons: LedgerLessons
    levers: LedgerLevers
    checkpoints: LedgerCheckpoints
    deploys: LedgerDeploys
    audit: Audit
    spend: LedgerSpend
    daemons: LedgerDaemons
    trust: LedgerTrust
    clock: Clock

    def purse(self, budget: "BudgetSettings") -> LedgerPurse:
        """The money for language models under these caps."""
        by_class = {name: usd for name, usd in budget.usd_per_class if usd is not None}
        caps = Caps(day=budget.usd_per_day, case=budget.usd_per_case, call=budget.usd_per_call, classes=by_class)
        return LedgerPurse(self.database, self.clock, caps)

    def health(self, now: datetime) -> LedgerHealth:
        """How the work stands, for metrics and reports."""
        return health(self.database, now)


@contextmanager
def open_ledger(
    url: str,
    *,
    password: Callable[[], str] | None = None,
    clock: Clock | None = None,
    busy: timedelta = BUSY,
    advice: Callable[[], str] | None = None,
    vectors: "Literal['off', 'numpy', 'pgvector']" = "off",
) -> Generator[Ledger]:
    """Open the ledger at a URL like `sqlite:///trackwalker.db`, made or migrated where needed, until the block ends.

    `password` is that of a PostgreSQL user. `clock` dates the audit of receipts, which carry no time of their own; with
    one that is not the system's, PostgreSQL's leases go by the callers' times too. `busy` is how long a write waits for
    another process's. `advice` says which backup there is, where a file is found to be damaged. `vectors` is how
    lessons are found by more than their words (see `daemon.ledger.lesson_vectors`). Raises PermanentError for a
    database that is not healthy, not ours, of a newer version, or without what `vectors` needs; TemporaryError when
    the disk is full, another process keeps it locked, or the server is away.
    """
    clock = clock or SystemClock()
    database = database_of(url, busy=busy, password=password, given_time=not isinstance(clock, SystemClock))
    database.advice = advice
    try:
        database.open()
        schema.upgrade(database)
        kept = _vectors(vectors, database)
        yield Ledger(
            database=database,
            cases=LedgerCases(database, clock, kept),
            outbox=LedgerOutbox(database, clock),
            lessons=LedgerLessons(database, kept),
            levers=LedgerLevers(database),
            checkpoints=LedgerCheckpoints(database),
            deploys=LedgerDeploys(database),
            audit=Audit(database),
            spend=LedgerSpend(database),
            daemons=LedgerDaemons(database),
            trust=LedgerTrust(database),
            clock=clock,
        )
    finally:
        database.close()


def _vectors(how: Literal["off", "numpy", "pgvector"], database: Database) -> "LessonVectors | None":
    """The vectors of lessons, their table made; None where they are off."""
    if how == "off":
        return None
    from daemon.ledger.lesson_vectors import vectors_of

    kept = vectors_of(how)
    kept.prepare(database)
    return kept
