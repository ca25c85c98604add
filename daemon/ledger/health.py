"""How the work in the ledger stands: what waits, what is owed, what was spent. Read by indexes, in one transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from cases.case import Hold
from daemon.ledger.claims import WAITING, WAITS_SINCE
from daemon.ledger.database import Database
from daemon.ledger.tables import ACTIVE, Moment, State, audit, cases, effects, spend

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Effects of one kind that have no receipt yet, and how long ago the oldest was promised."""

    kind: str
    effects: int
    oldest: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHealth:
    """How the work stands at a moment.

    due         cases that wait to be claimed, and `oldest_due`: for how long the first of them has
    active      cases that are not closed; of them are `frozen`, and at a `gate`
    outbox      what is owed to the outside, by kind
    dropped     effects that were given up in the last 24 hours
    spent_usd   settled in the last 24 hours; `reserved_usd`: set aside in them and not settled yet
    audit_seq   the number of the newest line of the audit; 0 for none
    """

    at: datetime
    due: int
    oldest_due: timedelta
    active: int
    frozen: int
    gated: int
    outbox: tuple[Owed, ...]
    dropped: int
    spent_usd: float
    reserved_usd: float
    audit_seq: int


def health(database: Database, now: datetime) -> LedgerHealth:
    """Read it all as of one moment."""
    with database.reading() as connection:
        due, oldest_due = _queue(connection, now, database.moment(connection, now))
        holds: dict[str, int] = {row.hold: row.many for row in connection.execute(_HOLDS)}
        spent, reserved = connection.execute(_MONEY.where(spend.c.at > now - DAY)).one()
        return LedgerHealth(
            at=now,
            due=due,
            oldest_due=oldest_due,
            active=sum(holds.values()),
            frozen=holds.get(Hold.FROZEN, 0),
            gated=holds.get(Hold.GATE, 0),
            outbox=tuple(
                Owed(kind=row.kind, effects=row.many, oldest=_since(row.oldest, now))
                for row in connection.execute(_OUTBOX)
            ),
            dropped=connection.execute(_DROPPED.where(effects.c.due > now - DAY)).scalar_one(),
            spent_usd=spent,
            reserved_usd=reserved,
            audit_seq=connection.execute(_NEWEST).scalar_one(),
        )


_QUEUE = select(func.count(), func.min(WAITS_SINCE, type_=Moment)).where(*WAITING)
_HOLDS = select(cases.c.hold, func.count().label("many")).where(ACTIVE).group_by(cases.c.hold)
_OUTBOX = (
    select(effects.c.kind, func.count().label("many"), func.min(effects.c.created, type_=Moment).label("oldest"))
    .where(effects.c.state == State.INTENDED)
    .group_by(effects.c.kind)
    .order_by(effects.c.kind)
)
# An effect is dropped when it is tried, and it is tried when it is due.
_DROPPED = select(func.count()).where(effects.c.state == State.DROPPED)
_MONEY = select(
    func.coalesce(func.sum(spend.c.usd), 0.0),
    func.coalesce(func.sum(spend.c.reserved).filter(spend.c.usd.is_(None)), 0.0),
)
_NEWEST = select(func.coalesce(func.max(audit.c.seq), 0))


def _queue(connection: Connection, now: datetime, lapse: datetime) -> tuple[int, timedelta]:
    many, first = connection.execute(_QUEUE, {"now": now, "lapse": lapse}).one()
    return many, _since(first, now)


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return timedelta(0) if moment is None else max(timedelta(0), now - moment)
