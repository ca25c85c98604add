"""Money for language models: reserved before it is spent, settled after, and read for reports.

A reservation that was never settled counts in full: nobody knows whether the answer was paid for.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from cases.errors import OverBudget
from cases.ports import Clock
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.chain import digest
from daemon.ledger.database import Database, alone
from daemon.ledger.tables import spend, storable

DAY = timedelta(hours=24)
RESERVED, SETTLED = "model.reserved", "model.settled"
_COST = func.coalesce(spend.c.usd, spend.c.reserved)
_ROUNDING = 1e-9  # of sums of dollars: a cap that is just reached is not passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt to ask a model. `usd` is the reservation while it is not settled."""

    at: datetime
    case: str
    purpose: str
    model: str
    usd: float
    settled: bool
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What some calls came to. `of` says which: a model, a purpose, or "" for all."""

    of: str
    calls: int
    usd: float
    unsettled_usd: float  # of which only set aside
    input_tokens: int
    output_tokens: int


class LedgerSpend:
    """What was spent, as reports read it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def calls(self, case: str) -> tuple[Call, ...]:
        """Every call of a case, oldest first."""
        query = select(spend).where(spend.c.case_id == case).order_by(spend.c.at, spend.c.id)
        with self._database.reading() as connection:
            return tuple(_call(row) for row in connection.execute(query))

    def total(self, since: datetime | None = None) -> Total:
        """All calls since a moment, or ever."""
        return self._totals(None, since)[0]

    def by_model(self, since: datetime | None = None) -> tuple[Total, ...]:
        """The same by model, dearest first."""
        return self._totals(spend.c.model, since)

    def by_purpose(self, since: datetime | None = None) -> tuple[Total, ...]:
        """The same by purpose, dearest first."""
        return self._totals(spend.c.purpose, since)

    def by_case(self, since: datetime | None = None) -> tuple[Total, ...]:
        """The same by case, dearest first."""
        return self._totals(spend.c.case_id, since)

    def _totals(self, of: ColumnElement[str] | None, since: datetime | None) -> tuple[Total, ...]:
        sums = (
            func.count().label("calls"),
            func.coalesce(func.sum(_COST), 0.0).label("usd"),
            func.coalesce(func.sum(spend.c.reserved).filter(spend.c.usd.is_(None)), 0.0).label("unsettled_usd"),
            func.coalesce(func.sum(spend.c.input_tokens), 0).label("input_tokens"),
            func.coalesce(func.sum(spend.c.output_tokens), 0).label("output_tokens"),
        )
        query = select(*sums) if of is None else select(of.label("of"), *sums).group_by(of).order_by(sums[1].desc(), of)
        if since is not None:
            query = query.where(spend.c.at > since)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings()
            return tuple(
                Total(
                    of=str(row.get("of", "")),
                    calls=row["calls"],
                    usd=row["usd"],
                    unsettled_usd=row["unsettled_usd"],
                    input_tokens=row["input_tokens"],
                    output_tokens=row["output_tokens"],
                )
                for row in rows
            )


class LedgerPurse:
    """The purse of one ledger (see `cases.ports.Purse`): its caps hold over every daemon on the same store."""

    def __init__(self, database: Database, clock: Clock, usd_per_day: float, usd_per_case: float) -> None:
        self._database = database
        self._clock = clock
        self._per_day = usd_per_day
        self._per_case = usd_per_case
        self._lines: dict[str, int] = {}  # the audit's line of each reservation of this process that is not settled

    def reserve(self, case: str, purpose: str, model: str, usd: float, *, prompt: str = "") -> str:
        """Set aside the worst case of one call; the reservation's id. Raises OverBudget when a cap would be passed."""
        reservation, now = uuid.uuid4().hex, self._clock.now()
        with self._database.writing() as connection:
            alone(connection)  # nobody else spends between the sums and the row
            day = _spent(connection, spend.c.at > now - DAY)
            if day + usd > self._per_day + _ROUNDING:
                raise OverBudget(
                    f"{_dollars(day)} of budget.usd_per_day {_dollars(self._per_day)} is spent or set aside in the "
                    f"last 24 hours, and this may cost {_dollars(usd)}; wait, or raise budget.usd_per_day"
                )
            of_case = _spent(connection, spend.c.case_id == case)
            if of_case + usd > self._per_case + _ROUNDING:
                raise OverBudget(
                    f"{_dollars(of_case)} of budget.usd_per_case {_dollars(self._per_case)} is spent or set aside for "
                    f"case {case}, and this may cost {_dollars(usd)}; work on it by hand, or raise budget.usd_per_case"
                )
            row = {"id": reservation, "at": now, "case_id": case, "purpose": purpose, "model": model, "reserved": usd}
            connection.execute(insert(spend).values(**row, usd=None, input_tokens=0, output_tokens=0))
            words = {"purpose": storable(purpose), "model": storable(model)}
            sha = digest(id=reservation, at=now, case_id=storable(case), reserved=float(usd), **words)
            asked = {"reservation": reservation, "usd": repr(float(usd)), "prompt": prompt, "sha": sha, **words}
            self._lines[reservation] = self._told(connection, RESERVED, case, None, asked)
        return reservation

    def settle(self, reservation: str, usd: float, input_tokens: int, output_tokens: int) -> None:
        """Put what it really cost in place of the reservation. LookupError for one that was never made: a bug."""
        cost = {"usd": usd, "input_tokens": input_tokens, "output_tokens": output_tokens}
        with self._database.writing() as connection:
            query = update(spend).where(spend.c.id == reservation).values(cost).returning(spend.c.case_id)
            case: str | None = connection.execute(query).scalar_one_or_none()
            if case is None:
                raise LookupError(f"there is no reservation {reservation}")
            came_to = {"reservation": reservation, "usd": repr(float(usd))}
            tokens = {"input_tokens": str(input_tokens), "output_tokens": str(output_tokens)}
            self._told(connection, SETTLED, case, self._lines.get(reservation), {**came_to, **tokens})
            self._lines.pop(reservation, None)

    def _told(self, connection: Connection, action: str, case: str, parent: int | None, detail: dict[str, str]) -> int:
        line = AuditEntry(
            at=self._clock.now(), actor=audit.DAEMON, action=action, case=case, parent=parent, detail=detail
        )
        return audit.append(connection, line)


def _spent(connection: Connection, which: ColumnElement[bool]) -> float:
    total: float = connection.execute(select(func.coalesce(func.sum(_COST), 0.0)).where(which)).scalar_one()
    return total


def _call(row: Row[tuple[object, ...]]) -> Call:
    return Call(
        at=row.at,
        case=row.case_id,
        purpose=row.purpose,
        model=row.model,
        usd=row.reserved if row.usd is None else row.usd,
        settled=row.usd is not None,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
    )


def _dollars(usd: float) -> str:
    return f"${usd:.4f}" if usd < 1 else f"${usd:.2f}"
