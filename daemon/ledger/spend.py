"""What language models cost, as reports read it: by model, purpose, case and signal, and day by day.

A reservation that was never settled counts in full: nobody knows whether the answer was paid for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, func, select

from cases.events import Opened
from daemon.ledger.codec import EVENTS
from daemon.ledger.database import Database
from daemon.ledger.tables import history, spend

DAY = timedelta(hours=24)
RESERVED, SETTLED = "model.reserved", "model.settled"
_COST = func.coalesce(spend.c.usd, spend.c.reserved)
UNKNOWN = "(of no case that is kept)"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a case's money was spent for: the signal that opened it, and its service."""

    signal: str
    service: str


class LedgerSpend:
    """What was spent, as reports read it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def calls(self, case: str) -> tuple[Call, ...]:
        """Every call of a case, oldest first."""
        query = select(spend).where(spend.c.case_id == case).order_by(spend.c.at, spend.c.id)
        with self._database.reading() as connection:
            return tuple(_call(row) for row in connection.execute(query))

    def of(self, case: str) -> float:
        """What models cost for a case, in USD."""
        return sum(call.usd for call in self.calls(case))

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

    def by_signal(self, since: datetime | None = None) -> tuple[Total, ...]:
        """The same by the signal whose anomaly opened the case, dearest first."""
        return _together(self.by_case(since), lambda case: self.origin(case).signal)

    def by_service(self, since: datetime | None = None) -> tuple[Total, ...]:
        """The same by service, dearest first."""
        return _together(self.by_case(since), lambda case: self.origin(case).service)

    def origin(self, case: str) -> Origin:
        """What the case's money was spent for."""
        first = select(history.c.kind, history.c.payload).where(history.c.case_id == case, history.c.seq == 1)
        with self._database.reading() as connection:
            row = connection.execute(first).one_or_none()
        event = EVENTS.unpack(row.kind, row.payload, f"entry 1 of case {case}") if row is not None else None
        if not isinstance(event, Opened):
            return Origin(signal=UNKNOWN, service=UNKNOWN)
        return Origin(signal=event.anomaly.signal.key, service=event.service)

    def days(self, now: datetime, many: int) -> tuple[float, ...]:
        """What each of the last so many stretches of 24 hours cost, in USD; the one that ends now comes first."""
        sums = [0.0] * many
        query = select(spend.c.at, _COST.label("usd")).where(spend.c.at > now - many * DAY, spend.c.at <= now)
        with self._database.reading() as connection:
            for row in connection.execute(query):
                sums[(now - row.at) // DAY] += row.usd
        return tuple(sums)

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


def _together(totals: Iterable[Total], of: Callable[[str], str]) -> tuple[Total, ...]:
    """Totals added up by what `of` says of each, dearest first."""
    sums: dict[str, Total] = {}
    for one in totals:
        name = of(one.of)
        so_far = sums.get(name) or Total(of=name, calls=0, usd=0, unsettled_usd=0, input_tokens=0, output_tokens=0)
        sums[name] = Total(
            of=name,
            calls=so_far.calls + one.calls,
            usd=so_far.usd + one.usd,
            unsettled_usd=so_far.unsettled_usd + one.unsettled_usd,
            input_tokens=so_far.input_tokens + one.input_tokens,
            output_tokens=so_far.output_tokens + one.output_tokens,
        )
    return tuple(sorted(sums.values(), key=lambda total: (-total.usd, total.of)))


def spent(connection: Connection, which: ColumnElement[bool]) -> float:
    """What those calls cost, or may yet cost, in USD."""
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
