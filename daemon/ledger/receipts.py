"""What was promised for a case and what the outside answered, for people; and the picture that was kept with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from cases.steps import Receipt, StorePlot
from daemon.ledger.codec import EFFECTS, RECEIPTS
from daemon.ledger.database import Database
from daemon.ledger.tables import State, effects

MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """One effect. `facts` are what the outside answered, empty while it did not; `error` is the last one."""

    key: str
    kind: str
    state: str
    at: datetime
    attempts: int
    error: str
    adopted: bool
    facts: Mapping[str, str]


def promised_of(database: Database, case_id: str) -> tuple[Promised, ...]:
    """The effects of a case in the order of their promises, the newest `MOST` of them."""
    columns = (effects.c[name] for name in ("key", "kind", "state", "created", "attempts", "last_error", "receipt"))
    query = select(*columns).where(effects.c.case_id == case_id).order_by(effects.c.seq.desc()).limit(MOST)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    found: list[Promised] = []
    for row in reversed(rows):
        stored = row.receipt
        receipt = RECEIPTS.unpack(Receipt.__name__, stored, f"the receipt of effect {row.key}") if stored else None
        found.append(
            Promised(
                key=row.key,
                kind=row.kind,
                state=str(State(row.state)),
                at=row.created,
                attempts=row.attempts,
                error=row.last_error,
                adopted=receipt is not None and receipt.adopted,
                facts=receipt.facts if receipt is not None else {},
            )
        )
    return tuple(found)


def picture_of(database: Database, case_id: str) -> bytes | None:
    """The newest picture of a case that is kept beside the code, as a PNG; None where there is none any more."""
    query = (
        select(effects.c.kind, effects.c.payload, effects.c.key)
        .where(effects.c.case_id == case_id, effects.c.kind == StorePlot.__name__)
        .order_by(effects.c.seq.desc())
        .limit(1)
    )
    with database.reading() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    effect = EFFECTS.unpack(row.kind, row.payload, f"effect {row.key}")
    return effect.content if isinstance(effect, StorePlot) else None
