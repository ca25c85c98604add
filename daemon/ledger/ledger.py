"""Ledger: every durable store, over one database file."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from cases.ports import Clock
from daemon.clock import SystemClock
from daemon.ledger import schema
from daemon.ledger.audit import Audit
from daemon.ledger.case_store import LedgerCases
from daemon.ledger.checkpoints import LedgerCheckpoints
from daemon.ledger.claims import CLOSED
from daemon.ledger.database import Database
from daemon.ledger.deploys import LedgerDeploys
from daemon.ledger.lessons import LedgerLessons
from daemon.ledger.levers import LedgerLevers
from daemon.ledger.outbox import LedgerOutbox
from daemon.ledger.spend import LedgerPurse, LedgerSpend
from daemon.ledger.tables import State, cases, effects

if TYPE_CHECKING:
    from config.remedies import BudgetSettings  # it brings pydantic, which an open ledger does without

KEPT = timedelta(days=90)
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
    clock: Clock

    def purse(self, budget: "BudgetSettings") -> LedgerPurse:
        """The money for language models under these caps."""
        return LedgerPurse(self.database, self.clock, budget.usd_per_day, budget.usd_per_case)

    def tidy(self, now: datetime) -> int:
        """Forget settled effects of closed cases, and settled notices, after 90 days; how many went.

        They hold whole files, and their keys are promised no more. History, audit and lessons stay. The write-ahead
        log is cut back too.
        """
        closed = select(cases.c.id).where(cases.c.phase == CLOSED)
        with self.database.writing() as connection:
            gone = connection.execute(
                delete(effects).where(
                    effects.c.state != State.INTENDED,
                    effects.c.created < now - KEPT,
                    or_(effects.c.case_id.is_(None), effects.c.case_id.in_(closed)),
                )
            ).rowcount
        self.database.trim()
        return gone


@contextmanager
def open_ledger(url: str, *, clock: Clock | None = None, busy: timedelta = BUSY) -> Generator[Ledger]:
    """Open the ledger at a URL like `sqlite:///trackwalker.db`, made or migrated where needed, until the block ends.

    `clock` dates the audit of receipts, which carry no time of their own. `busy` is how long a write waits for
    another process's. Raises PermanentError for a file that is not healthy, not ours, or of a newer version;
    TemporaryError when the disk is full or another process keeps it locked.
    """
    clock = clock or SystemClock()
    database = Database(url, busy)
    try:
        database.open()
        schema.upgrade(database)
        yield Ledger(
            database=database,
            cases=LedgerCases(database, clock),
            outbox=LedgerOutbox(database, clock),
            lessons=LedgerLessons(database),
            levers=LedgerLevers(database),
            checkpoints=LedgerCheckpoints(database),
            deploys=LedgerDeploys(database),
            audit=Audit(database),
            spend=LedgerSpend(database),
            clock=clock,
        )
    finally:
        database.close()
