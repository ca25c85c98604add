"""What the invariants are checked over: the ledger, and where they can be reached the forge and docker, for reading."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select

from cases.case import Case
from cases.errors import PermanentError
from cases.ports import Forge
from cases.steps import Effect, PushBranch, Receipt
from config.settings import Settings
from daemon.invariants.finding import Finding
from daemon.invariants.told import Told
from daemon.ledger import history
from daemon.ledger.codec import EFFECTS, RECEIPTS
from daemon.ledger.database import Database
from daemon.ledger.tables import cases, effects

BRANCHES = "trackwalker/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """An effect as it was promised, with the line of the audit that promised it, and its receipt if it has one."""

    effect: Effect
    case: str
    promised: int
    receipt: Receipt | None


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where to look. `forge` and `overdue` (containers past their deadline, by name) are None where nobody looks."""

    told: Told
    database: Database
    settings: Settings
    forge: Forge | None = None
    overdue: Callable[[], Sequence[str]] | None = None

    @cached_property
    def replayed(self) -> tuple[tuple[Case, ...], tuple[Finding, ...]]:
        """Every case that still has its history, rebuilt from it; and those whose history does not read."""
        found: list[Case] = []
        damaged: list[Finding] = []
        for row in self.told.cases:
            case_id = str(row.columns["id"])
            try:
                with self.database.reading() as connection:
                    found += history.rebuild(connection, cases.c.id == case_id)
            except (PermanentError, ValueError) as error:
                damaged.append(Finding(invariant="I1", row=row.name, what=f"its history does not read: {error}"))
        return tuple(found), tuple(damaged)

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every case that can be rebuilt."""
        return self.replayed[0]

    def pushes(self) -> Iterator[tuple[Promised, PushBranch]]:
        """Every branch that was promised, and is still in the ledger."""
        for promised in self._promised(PushBranch.__name__):
            if isinstance(promised.effect, PushBranch):
                yield promised, promised.effect

    def _promised(self, kind: str) -> Iterator[Promised]:
        with self.database.reading() as connection:
            keys = connection.execute(select(effects.c.key).where(effects.c.kind == kind).order_by(effects.c.seq))
            names = list(keys.scalars())
        for key in names:  # one at a time: they hold whole files
            with self.database.reading() as connection:
                row = connection.execute(
                    select(effects.c.kind, effects.c.payload, effects.c.receipt, effects.c.case_id, effects.c.promised)
                    .where(effects.c.key == key)
                ).first()  # fmt: skip
            if row is None:
                continue
            where = f"effect {key}"
            try:
                yield Promised(
                    effect=EFFECTS.unpack(row.kind, row.payload, where),
                    case=row.case_id or "",
                    promised=row.promised or 0,
                    receipt=RECEIPTS.unpack(Receipt.__name__, row.receipt, where) if row.receipt else None,
                )
            except PermanentError:
                continue  # the rows say that it was edited


def case_of(branch: str) -> tuple[str, str]:
    """The case and the number of its change that a branch of ours carries."""
    case, _, number = branch.removeprefix(BRANCHES).rpartition("-")
    return case, number
